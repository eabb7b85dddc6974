#include "plan/graph.h"

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
	REQUIRE(node < plan->stores_count + plan->services_count);
	return node < plan->stores_count ? TIER_STORE
					 : plan->services[node - plan->stores_count].tier;
}

size_t edge_first(const struct edge *edge)
{
	return edge->from_first ? edge->from : edge->to;
}

size_t edge_second(const struct edge *edge)
{
	return edge->from_first ? edge->to : edge->from;
}

static void add_edges(struct graph *g, const struct plan *plan, size_t from, const size_t *to,
	size_t count, enum edge_kind kind)
{
	bool low = tier_rank(node_tier(plan, from)) < tier_rank(TIER_STORE);

	for (size_t i = 0; i < count; i++) {
		if (to[i] == PLAN_NONE)
			continue;
		g->edges[g->count++] = (struct edge){.from = from,
			.to = to[i],
			.kind = kind,
			.from_first = low && !(kind & EDGE_ORDERS)};
	}
}

static size_t most_edges(const struct plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->stores_count; i++)
		count += plan->stores[i].needs_count;
	for (size_t i = 0; i < plan->services_count; i++) {
		const struct plan_service *s = &plan->services[i];

		count += s->reads_count + s->writes_count + s->needs_count + s->after_count;
	}
	return count;
}

/* By counting: first how many each node has, then where they go. */
static void index_edges(struct graph *g, struct arena *arena, size_t (*end)(const struct edge *),
	struct edge_index *ret)
{
	size_t *fill = arena_calloc(arena, g->nodes + 1, sizeof *fill);

	ret->start = arena_calloc(arena, g->nodes + 1, sizeof *ret->start);
	ret->list = arena_calloc(arena, g->count + 1, sizeof *ret->list);
	for (size_t i = 0; i < g->count; i++)
		ret->start[end(&g->edges[i]) + 1]++;
	for (size_t n = 0; n < g->nodes; n++) {
		ret->start[n + 1] += ret->start[n];
		fill[n] = ret->start[n];
	}
	for (size_t i = 0; i < g->count; i++)
		ret->list[fill[end(&g->edges[i])]++] = &g->edges[i];
	ENSURE(ret->start[g->nodes] == g->count);
}

static size_t edge_to(const struct edge *edge)
{
	return edge->to;
}

void graph_make(const struct plan *plan, struct arena *arena, struct graph *ret)
{
	struct graph *g = ret;

	*g = (struct graph){.nodes = plan->stores_count + plan->services_count};
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
	index_edges(g, arena, edge_first, &g->by_first);
	index_edges(g, arena, edge_second, &g->by_second);
	index_edges(g, arena, edge_to, &g->by_to);
}

/* Tarjan's algorithm with a stack of its own: a chain of a thousand services is no recursion. */
struct tarjan {
	const struct graph *g;
	int kinds;
	size_t *order, *low; /* 0 = not seen */
	size_t *next;	     /* the edge to look at next */
	size_t *path, path_count;
	size_t *open, open_count; /* seen and in no component yet */
	bool *is_open;
	size_t *component;
	size_t seen, components;
};

static void enter(struct tarjan *t, size_t node)
{
	t->order[node] = t->low[node] = ++t->seen;
	t->next[node] = t->g->by_first.start[node];
	t->path[t->path_count++] = node;
	t->open[t->open_count++] = node;
	t->is_open[node] = true;
}

static void lower(size_t *value, size_t than)
{
	if (than < *value)
		*value = than;
}

static void leave(struct tarjan *t, size_t node)
{
	size_t member;

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

static void step(struct tarjan *t, size_t node)
{
	const struct edge *edge;
	size_t second;

	if (t->next[node] == t->g->by_first.start[node + 1]) {
		leave(t, node);
		return;
	}
	edge = t->g->by_first.list[t->next[node]++];
	if (!(edge->kind & t->kinds))
		return;
	second = edge_second(edge);
	if (!t->order[second])
		enter(t, second);
	else if (t->is_open[second])
		lower(&t->low[node], t->order[second]);
}

size_t graph_components(
	const struct graph *graph, int kinds, struct arena *arena, size_t *ret_component)
{
	struct tarjan t = {.g = graph, .kinds = kinds, .component = ret_component};
	size_t n = graph->nodes + 1;

	t.order = arena_calloc(arena, n, sizeof *t.order);
	t.low = arena_calloc(arena, n, sizeof *t.low);
	t.next = arena_calloc(arena, n, sizeof *t.next);
	t.path = arena_calloc(arena, n, sizeof *t.path);
	t.open = arena_calloc(arena, n, sizeof *t.open);
	t.is_open = arena_calloc(arena, n, sizeof *t.is_open);
	for (size_t node = 0; node < graph->nodes; node++) {
		if (t.order[node])
			continue;
		enter(&t, node);
		while (t.path_count)
			step(&t, t.path[t.path_count - 1]);
	}
	ENSURE(t.open_count == 0);
	return t.components;
}
