#include "plan/circle.h"

#include <string.h>

#include "base/check.h"
#include "plan/edge_ref.h"

static const struct tie *way_on(
	const struct graph *g, int kinds, const uint32_t *component, size_t node)
{
	for (size_t i = g->by_first.start[node]; i < g->by_first.start[node + 1]; i++) {
		const struct tie *edge = graph_edge(g, &g->by_first, i);

		if (edge->kind & kinds && component[tie_second(edge)] == component[node])
			return edge;
	}
	return NULL;
}

const struct tie **circle_find(const struct graph *graph, int kinds, const uint32_t *component,
	size_t node, struct arena *arena)
{
	size_t *seen = arena_calloc(arena, graph->nodes, sizeof *seen); /* step + 1 */
	const struct tie **way = arena_calloc(arena, graph->nodes + 1, sizeof *way);
	size_t steps = 0;

	/* Every node of a circle has a way on inside its component, so some node comes twice. */
	while (!seen[node]) {
		const struct tie *edge = way_on(graph, kinds, component, node);

		REQUIRE(edge != NULL);
		seen[node] = ++steps;
		way[steps - 1] = edge;
		node = tie_second(edge);
	}
	return way + seen[node] - 1;
}

#define EDGES_TOLD_MAX 8

/* "'a' needs 'b', 'b' is after 'a'": against the order of movement, as the plan says it. */
static void describe(struct checker *ck, const struct tie **circle, struct buf *out)
{
	size_t count = 0;

	while (circle[count])
		count++;
	for (size_t i = count; i > 0 && count - i < EDGES_TOLD_MAX; i--)
		buf_printf(out, "%s%s %s %s", i < count ? ", " : "",
			checker_name(ck, plan_node_name(ck->plan, circle[i - 1]->from)),
			circle[i - 1]->kind == EDGE_NEEDS ? "needs" : "is after",
			checker_name(ck, plan_node_name(ck->plan, circle[i - 1]->to)));
	if (count > EDGES_TOLD_MAX)
		buf_printf(out, ", and %zu more", count - EDGES_TOLD_MAX);
}

/* At whichever reference of the circle stands first in the file. */
static void report_one(struct checker *ck, const struct tie **circle)
{
	const struct ref *first = NULL;
	BUF_AUTO text = BUF_INIT;

	for (size_t i = 0; circle[i]; i++) {
		const struct ref *ref = edge_ref(ck, circle[i]);

		if (ref && (!first || ref->at.start < first->at.start))
			first = ref;
	}
	ENSURE(first != NULL);
	describe(ck, circle, &text);
	checker_error_at(ck, first->path, "P-CYCLE", first->at, "remove one of these orders",
		"no order satisfies this circle: %s", buf_str(&text));
}

static bool *components_with_circle(
	const struct graph *g, const uint32_t *component, size_t count, struct arena *arena)
{
	bool *ret = arena_calloc(arena, count + 1, sizeof *ret);

	for (size_t i = 0; i < g->count; i++)
		if (g->edges[i].kind & EDGE_ORDERS &&
			component[g->edges[i].from] == component[g->edges[i].to])
			ret[component[g->edges[i].from]] = true;
	return ret;
}

void circle_report(struct checker *ck, const struct graph *graph)
{
	uint32_t *component = arena_calloc(ck->scratch, graph->nodes + 1, sizeof *component);
	size_t count = graph_components(graph, EDGE_ORDERS, ck->scratch, component);
	bool *circles = components_with_circle(graph, component, count, ck->scratch);

	for (size_t node = 0; node < graph->nodes; node++) {
		if (!circles[component[node]])
			continue;
		circles[component[node]] = false;
		report_one(ck, circle_find(graph, EDGE_ORDERS, component, node, ck->scratch));
	}
}
