/*
 * visit.h - slots of ours that nobody streams from keep log until they are visited.
 *
 * Only in a settled store: one side open, the other shut, no attempt under way.  Everything else is
 * ERR_LOST, and nothing was moved.
 */
#ifndef AIRLOCK_STORE_POSTGRES_VISIT_H
#define AIRLOCK_STORE_POSTGRES_VISIT_H

#include "store/postgres/look.h"

/* ERR_REFUSED when the slot is missing or has lost its log. */
int slot_usable(struct store_pg *s, enum side side, const char *slot, int64_t deadline_ms,
	struct slot_look *ret, struct err *err) MUST_CHECK;

/* Before a hold: every idle slot within the plan's lag budget, the way back's without fail
 * (ERR_BLOCKED), the audit's as far as they come. */
int visit_before_hold(
	struct store_pg *s, enum side open, int64_t deadline_ms, struct err *err) MUST_CHECK;

/* One round over all idle slots (store_ops.tend). */
int pg_tend(struct store *store, int64_t deadline_ms, struct store_tended *ret, struct err *err);

#endif
