/*
 * audit.h - what must hold of a fake world at every instant (invariants I1 to I9 of the protocol).
 * Some are found where they happen (world.c, arbiter.c); the rest here.
 */
#ifndef AIRLOCK_STORE_FAKE_AUDIT_H
#define AIRLOCK_STORE_FAKE_AUDIT_H

#include "store/fake/world.h"

/* Returns the first violation, or NULL. */
const char *fake_audit(struct fake_world *w);
/* When everything has come to rest: one side open, exactly its link on, all rows on both. */
const char *fake_audit_rest(struct fake_world *w);

#endif
