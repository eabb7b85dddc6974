/*
 * impact.h - what a wave means for the rest: which traffic crosses between the environments once it
 * is done, and who feels it when it goes wrong.
 */
#ifndef AIRLOCK_PLAN_IMPACT_H
#define AIRLOCK_PLAN_IMPACT_H

#include "plan/graph.h"
#include "plan/sequence.h"

/* wave_of[node] counts from 1. */
void impact_crossings(const struct plan *plan, const struct graph *graph, const size_t *wave_of,
	struct arena *arena, struct sequence *sequence);
void impact_blast(const struct graph *graph, struct arena *arena, struct sequence *sequence);

#endif
