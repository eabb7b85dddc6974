#include "plan/override.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "plan/reason.h"

#define EDGES_TOLD_MAX 6

struct overrides {
	struct checker *ck;
	const struct graph *graph;
	const struct yaml_tree *orders, *togethers; /* NULL when not written */
	uint32_t *all;	   /* by node: what has to be one piece with the overrides ... */
	uint32_t *depends; /* ... and without them */
};

static const char *name(const struct overrides *o, size_t node)
{
	return checker_name(o->ck, plan_node_name(o->ck->plan, node));
}

/* ---- the way that contradicts ---- */

/* The edge by which each node was reached from `start`, inside one component of `all`. */
static const struct tie **walk(const struct overrides *o, size_t start)
{
	const struct graph *g = o->graph;
	const struct tie **by = arena_calloc(o->ck->scratch, g->nodes + 1, sizeof *by);
	uint32_t *queue = arena_calloc(o->ck->scratch, g->nodes + 1, sizeof *queue);
	size_t count = 1;

	queue[0] = (uint32_t)start;
	for (size_t done = 0; done < count; done++) {
		uint32_t node = queue[done];

		for (size_t e = g->by_first.start[node]; e < g->by_first.start[node + 1]; e++) {
			const struct tie *edge = graph_edge(g, &g->by_first, e);
			uint32_t next = tie_second(edge);

			if (by[next] || next == start || o->all[next] != o->all[start])
				continue;
			by[next] = edge;
			queue[count++] = next;
		}
	}
	return by;
}

/* "a before b, which needs it; b before c, ..." from start to end. */
static const char *way(const struct overrides *o, size_t start, size_t end)
{
	const struct tie **by = walk(o, start);
	const struct tie **edges = arena_calloc(o->ck->scratch, o->graph->nodes + 1, sizeof *edges);
	size_t count = 0;
	BUF_AUTO out = BUF_INIT;

	for (size_t node = end; by[node]; node = tie_first(by[node]))
		edges[count++] = by[node];
	for (size_t i = count; i > 0 && count - i < EDGES_TOLD_MAX; i--)
		buf_printf(&out, "%s%s", i < count ? "; " : "",
			reason_edge(o->ck->plan, edges[i - 1], o->ck->scratch));
	if (count > EDGES_TOLD_MAX)
		buf_printf(&out, "; and %zu more", count - EDGES_TOLD_MAX);
	return arena_strdup(o->ck->scratch, buf_str(&out));
}

/* ---- order ---- */

static void report(struct overrides *o, const char *table, size_t i, const struct yaml_tree *list,
	const char *id, const char *help, const char *message)
{
	char path[32];

	snprintf(path, sizeof path, "%s[%zu]", table, i);
	checker_error_at(o->ck, path, id, list->items[i]->at, help, "%s", message);
}

static bool check_order(struct overrides *o, size_t i)
{
	const struct plan_order *row = &o->ck->plan->orders[i];
	struct arena *arena = o->ck->scratch;
	const char *message;

	if (row->first == PLAN_NONE || row->then == PLAN_NONE ||
		o->all[row->first] != o->all[row->then])
		return true;
	if (row->first == row->then)
		message = arena_printf(arena, "%s can not move before itself", name(o, row->first));
	else if (o->depends[row->first] == o->depends[row->then])
		message = arena_printf(arena, "%s and %s can only move in one cutover: %s",
			name(o, row->first), name(o, row->then), way(o, row->then, row->first));
	else
		message = arena_printf(arena,
			"%s can not move before %s, that breaks a dependency: %s",
			name(o, row->first), name(o, row->then), way(o, row->then, row->first));
	report(o, "order", i, o->orders, "P-ORDER", "remove this entry, or the dependency",
		message);
	return false;
}

/* ---- together ---- */

/* By component of `depends`: does a `together` entry name one of its nodes? */
static bool *find_named(const struct overrides *o)
{
	const struct plan *p = o->ck->plan;
	bool *named = arena_calloc(o->ck->scratch, o->graph->nodes + 1, sizeof *named);

	for (size_t i = 0; i < p->togethers_count; i++)
		for (size_t m = 0; m < p->togethers[i].members_count; m++)
			if (p->togethers[i].members[m] != PLAN_NONE)
				named[o->depends[p->togethers[i].members[m]]] = true;
	return named;
}

