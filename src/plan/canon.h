/*
 * canon.h - one text for all plans that mean the same, and its SHA-256.
 *
 * Lines `path=value`, sorted: times in ms, sizes in bytes, defaults and derived tiers written out,
 * connection strings in one spelling, lists whose order means nothing sorted.  The path of the file
 * and the places in it are not part of it.  Changing this text changes every hash and voids every
 * approval, so it changes only with the version of the plan format.
 */
#ifndef AIRLOCK_PLAN_CANON_H
#define AIRLOCK_PLAN_CANON_H

#include "plan/plan.h"

/* Sets plan->canonical and plan->hash. */
int canon_seal(struct plan *plan, struct err *err) MUST_CHECK;

#endif
