/*
 * core.h - the cutover machine of one wave.  Pure: no I/O, no clock, no allocation.
 *
 *     core_init(&core, &config);
 *     core_step(&core, &event, &effects);      events in, effects out
 *
 * The caller (the engine, the simulator) carries out the effects and feeds back what happened.
 * The registers in the stores are the truth; this object is only one controller's view of them, and
 * it may be thrown away at any instant: a fresh one in mode CORE_RESUME reads the registers and
 * finishes or undoes (law 4).
 *
 * One mutator changes the phase (core_move): edge allowed -> invariant -> trace.
 *
 * Thread: none; one owner.
 */
#ifndef AIRLOCK_CORE_CORE_H
#define AIRLOCK_CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/door.h"
#include "core/table.h"

#define CORE_MEMBERS_MAX 16
#define CORE_EFFECTS_MAX (2 * CORE_MEMBERS_MAX + 4)

/* RUN refuses when something is under way; RESUME settles whatever is; FINALIZE gives up the way
 * back of a settled wave. */
enum core_mode { CORE_RUN, CORE_RESUME, CORE_FINALIZE };

/* Whether a link's subscription is enabled, as observed. */
enum link_seen { LINK_UNSEEN, LINK_OFF, LINK_ON };

/* One member as observed: guards were read before registers. */
struct core_view {
	bool reachable[SIDE_COUNT];
	struct door door[SIDE_COUNT];
	enum link_seen link[SIDE_COUNT]; /* by publisher */
};

enum core_outcome {
	OUTCOME_DONE,
	OUTCOME_LATER, /* not possible now, and nobody has to wait for it: recorded, then as DONE */
	OUTCOME_FAILED, /* refused, blocked, timed out, unreachable: the effect may or may not exist
			 */
	OUTCOME_REFUSED, /* as FAILED, and trying again without a person is useless */
	OUTCOME_LOST	 /* a register or guard was not where it was left */
};

/* The whole run as a person sees it; the values of "verdict" in airlock.run/1. */
enum core_verdict {
	VERDICT_NONE,
	VERDICT_DONE,
	VERDICT_UNDONE,
	VERDICT_REFUSED,   /* before anybody was held */
	VERDICT_TIMED_OUT, /* one side is open and serves; something remains for `resume` */
	VERDICT_UNKNOWN
};

enum core_event_kind {
	EVENT_START,
	EVENT_OBSERVED, /* member, view */
	EVENT_VERB,	/* member, verb, outcome */
	EVENT_TIMER,	/* answers EFFECT_WAIT */
	EVENT_DEADLINE, /* of the hold that EFFECT_VERB(HOLD) began */
	EVENT_ABORT
};

struct core_event {
	enum core_event_kind kind;
	size_t member;
	enum verb verb;
	enum core_outcome outcome;
	struct core_view view;
};

enum core_effect_kind {
	EFFECT_OBSERVE, /* read guards, then registers, then links of `member` */
	EFFECT_VERB,	/* carry out `verb` on `member` at (attempt, src) */
	EFFECT_WAIT,	/* EVENT_TIMER after wait_ms */
	EFFECT_END	/* `verdict`; no effect follows */
};

struct core_effect {
	enum core_effect_kind kind;
	size_t member;
	enum verb verb;
	int64_t wait_ms;
	enum core_verdict verdict;
};

/* A move of the machine, for the journal and the trace. */
struct core_trace {
	enum phase from, to;
	enum signal signal;
	int64_t attempt;
	const char *sentence;
};

struct core_effects {
	struct core_effect row[CORE_EFFECTS_MAX];
	size_t count;
	struct core_trace trace[4];
	size_t trace_count;
};

struct core_config {
	enum core_mode mode;
	size_t members;	      /* 1 .. CORE_MEMBERS_MAX */
	size_t decider;	      /* whose registers decide for all */
	enum side goal;	      /* the side to open; CORE_RUN only */
	int64_t attempts_max; /* >= 1; CORE_RUN only */
	int64_t backoff_ms;   /* base of the pause between attempts and tries */
	int tries_max;	      /* of one step past the commit point, and of looking */
};

struct core_member {
	struct core_view view;
	bool seen;
	bool later; /* some verb answered OUTCOME_LATER */
};

struct core {
	struct core_config config;
	enum phase phase;
	enum phase came_from; /* by the newest move */
	enum side src;	      /* the side that is being left; valid from READY on */
	int64_t attempt;      /* 0 until the first */
	int64_t attempts_made;
	struct core_member member[CORE_MEMBERS_MAX];
	unsigned group; /* of the phase's steps that is being carried out */
	int turn;	/* within the group: 0 = first part of FIRST/LAST or everything, 1 = rest */
	size_t pending; /* completions and observations that are still out */
	enum core_outcome worst; /* among the completions of this turn */
	size_t beside;		 /* of the phase's ORDER_BESIDE verbs, still out; no move before */
	enum core_outcome worst_beside; /* among those of this phase */
	int tries;
	int looks;    /* how often IDLE was entered again: bounds every run */
	int torn;     /* contradictory looks in a row */
	bool waiting; /* an EFFECT_WAIT is out */
	bool holding; /* this controller asked for a hold that has not been released */
	bool asked_deadline, asked_abort; /* arrived while something was pending */
	bool held;			  /* this run asked for a hold at least once */
	bool undone;			  /* this run went through UNDOING */
	bool hopeless;		   /* the failure behind that undo will not go away by itself */
	bool looked;		   /* the first look is over: RUN no longer refuses */
	enum core_verdict verdict; /* VERDICT_NONE until the end */
};

void core_init(struct core *core, const struct core_config *config);
/* Replaces *effects.  After VERDICT_* was given, every event is ignored. */
void core_step(struct core *core, const struct core_event *event, struct core_effects *effects);

const char *core_outcome_name(enum core_outcome outcome);
const char *core_verdict_name(enum core_verdict verdict); /* "timed-out" */

#endif
