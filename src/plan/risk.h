/*
 * risk.h - what a wave puts at risk, in four lines, and the cuttings that were rejected for it.  On
 * demand, wave by wave.  Pure.
 */
#ifndef AIRLOCK_PLAN_RISK_H
#define AIRLOCK_PLAN_RISK_H

#include "plan/impact.h"
#include "plan/overlap.h"
#include "plan/sequence.h"

struct risk {
	/* One sentence each, in arena. */
	const char *availability, *integrity, *reversibility, *load;
	size_t radius;	      /* stores and services that feel it, members included */
	size_t human_actions; /* members that nothing in the plan moves */
	size_t decisions;     /* what a person has to say yes to */
	/* The longest that the plan lets one piece of the undo take; -1: by hand, nobody knows. */
	int64_t undo_ms;
	/* Rejected cuttings, each with what it would cost; NULL where there is none. */
	const char *merged, *split;
};

void risk_make(const struct sequence *q, const struct crossings *crossings, struct impact *im,
	const struct wave *wave, struct arena *arena, struct risk *ret);

/* Does anything in the plan move it: a store's pattern, a `move`, a route of its own? */
bool risk_is_by_hand(const struct plan *plan, size_t node);

#endif
