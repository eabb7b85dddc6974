/*
 * reach.h - the set of nodes that feel it when some nodes go wrong: those nodes, and whatever
 * reads, writes or needs them, directly or through others.  Grows by steps, and a step that makes
 * it too large can be taken back.  Pure.
 */
#ifndef AIRLOCK_PLAN_REACH_H
#define AIRLOCK_PLAN_REACH_H

#include "plan/graph.h"

struct reach {
	const struct graph *graph; /* borrowed */
	uint32_t *nodes;	   /* the set, in the order in which it was found */
	size_t count;
	uint32_t *mark; /* by node: the round in which it is in the set */
	uint32_t round;
};

void reach_init(struct reach *r, const struct graph *graph, struct arena *arena);
/* Empty again, in constant time. */
void reach_clear(struct reach *r);
/* Adds nodes and what feels them.  With max > 0 it stops, takes the step back and returns false as
 * soon as the set would hold more than max. */
bool reach_add(struct reach *r, const uint32_t *nodes, size_t count, size_t max);
static inline bool reach_has(const struct reach *r, size_t node)
{
	return r->mark[node] == r->round;
}

#endif
