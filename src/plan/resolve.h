/*
 * resolve.h - names become indices: every reference of the plan finds what it names, or is a
 * problem with the nearest name that exists.  Afterwards each list is sorted by index, and an entry
 * of `overlap` with lists is as many entries as it has pairs: whoever writes them out one by one
 * has the same plan, and the same hash.
 */
#ifndef AIRLOCK_PLAN_RESOLVE_H
#define AIRLOCK_PLAN_RESOLVE_H

#include "plan/checker.h"

/* Stores, services and routes are sorted by name. */
void resolve_refs(struct checker *ck);

#endif
