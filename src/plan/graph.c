#include "plan/graph.h"

#include <stdlib.h>

#include "base/check.h"

int tier_rank(enum plan_tier tier)
{
	static const int ranks[] = {
		[TIER_SUPPORT] = 0,
		[TIER_READ_ONLY] = 1,
		[TIER_REPLAYABLE] = 1,
		[TIER_STORE] = 2,
		[TIER_ENTRY] = 3,
	};

	REQUIRE(tier < ARRAY_LEN(ranks));
	return ranks[tier];
}

enum plan_tier node_tier(const struct plan *plan, size_t node)
{
	REQUIRE(node < node_count(plan));
	return node < plan->stores_count ? TIER_STORE
					 : plan->services[node - plan->stores_count].tier;
}

const char *tie_verb(enum tie_kind kind)
{
	switch (kind) {
	case EDGE_NEEDS:
		return "needs";
	case EDGE_AFTER:
		return "comes after";
	case EDGE_READS:
		return "reads";
	case EDGE_WRITES:
		return "writes";
	case EDGE_ORDER:
		return "is put after";
	case EDGE_TOGETHER:
		return "moves together with";
	case EDGE_ORDERS:
	case EDGE_TALKS:
	case EDGE_DEPENDS:
	case EDGE_ALL:
		break;
	}
	return "depends on";
}

static void add_edge(struct graph *g, size_t from, size_t to, enum tie_kind kind, bool from_first)
{
	g->edges[g->count++] = (struct tie){.from = (uint32_t)from,
		.to = (uint32_t)to,
		.kind = (uint8_t)kind,
		.from_first = from_first};
}

static void add_edges(struct graph *g, const struct plan *plan, size_t from, const size_t *to,
	size_t count, enum tie_kind kind)
{
	bool low = tier_rank(node_tier(plan, from)) < tier_rank(TIER_STORE);

	for (size_t i = 0; i < count; i++) {
		if (to[i] == PLAN_NONE)
			continue;
		add_edge(g, from, to[i], kind, low && !(kind & EDGE_ORDERS));
	}
}

static size_t most_edges(const struct plan *plan)
{
	size_t count = plan->orders_count;

	for (size_t i = 0; i < plan->stores_count; i++)
		count += plan->stores[i].needs_count;
	for (size_t i = 0; i < plan->services_count; i++) {
		const struct plan_service *s = &plan->services[i];

		count += s->reads_count + s->writes_count + s->needs_count + s->after_count;
	}
	for (size_t i = 0; i < plan->togethers_count; i++)
		count += 2 * plan->togethers[i].members_count;
	return count;
}

/* ---- what the plan overrides ---- */

struct turn {
	uint32_t from, to;
};

static int compare_turns(const void *a, const void *b)
{
	const struct turn *one = a, *two = b;

	if (one->from != two->from)
		return one->from < two->from ? -1 : 1;
	return one->to < two->to ? -1 : one->to > two->to;
}

/* The tiers say that a reader moves before its store; the plan's own word is stronger. */
static void turn_edges(struct graph *g, struct turn *turns, size_t count)
{
	qsort(turns, count, sizeof *turns, compare_turns);
	for (size_t i = 0; i < g->count; i++) {
		struct tie *edge = &g->edges[i];
		struct turn key = {edge->from, edge->to};

		if (edge->from_first && bsearch(&key, turns, count, sizeof *turns, compare_turns))
			edge->from_first = false;
	}
}

static void add_orders(struct graph *g, const struct plan *plan, struct arena *arena)
{
	struct turn *turns = arena_calloc(arena, plan->orders_count + 1, sizeof *turns);
	size_t count = 0;

	for (size_t i = 0; i < plan->orders_count; i++) {
		const struct plan_order *o = &plan->orders[i];

		if (o->first == PLAN_NONE || o->then == PLAN_NONE)
			continue;
		turns[count++] = (struct turn){(uint32_t)o->then, (uint32_t)o->first};
	}
	if (count)
		turn_edges(g, turns, count);
	for (size_t i = 0; i < count; i++)
		add_edge(g, turns[i].from, turns[i].to, EDGE_ORDER, false);
}

/* A circle of edges through the members is what makes them one piece. */
static void add_togethers(struct graph *g, const struct plan *plan)
{
	for (size_t i = 0; i < plan->togethers_count; i++) {
		const struct plan_together *t = &plan->togethers[i];
		size_t last = PLAN_NONE;

		for (size_t m = 0; m < t->members_count; m++) {
			if (t->members[m] == PLAN_NONE)
				continue;
			if (last != PLAN_NONE) {
				add_edge(g, t->members[m], last, EDGE_TOGETHER, false);
				add_edge(g, last, t->members[m], EDGE_TOGETHER, false);
			}
			last = t->members[m];
		}
	}
}

/* ---- indices ---- */

