/*
 * sequence.h - in which order the plan's parts move: waves, least stateful first, never against a
 * dependency.  A function of the plan alone: not of the order of its lines, and not of anything
 * measured, so that the waves that were approved are the waves that are run and resumed.  Pure.
 *
 * Parts.  What lies on a circle of edges, and what the plan puts `together`, moves in one piece: a
 * part.  A circle of needs/after alone is a problem of the plan (P-CYCLE).  A store is one piece
 * with all its writers' connections: its waves' blast radius counts them.
 *
 * Stages.  Support; read-only and replayable; stores; entry points.  A part belongs to the stage of
 * its most stateful member, or to a later one when it depends on something there; a stage moves
 * when the one before has moved.  A reader of a low tier moves before the stores it uses, an entry
 * point after them, and `order` lines are edges like the others.
 *
 * Waves.  What depends on another part moves in a later wave.  Among all orders that respect edges
 * and stages the one with the fewest waves is taken.  Without a limit that is exact and linear.
 * With `limits.blast_radius`, or more stores than a wave can hold, it is a packing problem: exact
 * for stages of up to PACK_EXACT_MAX parts, else a first fit that says how few there could be
 * (`least`).  Among equally few, what the plan shows to be lighter (fewer writers) goes first.
 *
 * Linear in nodes plus edges.  What would be quadratic written out (what crosses after each wave,
 * who feels each) is computed on demand: plan/overlap.h, plan/impact.h, plan/reason.h.
 */
#ifndef AIRLOCK_PLAN_SEQUENCE_H
#define AIRLOCK_PLAN_SEQUENCE_H

#include "plan/graph.h"
#include "plan/plan.h"

/* As many stores as one cutover can carry; the engine's own limit. */
#define SEQUENCE_STORES_MAX 16

enum stage { STAGE_SUPPORT, STAGE_REPLAYABLE, STAGE_STORES, STAGE_ENTRY, STAGE_COUNT };

struct wave {
	size_t n;	     /* from 1 */
	enum plan_tier tier; /* the highest tier among its members */
	enum stage stage;
	size_t *members; /* nodes, in plan order */
	size_t members_count;
	/* The store whose register decides for all stores of the wave: the first; PLAN_NONE when
	 * the wave has no store. */
	size_t decider;
};

struct sequence {
	const struct plan *plan; /* borrowed */
	struct graph graph;
	struct wave *waves;
	size_t count;
	size_t least;	   /* no order within the rules has fewer waves than this */
	uint32_t *wave_of; /* by node, from 1 */
	/* Parts: the nodes of part p are part_nodes[part_first[p]] .. [part_first[p + 1] - 1]. */
	size_t parts;
	uint32_t *part_of; /* by node */
	uint32_t *part_first, *part_nodes;
	uint8_t *part_stage; /* enum stage */
};

/* Everything is allocated in `arena`.  Cannot fail on a plan that plan_load accepted. */
void sequence_make(const struct plan *plan, struct arena *arena, struct sequence *ret_sequence);

const char *stage_name(enum stage stage);

/* How many of a wave's members are stores: they come first. */
static inline size_t wave_stores(const struct sequence *q, const struct wave *wave)
{
	size_t count = 0;

	while (count < wave->members_count && wave->members[count] < q->plan->stores_count)
		count++;
	return count;
}

/* How many nodes move in one piece with this one; 1 = it moves by itself. */
static inline size_t sequence_part_size(const struct sequence *q, size_t node)
{
	return q->part_first[q->part_of[node] + 1] - q->part_first[q->part_of[node]];
}

#endif
