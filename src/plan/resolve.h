/*
 * resolve.h - names become indices: every reference of the plan finds what it names, or is a
 * problem with the nearest name that exists.  Afterwards each list is sorted by index.
 */
#ifndef AIRLOCK_PLAN_RESOLVE_H
#define AIRLOCK_PLAN_RESOLVE_H

#include "plan/checker.h"

/* Stores, services and routes are sorted by name. */
void resolve_refs(struct checker *ck);

#endif