/* A node that would be drawn in although nobody put it there, or PLAN_NONE. */
static size_t drawn_in(const struct overrides *o, const bool *named, uint32_t piece)
{
	for (size_t node = 0; node < o->graph->nodes; node++)
		if (o->all[node] == piece && !named[o->depends[node]])
			return node;
	return PLAN_NONE;
}

/* An order between two that were put together, or NULL. */
static const struct tie *kept_apart(const struct overrides *o, uint32_t piece)
{
	for (size_t i = 0; i < o->graph->count; i++) {
		const struct tie *edge = &o->graph->edges[i];

		if (edge->kind & EDGE_ORDERS && o->all[edge->from] == piece &&
			o->all[edge->to] == piece && o->depends[edge->from] != o->depends[edge->to])
			return edge;
	}
	return NULL;
}

static bool check_together(struct overrides *o, size_t i, const bool *named)
{
	const struct plan_together *t = &o->ck->plan->togethers[i];
	struct arena *arena = o->ck->scratch;
	const struct tie *edge;
	uint32_t piece;
	size_t node;

	if (t->members_count < 2) {
		if (o->togethers->items[i]->count) /* else the key is missing, which was said */
			report(o, "together", i, o->togethers, "P-LIST", "members: [NAME, NAME]",
				"it takes two to be together");
		return false;
	}
	if (t->members[0] == PLAN_NONE)
		return true;
	piece = o->all[t->members[0]];
	edge = kept_apart(o, piece);
	node = drawn_in(o, named, piece);
	if (edge)
		report(o, "together", i, o->togethers, "P-TOGETHER",
			"remove this entry, or that order",
			arena_printf(arena, "an order keeps them apart: %s",
				reason_edge(o->ck->plan, edge, arena)));
	else if (node != PLAN_NONE)
		report(o, "together", i, o->togethers, "P-TOGETHER",
			arena_printf(arena, "add %s to the members, or remove the entry",
				plan_node_name(o->ck->plan, node)),
			arena_printf(arena, "%s has to move between them", name(o, node)));
	return !edge && node == PLAN_NONE;
}

void override_check(struct checker *ck, const struct yaml_tree *root, const struct graph *graph)
{
	struct overrides o = {.ck = ck,
		.graph = graph,
		.orders = yaml_tree_get(root, "order"),
		.togethers = yaml_tree_get(root, "together")};
	const struct plan *p = ck->plan;
	bool good = true;
	const bool *named;

	if (!p->orders_count && !p->togethers_count)
		return;
	o.all = arena_calloc(ck->scratch, graph->nodes + 1, sizeof *o.all);
	o.depends = arena_calloc(ck->scratch, graph->nodes + 1, sizeof *o.depends);
	graph_components(graph, EDGE_ALL, ck->scratch, o.all);
	graph_components(graph, EDGE_DEPENDS, ck->scratch, o.depends);
	named = find_named(&o);
	for (size_t i = 0; i < p->orders_count; i++)
		good &= check_order(&o, i);
	/* An order that can not be explains whatever it draws together. */
	for (size_t i = 0; good && i < p->togethers_count; i++)
		good &= check_together(&o, i, named);
}

/* ---- sorting ---- */

static int compare_orders(const void *a, const void *b)
{
	const struct plan_order *one = a, *two = b;

	if (one->first != two->first)
		return one->first < two->first ? -1 : 1;
	if (one->then != two->then)
		return one->then < two->then ? -1 : 1;
	return strcmp(one->because, two->because);
}

static int compare_togethers(const void *a, const void *b)
{
	const struct plan_together *one = a, *two = b;

	for (size_t i = 0; i < one->members_count && i < two->members_count; i++)
		if (one->members[i] != two->members[i])
			return one->members[i] < two->members[i] ? -1 : 1;
	if (one->members_count != two->members_count)
		return one->members_count < two->members_count ? -1 : 1;
	return strcmp(one->because, two->because);
}

void override_sort(struct plan *plan)
{
	if (plan->orders_count)
		qsort(plan->orders, plan->orders_count, sizeof *plan->orders, compare_orders);
	if (plan->togethers_count)
		qsort(plan->togethers, plan->togethers_count, sizeof *plan->togethers,
			compare_togethers);
}
