/*
 * engine.h - carries out what the core asks for, on one wave.
 *
 * One thread (the caller's) consumes completions from the env's queue, feeds the core, and submits
 * the effects to the env's workers.  Everything it needs is allocated before the first verb; inside
 * the window it allocates nothing and writes nothing synchronously (law 11).
 *
 * Throwing the process away at any instant is safe: the registers are the journal, a new engine in
 * mode CORE_RESUME finishes or undoes.
 */
#ifndef AIRLOCK_ENGINE_ENGINE_H
#define AIRLOCK_ENGINE_ENGINE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/core.h"
#include "port/env.h"
#include "port/route.h"
#include "port/store.h"

struct engine_member {
	struct store *store; /* borrowed */
	struct route *route; /* borrowed */
};

struct engine_timeouts {
	int64_t look_ms;    /* one observation of one member */
	int64_t prepare_ms; /* one step before the hold */
	int64_t hold_ms;    /* the whole hold, by the source's clock: budgets.hold */
	int64_t drain_ms;   /* how long clients may take to a boundary: budgets.drain */
	int64_t window_ms;  /* stop and undo when not committed after so long: budgets.window */
	int64_t finish_ms;  /* one try of a step past the commit point, or of the undo */
};

/* Called on the engine's thread.  None may block while clients are held. */
struct engine_hooks {
	void *arg;
	/* The durable record of the attempt, its steps and their undo, before its first effect; a
	 * failure refuses the attempt (law 4). */
	int (*intent)(void *arg, int64_t attempt, enum side src, struct err *err);
	void (*moved)(void *arg, const struct core_trace *trace, int64_t at_us);
	void (*began)(void *arg, size_t member, enum verb verb, int64_t attempt, int64_t at_us);
	void (*ended)(void *arg, size_t member, enum verb verb, int64_t attempt,
		enum core_outcome outcome, const struct err *err, int64_t began_us, int64_t at_us);
	/* Clients are not held (any more): the place to write what was written behind. */
	void (*calm)(void *arg);
};

struct engine_config {
	struct env *env; /* borrowed */
	struct core_config core;
	struct engine_member member[CORE_MEMBERS_MAX];
	struct engine_timeouts timeouts;
	struct engine_hooks hooks; /* every member may be NULL */
	/* Set from a signal handler (then env_wake): ask to stop.  NULL = never. */
	const volatile sig_atomic_t *abort_asked;
};

/* One verb of the newest attempt, for the table of the window's parts. */
struct engine_part {
	bool ran;
	int64_t began_us, ended_us; /* over all members and tries */
};

struct engine_report {
	enum core_verdict verdict;
	enum phase phase;
	int64_t attempt; /* the newest */
	int64_t attempts_made;
	enum side src;				 /* the side that was to be left */
	struct core_view view[CORE_MEMBERS_MAX]; /* as read after the end */
	/* Why a side did not answer the newest look; ERR_OK = it did. */
	struct err silence[CORE_MEMBERS_MAX][SIDE_COUNT];
	bool later;	  /* something harmless remains for `resume` */
	struct err cause; /* the newest failure; code ERR_OK when there was none */
	enum verb cause_verb;
	size_t cause_member;
	struct engine_part part[VERB_COUNT];
	struct route_held held[CORE_MEMBERS_MAX];	  /* of the newest hold */
	struct route_released released[CORE_MEMBERS_MAX]; /* of the newest release */
	struct err unreleased[CORE_MEMBERS_MAX]; /* why it was not confirmed; ERR_OK = it was */
	struct store_tried tried[CORE_MEMBERS_MAX];	  /* of the newest proof by trying */
	int64_t ended; /* sessions that holds of this run ended because the plan wanted it */
	char ended_who[400];
};

/* Runs until the core's verdict.  Never fails: what goes wrong is in the report. */
void engine_run(const struct engine_config *config, struct engine_report *ret_report);

#endif
