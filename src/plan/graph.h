/*
 * graph.h - the plan's nodes and what ties them, as edges in order of movement; and which nodes can
 * not be put in an order because they lie on a circle.  Pure, linear in nodes plus edges, and
 * small: 24 bytes an edge with its three indices, since a million nodes and five of edges are to
 * fit.
 */
#ifndef AIRLOCK_PLAN_GRAPH_H
#define AIRLOCK_PLAN_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "plan/plan.h"

enum tie_kind {
	EDGE_NEEDS = 1,
	EDGE_AFTER = 2,
	EDGE_READS = 4,
	EDGE_WRITES = 8,
	EDGE_ORDER = 16,    /* the plan's `order`: `from` is its `then`, `to` its `first` */
	EDGE_TOGETHER = 32, /* the plan's `together`, in both directions */
	EDGE_ORDERS = EDGE_NEEDS | EDGE_AFTER,		    /* what only says an order */
	EDGE_TALKS = EDGE_NEEDS | EDGE_READS | EDGE_WRITES, /* what carries traffic */
	EDGE_DEPENDS = EDGE_ORDERS | EDGE_TALKS,	    /* what the services themselves say */
	EDGE_ALL = EDGE_DEPENDS | EDGE_ORDER | EDGE_TOGETHER,
};

struct tie {
	uint32_t from, to; /* nodes; `from` depends on `to` */
	uint8_t kind;	   /* one of enum tie_kind */
	bool from_first;   /* `from` moves before `to`: a reader of low tier and its store */
};

/* Edges by one of their ends: those of node n are list[start[n]] .. list[start[n + 1] - 1]. */
struct edge_index {
	uint32_t *start;
	uint32_t *list; /* into graph->edges */
};

struct graph {
	size_t nodes;
	struct tie *edges; /* those of one `from` and of its own words stand together */
	size_t count;
	struct edge_index by_first;  /* the end that moves first */
	struct edge_index by_second; /* the other */
	struct edge_index by_to;     /* the end that is depended on */
};

/*
 * In arena.  References that were not resolved (PLAN_NONE) make no edge.  An `order` line turns the
 * edge that the tiers alone would point the other way: the reader then moves after its store.
 */
void graph_make(const struct plan *plan, struct arena *arena, struct graph *ret);

/* The edges of a node in one of the indices: for (i = start[n]; i < start[n + 1]; i++). */
static inline const struct tie *graph_edge(
	const struct graph *graph, const struct edge_index *index, size_t i)
{
	return &graph->edges[index->list[i]];
}

/*
 * Numbers the components of nodes that lie on circles of edges of these kinds, so that every edge
 * leads from a component to itself or to one of a smaller number.  ret_component has graph->nodes
 * elements.  Returns how many components there are.
 */
size_t graph_components(
	const struct graph *graph, int kinds, struct arena *arena, uint32_t *ret_component);

static inline uint32_t tie_first(const struct tie *edge)
{
	return edge->from_first ? edge->from : edge->to;
}

static inline uint32_t tie_second(const struct tie *edge)
{
	return edge->from_first ? edge->to : edge->from;
}

/* "needs", "comes after", "reads", "writes": what `from` does with `to`. */
const char *tie_verb(enum tie_kind kind);

/* support 0, read-only and replayable 1, stores 2, entry 3: least stateful first. */
int tier_rank(enum plan_tier tier);
enum plan_tier node_tier(const struct plan *plan, size_t node);
static inline size_t node_count(const struct plan *plan)
{
	return plan->stores_count + plan->services_count;
}
/* The service of a node, or NULL when it is a store. */
static inline const struct plan_service *node_service(const struct plan *plan, size_t node)
{
	return node < plan->stores_count ? NULL : &plan->services[node - plan->stores_count];
}

#endif
