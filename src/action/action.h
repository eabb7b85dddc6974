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

#include "action/child.h"
#include "base/buf.h"
#include "base/err.h"
#include "plan/plan.h"

struct action_call {
	const struct plan_action *action;
	const char *dir;	  /* of the plan: relative commands stand beside it */
	const char *side;	  /* "old" or "new" */
	const char *observe_side; /* what the observation gets instead; NULL = the same */
};

/* What became of the command itself, for the record; the observation decides, not this. */
struct action_report {
	int status;			 /* as child_end's; -1 = it was not run to an end */
	char output[CHILD_OUTPUT_BYTES]; /* the end of what it said */
	int64_t ms;			 /* until it was observed, or given up */
};

/* *ret_done: what the observation says now. */
int action_observe(const struct action_call *call, bool *ret_done, struct err *err) MUST_CHECK;
/* Carries it out (`done`) or undoes it, and returns when that was observed, within the action's
 * timeout: ERR_TIMEOUT with what the command said last.  `ret_report` may be NULL, and is filled on
 * failure too. */
int action_make(const struct action_call *call, bool done, struct action_report *ret_report,
	struct err *err) MUST_CHECK;

/* Appends the words as a shell takes them, for people. */
void action_words(struct buf *out, char *const *argv);

#endif
