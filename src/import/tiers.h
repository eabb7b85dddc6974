/*
 * tiers.h - in which tier a service moves, with the reason: from what reaches it, what starts it,
 * what its image is, how it uses stores.  Where nothing is known the tier stays out of the plan,
 * which then derives it.
 */
#ifndef AIRLOCK_IMPORT_TIERS_H
#define AIRLOCK_IMPORT_TIERS_H

#include "import/world.h"

/* A word of its name or command says that it works off a queue. */
bool tiers_is_worker(const struct part *part);
void tiers_derive(struct world *w);

#endif
