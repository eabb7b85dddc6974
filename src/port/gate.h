/*
 * gate.h - the contract of a readiness gate: it does the thing rather than read a flag.
 *
 * Evidence has an age and expires (law 9).  What could not be proven says NOT PROVEN.
 */
#ifndef AIRLOCK_PORT_GATE_H
#define AIRLOCK_PORT_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum gate_state { GATE_PASS, GATE_FAIL, GATE_NOT_PROVEN, GATE_WAIVED, GATE_STALE };

struct gate_answer {
	enum gate_state state;
	struct buf evidence;   /* one line for people; owned, buf_fini */
	struct buf remedy;     /* what to do when it is not PASS; owned */
	int64_t measured_at_s; /* wall clock, seconds */
	int64_t valid_s;       /* from measured_at_s on */
};

struct plan;
struct gate_world; /* what gates may look at; see src/gate/world.h */

struct gate {
	const char *id;	  /* "clock": the plan's key, `check --gate ID`, `explain ID` */
	const char *what; /* one sentence */
	/* Whether a person may go on without it (`airlock waive`): nothing that the laws rest on.
	 */
	bool waivable;
	/* Whether this plan needs it to pass before a hold. */
	bool (*required)(const struct plan *plan);
	int (*assess)(struct gate_world *world, struct gate_answer *ret_answer, struct err *err);
};

const char *gate_state_name(enum gate_state state); /* "not-proven" */

#endif