/* By counting: first how many each node has, then where they go, from the back to the front. */
static void index_edges(struct graph *g, struct arena *arena, uint32_t (*end)(const struct tie *),
	struct edge_index *ret)
{
	ret->start = arena_calloc(arena, g->nodes + 1, sizeof *ret->start);
	ret->list = arena_calloc(arena, g->count + 1, sizeof *ret->list);
	for (size_t i = 0; i < g->count; i++)
		ret->start[end(&g->edges[i])]++;
	for (size_t n = 0; n < g->nodes; n++)
		ret->start[n + 1] += ret->start[n];
	for (size_t i = g->count; i-- > 0;)
		ret->list[--ret->start[end(&g->edges[i])]] = (uint32_t)i;
	ENSURE(ret->start[g->nodes] == g->count);
}

static uint32_t edge_to(const struct tie *edge)
{
	return edge->to;
}

void graph_make(const struct plan *plan, struct arena *arena, struct graph *ret)
{
	struct graph *g = ret;

	*g = (struct graph){.nodes = node_count(plan)};
	REQUIRE(most_edges(plan) < UINT32_MAX);
	g->edges = arena_calloc(arena, most_edges(plan) + 1, sizeof *g->edges);
	for (size_t i = 0; i < plan->stores_count; i++)
		add_edges(
			g, plan, i, plan->stores[i].needs, plan->stores[i].needs_count, EDGE_NEEDS);
	for (size_t i = 0; i < plan->services_count; i++) {
		const struct plan_service *s = &plan->services[i];
		size_t node = plan->stores_count + i;

		add_edges(g, plan, node, s->reads, s->reads_count, EDGE_READS);
		add_edges(g, plan, node, s->writes, s->writes_count, EDGE_WRITES);
		add_edges(g, plan, node, s->needs, s->needs_count, EDGE_NEEDS);
		add_edges(g, plan, node, s->after, s->after_count, EDGE_AFTER);
	}
	add_orders(g, plan, arena);
	add_togethers(g, plan);
	index_edges(g, arena, tie_first, &g->by_first);
	index_edges(g, arena, tie_second, &g->by_second);
	index_edges(g, arena, edge_to, &g->by_to);
}

/* Tarjan's algorithm with a stack of its own: a chain of a thousand services is no recursion. */
struct tarjan {
	const struct graph *g;
	int kinds;
	uint32_t *order, *low; /* 0 = not seen */
	uint32_t *next;	       /* the edge to look at next */
	uint32_t *path;
	uint32_t *open; /* seen and in no component yet */
	size_t path_count, open_count;
	bool *is_open;
	uint32_t *component;
	uint32_t seen, components;
};

static void enter(struct tarjan *t, uint32_t node)
{
	t->order[node] = t->low[node] = ++t->seen;
	t->next[node] = t->g->by_first.start[node];
	t->path[t->path_count++] = node;
	t->open[t->open_count++] = node;
	t->is_open[node] = true;
}

static void lower(uint32_t *value, uint32_t than)
{
	if (than < *value)
		*value = than;
}

static void leave(struct tarjan *t, uint32_t node)
{
	uint32_t member;

	t->path_count--;
	if (t->path_count)
		lower(&t->low[t->path[t->path_count - 1]], t->low[node]);
	if (t->low[node] != t->order[node])
		return;
	do {
		member = t->open[--t->open_count];
		t->is_open[member] = false;
		t->component[member] = t->components;
	} while (member != node);
	t->components++;
}

static void step(struct tarjan *t, uint32_t node)
{
	const struct tie *edge;
	uint32_t second;

	if (t->next[node] == t->g->by_first.start[node + 1]) {
		leave(t, node);
		return;
	}
	edge = graph_edge(t->g, &t->g->by_first, t->next[node]++);
	if (!(edge->kind & t->kinds))
		return;
	second = tie_second(edge);
	if (!t->order[second])
		enter(t, second);
	else if (t->is_open[second])
		lower(&t->low[node], t->order[second]);
}

size_t graph_components(
	const struct graph *graph, int kinds, struct arena *arena, uint32_t *ret_component)
{
	struct tarjan t = {.g = graph, .kinds = kinds, .component = ret_component};
	size_t n = graph->nodes + 1;

	t.order = arena_calloc(arena, n, sizeof *t.order);
	t.low = arena_calloc(arena, n, sizeof *t.low);
	t.next = arena_calloc(arena, n, sizeof *t.next);
	t.path = arena_calloc(arena, n, sizeof *t.path);
	t.open = arena_calloc(arena, n, sizeof *t.open);
	t.is_open = arena_calloc(arena, n, sizeof *t.is_open);
	for (uint32_t node = 0; node < graph->nodes; node++) {
		if (t.order[node])
			continue;
		enter(&t, node);
		while (t.path_count)
			step(&t, t.path[t.path_count - 1]);
	}
	ENSURE(t.open_count == 0);
	return t.components;
}
