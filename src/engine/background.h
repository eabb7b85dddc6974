/*
 * background.h - services of a plan that must not run while their stores cross (`during: stop`).
 *
 * They are stopped before the hold and started again when the attempt is over and one side is open,
 * whichever it is.  A service that was stopped already is somebody else's business and stays so.
 * What was stopped is remembered through `remember` before the command runs (law 4), so that
 * `resume` can start again what a dead controller left stopped.
 *
 * Thread: the caller's; never called while clients are held.
 */
#ifndef AIRLOCK_ENGINE_BACKGROUND_H
#define AIRLOCK_ENGINE_BACKGROUND_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "core/door.h"
#include "plan/plan.h"
#include "port/env.h"

struct background {
	const struct plan *plan;
	const char *dir; /* of the plan file */
	struct env *env;
	const size_t *stores; /* of the wave */
	size_t stores_count;
	const volatile sig_atomic_t *stop_asked; /* NULL = never */
	void *arg;
	/* Durable on return.  `stopped`: we are about to stop it; else it runs again. */
	int (*remember)(void *arg, const char *service, bool stopped, struct err *err);
	/* What `remember` was told last; false when nothing is known. */
	bool (*is_ours)(void *arg, const char *service);
	void (*tell)(void *arg, const char *service, const char *what);
};

/* Stops all of the wave's, one after the other.  On failure those that this call stopped run again
 * (what does not is in *err too) and nothing is left to do. */
int background_stop(const struct background *b, enum side side, struct err *err) MUST_CHECK;
/* Tells of those that stand still and of which nobody knows whether a dead controller stopped them:
 * after a `resume` whose journal is new. */
void background_tell_unknown(const struct background *b, enum side side);
/* Starts every one that is ours to start; goes on after a failure, and *err is the first. */
int background_start(const struct background *b, enum side side, struct err *err) MUST_CHECK;

#endif
