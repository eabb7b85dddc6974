/*
 * action.h - an external command of a plan, with the one that observes it and the one that undoes
 * it.  An action is done when its observation says so (exit status 0), and undone when it says the
 * contrary (any other); what the command itself ended with is only told.
 *
 * Each command gets AIRLOCK_SIDE=old or new, the side that applications are to use.
 */
#ifndef AIRLOCK_ACTION_ACTION_H
#define AIRLOCK_ACTION_ACTION_H

#include <stdbool.h>

#include "base/err.h"
#include "plan/plan.h"

struct action_call {
	const struct plan_action *action;
	const char *dir;  /* of the plan: relative commands stand beside it */
	const char *side; /* "old" or "new" */
};

/* *ret_done: what the observation says now. */
int action_observe(const struct action_call *call, bool *ret_done, struct err *err) MUST_CHECK;
/* Carries it out (`done`) or undoes it, and returns when that was observed, within the action's
 * timeout: ERR_TIMEOUT with what the command said last. */
int action_make(const struct action_call *call, bool done, struct err *err) MUST_CHECK;

#endif
