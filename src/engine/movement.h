/*
 * movement.h - the services of one wave that have a `move`: carried to a side in order, each
 * remembered before it is touched and observed afterwards, and taken back when the wave fails.
 *
 * On which side a service stands is what its `observe` says: exit status 0 = new, any other up to
 * 125 = old.  One that cannot be run, is killed, or does not end in time is no answer: its side is
 * unknown.  It is always asked with AIRLOCK_SIDE=new, so that a script may compare with it; `exec`
 * gets AIRLOCK_SIDE=new and `undo` AIRLOCK_SIDE=old.
 *
 * Order.  Towards new: support, read-only and replayable services, then the stores of the wave,
 * then its entry points; within a tier as in the plan.  Towards old the same backwards.  In a wave
 * without a store everything stands before.
 *
 * What fails before the stores are committed takes the whole wave back, last first.  What fails
 * after it takes back nothing but itself (laws 3, 5 and 8).
 *
 * Thread: the caller's; never called while clients are held.
 */
#ifndef AIRLOCK_ENGINE_MOVEMENT_H
#define AIRLOCK_ENGINE_MOVEMENT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "action/action.h"
#include "core/door.h"
#include "plan/sequence.h"
#include "port/env.h"

/* Rows of the journal: kind "wave" with key "wave-N", kind "move" with the service as its key. */
#define MOVEMENT_WAVE "wave"
#define MOVEMENT_MOVE "move"

/* What this attempt did with a service; the names are those of "state" in a "move" row. */
enum move_state {
	MOVE_NONE,   /* "none": it was not touched */
	MOVE_THERE,  /* "there": it stood on the goal's side already; not ours to take back */
	MOVE_INTENT, /* "intent": about to be carried; it may be on either side */
	MOVE_MOVED,  /* "moved": observed on the goal's side */
	MOVE_FAILED, /* "failed": not observed there in time */
	MOVE_STATE_COUNT
};

/* The names are those of "state" in a "wave" row. */
enum wave_state {
	WAVE_NONE,
	WAVE_BEGUN,   /* "begun": the one record before the first effect (law 4) */
	WAVE_UNDOING, /* "undoing": what was touched is being taken back */
	WAVE_PENDING, /* "pending": its stores are across, a service is not; `resume` tries again */
	WAVE_DONE,    /* "done" */
	WAVE_UNDONE,  /* "undone": everything that was touched is back, as observed */
	WAVE_LEFT,    /* "left": the plan was changed and no longer moves any of its services */
	WAVE_STATE_COUNT
};

const char *move_state_name(enum move_state state);
const char *wave_state_name(enum wave_state state);
/* The COUNT when there is no such name. */
enum move_state move_state_find(const char *name);
enum wave_state wave_state_find(const char *name);

/* A side as observed. */
struct move_seen {
	bool known;
	enum side side;
};

struct move_item {
	const struct plan_service *service;
	bool after; /* the stores of the wave */
	enum move_state state;
	struct move_seen seen; /* the newest observation */
};

/* What is remembered of one service at one moment. */
struct move_note {
	const struct move_item *item;
	enum move_state state;
	bool undoing; /* this takes back what the attempt did; then `goal` is where it came from */
	enum side goal;			    /* of this very command */
	char *const *command, *const *undo; /* the one that is run, and what takes it back */
	const struct action_report *report; /* NULL until it has run */
	const char *why;		    /* it failed; else "" */
};

struct movement {
	const char *dir; /* of the plan */
	struct env *env;
	const volatile sig_atomic_t *stop_asked; /* NULL = never */
	enum side goal;
	struct move_item *items; /* in order */
	size_t count;
	enum wave_state state; /* as it was remembered last */
	void *arg;
	/* Both durable on return. */
	int (*remember_wave)(void *arg, enum wave_state state, struct err *err);
	int (*remember)(void *arg, const struct move_note *note, struct err *err);
	void (*tell)(void *arg, const char *service, const char *what);
};

/* Fills items, count and goal for the wave; none is observed yet. */
void movement_list(const struct plan *plan, const struct wave *wave, enum side goal,
	struct arena *arena, struct movement *m);

/* Observes every service.  -1 names the first that gives no answer; the others are observed all the
 * same. */
int movement_look(struct movement *m, struct err *err) MUST_CHECK;
/* Is anything not yet where it is to be?  After movement_look. */
bool movement_is_needed(const struct movement *m);
/* Did this attempt touch anything? */
bool movement_has_touched(const struct movement *m);
/* Has it touched one whose side nobody knows now? */
bool movement_is_lost(const struct movement *m);

/* The record of the attempt with all its commands and their undo, before its first effect. */
int movement_begin(struct movement *m, struct err *err) MUST_CHECK;
/* Carries those before, or after, the stores; stops at the first failure and takes back nothing. */
int movement_carry(struct movement *m, bool after, struct err *err) MUST_CHECK;
/* Takes back everything that was touched, last first, and goes on after a failure: -1 when one was
 * not observed back, *err is the first.  The record says undone only when all are. */
int movement_take_back(struct movement *m, struct err *err) MUST_CHECK;
/* For a wave whose stores are across: takes back what failed and nothing else, and leaves the
 * record pending.  -1 when one was not observed back. */
int movement_leave_pending(struct movement *m, struct err *err) MUST_CHECK;
int movement_end(struct movement *m, struct err *err) MUST_CHECK;

#endif
