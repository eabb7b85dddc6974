/*
 * graph.h - the plan's nodes and what ties them, as edges in order of movement; and which nodes can
 * not be put in an order because they lie on a circle.  Pure, linear in nodes plus edges.
 */
#ifndef AIRLOCK_PLAN_GRAPH_H
#define AIRLOCK_PLAN_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "plan/plan.h"

enum edge_kind {
	EDGE_NEEDS = 1,
	EDGE_AFTER = 2,
	EDGE_READS = 4,
	EDGE_WRITES = 8,
	EDGE_ORDERS = EDGE_NEEDS | EDGE_AFTER,		    /* what only says an order */
	EDGE_TALKS = EDGE_NEEDS | EDGE_READS | EDGE_WRITES, /* what carries traffic */
	EDGE_ALL = EDGE_ORDERS | EDGE_TALKS,
};

struct edge {
	size_t from, to; /* `from` depends on `to` */
	enum edge_kind kind;
	bool from_first; /* `from` moves before `to`: a reader of low tier and its store */
};

/* Edges by one of their ends: those of node n are list[start[n]] .. list[start[n + 1] - 1]. */
struct edge_index {
	size_t *start;
	const struct edge **list;
};

struct graph {
	size_t nodes;
	struct edge *edges;
	size_t count;
	struct edge_index by_first;  /* the end that moves first */
	struct edge_index by_second; /* the other */
	struct edge_index by_to;     /* the end that is depended on */
};

/* In arena.  References that were not resolved (PLAN_NONE) make no edge. */
void graph_make(const struct plan *plan, struct arena *arena, struct graph *ret);

/*
 * Numbers the components of nodes that lie on circles of edges of these kinds, so that every edge
 * leads from a component to itself or to one of a smaller number.  ret_component has graph->nodes
 * elements.  Returns how many components there are.
 */
size_t graph_components(
	const struct graph *graph, int kinds, struct arena *arena, size_t *ret_component);

size_t edge_first(const struct edge *edge);
size_t edge_second(const struct edge *edge);

/* support 0, read-only and replayable 1, stores 2, entry 3: least stateful first. */
int tier_rank(enum plan_tier tier);
enum plan_tier node_tier(const struct plan *plan, size_t node);

#endif
