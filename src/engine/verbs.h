/*
 * verbs.h - what each verb of the core does to one store, composed from the contracts.
 *
 * The rules that make two controllers, or one that slept, harmless live here, once for all engines:
 * guards are read before registers and moved from the pair that was read; the phase of a guard is a
 * fence, never the truth; after a register move that did not happen the register decides.
 *
 * Thread: a worker; one verb at a time per member, except that TRY and SEQUENCES may run beside
 * each other and another.
 */
#ifndef AIRLOCK_ENGINE_VERBS_H
#define AIRLOCK_ENGINE_VERBS_H

#include "core/core.h"
#include "port/route.h"
#include "port/store.h"

struct verb_call {
	struct env *env;
	struct store *store;
	struct route *route;
	enum side src;
	bool undoing; /* clients go back to src: ask it first */
	bool decides; /* the decider of a wave of several stores */
	int64_t attempt;
	int64_t deadline_ms;	     /* absolute, env_now_ms */
	int64_t hold_ms;	     /* HOLD, SEAL: what is left of the hold */
	int64_t drain_ms;	     /* HOLD: how long clients may take to their next boundary */
	int64_t lull_ms;	     /* HOLD: how long it may look for a good moment to begin */
	struct route_held *ret_held; /* HOLD: what it took */
	struct route_released *ret_released; /* RELEASE: whom it let go */
	struct store_tried *ret_tried;	     /* TRY: what it proved */
	int64_t commit_ms;		     /* COMMIT: how much of the hold must be left */
	struct err *ret_silence; /* observe: why a side did not answer, [SIDE_COUNT]; may be NULL */
	int64_t *epoch_seen;	 /* the member's highest epoch so far; TRY and SEQUENCES do not touch it */
};

/*
 * Carries the verb out and reads its effect back.  OUTCOME_DONE leaves *err alone; every other
 * outcome explains itself there.
 */
enum core_outcome verb_run(enum verb verb, const struct verb_call *call, struct err *err);

/* Reads one member: guards, then registers, then links.  A silent side is part of the view. */
void verb_observe(const struct verb_call *call, struct core_view *ret_view);

#endif
