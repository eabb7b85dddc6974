/*
 * guard.h - one round over one store that stands open for days.
 *
 * Thread: one owner; blocks until its deadline at most.
 */
#ifndef AIRLOCK_GUARD_GUARD_H
#define AIRLOCK_GUARD_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "guard/lag.h"
#include "plan/plan.h"
#include "port/store.h"

enum guard_alarm {
	GUARD_BLIND = 1,     /* the round did not get through, and no attempt is under way */
	GUARD_CUT = 2,	     /* the other side does not follow */
	GUARD_LATE = 4,	     /* it is older than budgets.rollback_lag, and it is the way back */
	GUARD_STRAY = 8,     /* somebody wrote behind the shut door */
	GUARD_UNUSABLE = 16, /* a slot is missing or has lost its log */
	GUARD_KEEPS = 32     /* an idle position has kept more log than budgets.lag for a minute */
};

/* An old transaction on its server, in any database, keeps a position from moving; so does a server
 * that has not said for a quarter of a minute from where decoding may start. */
#define GUARD_KEEPS_MS 60000

struct guard_watch {
	struct store *store;		    /* borrowed */
	const struct plan_budgets *budgets; /* borrowed */
	struct lag lag;
	enum side open;		/* whose log `lag` measures */
	bool keeps;		/* at the last look an idle position kept more than budgets.lag */
	int64_t keeps_since_ms; /* when it does: env_now_ms */
};

struct guard_view {
	bool at_rest;	 /* false: an attempt is under way, or blind; `why` says it */
	unsigned alarms; /* enum guard_alarm */
	int64_t behind_ms;
	int64_t behind_bytes;
	struct store_tended tended; /* only at rest */
	struct err why;
	int64_t seen_ms; /* env_now_ms */
};

/* Never fails: what it could not do is in the view. */
void guard_round(struct guard_watch *watch, int64_t deadline_ms, struct guard_view *ret_view);

/* "stray"; for one alarm. */
const char *guard_alarm_name(enum guard_alarm alarm);

#endif
