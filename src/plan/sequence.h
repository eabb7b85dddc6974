/*
 * sequence.h - in which order the plan's parts move: waves, least stateful first, never against a
 * dependency.  Pure.
 *
 * Edges: `needs` and `after` order nodes; a service that reads or writes a store is tied to it.  A
 * circle of needs/after alone is a problem of the plan (P-CYCLE); a circle that runs through reads
 * and writes is no error but one cutover: its members share a wave and the wave says why.
 *
 * All that is ready and of the lowest rank (support; read-only and replayable; stores; entry) makes
 * one wave, so that there are few.  A reader of a low tier moves before the stores it uses, an
 * entry point after them; `needs` and `after` lead to a later wave, never to the same. Linear in
 * nodes plus edges plus what is written out (crossings and blast radii of every wave).
 */
#ifndef AIRLOCK_PLAN_SEQUENCE_H
#define AIRLOCK_PLAN_SEQUENCE_H

#include "plan/plan.h"

struct crossing {
	size_t from, to; /* nodes */
	bool intended;	 /* declared under `overlap` */
};

struct wave {
	size_t n;	     /* from 1 */
	enum plan_tier tier; /* the highest tier among its members */
	size_t *members;     /* nodes, in plan order */
	size_t members_count;
	/* The store whose register decides for all stores of the wave: the first; PLAN_NONE when
	 * the wave has no store. */
	size_t decider;
	const char **why;	    /* one sentence per member, same order */
	struct crossing *crossings; /* edges that cross environments while this wave is done */
	size_t crossings_count;	    /* and the next is not */
	size_t *blast;		    /* nodes beyond the members that feel it when it goes wrong */
	size_t blast_count;
};

struct sequence {
	struct wave *waves;
	size_t count;
};

/* Everything is allocated in `arena`.  Cannot fail on a plan that plan_load accepted. */
void sequence_make(const struct plan *plan, struct arena *arena, struct sequence *ret_sequence);

#endif
