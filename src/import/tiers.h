/*
 * tiers.h - in which tier a service moves, with the reason: from what reaches it, what starts it,
 * what its image is, how it uses stores.  Where nothing is known the tier stays out of the plan,
 * which then derives it.
 */
#ifndef AIRLOCK_IMPORT_TIERS_H
#define AIRLOCK_IMPORT_TIERS_H

#include "import/world.h"

void tiers_derive(struct world *w);

#endif
