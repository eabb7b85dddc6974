/*
 * hidden.h - servers that only their clients give away: an image of one's own ("build: ./db"), to
 * which others come with a connection that says its engine.
 */
#ifndef AIRLOCK_IMPORT_HIDDEN_H
#define AIRLOCK_IMPORT_HIDDEN_H

#include "import/world.h"

/* Such services become servers.  Before any edge is made. */
void hidden_find(struct world *w);

#endif
