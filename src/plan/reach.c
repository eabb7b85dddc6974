#include "plan/reach.h"

#include "base/check.h"

void reach_init(struct reach *r, const struct graph *graph, struct arena *arena)
{
	*r = (struct reach){.graph = graph,
		.nodes = arena_calloc(arena, graph->nodes + 1, sizeof *r->nodes),
		.mark = arena_calloc(arena, graph->nodes + 1, sizeof *r->mark),
		.round = 1};
}

void reach_clear(struct reach *r)
{
	r->count = 0;
	r->round++;
	INVARIANT(r->round != 0);
}

static void take(struct reach *r, uint32_t node)
{
	if (reach_has(r, node))
		return;
	r->mark[node] = r->round;
	r->nodes[r->count++] = node;
}

static void take_back(struct reach *r, size_t count)
{
	while (r->count > count)
		r->mark[r->nodes[--r->count]] = 0;
}

bool reach_add(struct reach *r, const uint32_t *nodes, size_t count, size_t max)
{
	const struct edge_index *by = &r->graph->by_to;
	size_t before = r->count;

	for (size_t i = 0; i < count; i++)
		take(r, nodes[i]);
	for (size_t done = before; done < r->count; done++) {
		uint32_t node = r->nodes[done];

		for (size_t e = by->start[node]; e < by->start[node + 1]; e++) {
			const struct tie *edge = graph_edge(r->graph, by, e);

			if (edge->kind & EDGE_TALKS)
				take(r, edge->from);
			if (max && r->count > max)
				break;
		}
		if (max && r->count > max) {
			take_back(r, before);
			return false;
		}
	}
	if (max && r->count > max) {
		take_back(r, before);
		return false;
	}
	return true;
}
