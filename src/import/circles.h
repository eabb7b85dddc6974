/*
 * circles.h - services that call each other make no plan: a circle of `needs` has no order.  Calls
 * are taken in one by one, depends_on first, and what would close a circle stays out and is told.
 */
#ifndef AIRLOCK_IMPORT_CIRCLES_H
#define AIRLOCK_IMPORT_CIRCLES_H

#include "import/world.h"

void circles_break(struct world *w);

#endif
