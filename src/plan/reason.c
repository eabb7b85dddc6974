#include "plan/reason.h"

#include "base/check.h"
#include "plan/circle.h"

#define EDGES_TOLD_MAX 8

static const char *const phrases[] = {
	[TIER_SUPPORT] = "supports the others, so it moves before them",
	[TIER_READ_ONLY] = "only reads, so it moves before the stores",
	[TIER_REPLAYABLE] = "its work can be done again, so it moves before the stores",
	[TIER_STORE] = "a store moves when what only reads or replays has moved",
	[TIER_ENTRY] = "an entry point moves last, when what it writes to has moved",
};

static const char *first_name(const struct plan *plan, const size_t *nodes)
{
	return plan_node_name(plan, nodes[0]);
}

static const char *derivation(
	const struct plan *plan, const struct plan_service *s, struct arena *arena)
{
	if (s->writes_count && s->tier == TIER_REPLAYABLE)
		return arena_printf(arena, "; tier derived: writes %s, in the background",
			first_name(plan, s->writes));
	if (s->writes_count)
		return arena_printf(
			arena, "; tier derived: writes %s", first_name(plan, s->writes));
	if (s->reads_count)
		return arena_printf(arena, "; tier derived: reads %s and writes nothing",
			first_name(plan, s->reads));
	return s->tier == TIER_ENTRY ? "; tier derived: has a route and nothing needs it"
				     : "; tier derived: reads and writes no store";
}

/* What it had to wait for longest. */
static const struct edge *last_wait(const struct graph *g, const size_t *wave_of, size_t node)
{
	const struct edge *last = NULL;

	for (size_t e = g->by_second.start[node]; e < g->by_second.start[node + 1]; e++) {
		const struct edge *edge = g->by_second.list[e];

		if (!last || wave_of[edge_first(edge)] > wave_of[edge_first(last)])
			last = edge;
	}
	return last;
}

static const char *verb(enum edge_kind kind)
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
	case EDGE_ORDERS:
	case EDGE_TALKS:
	case EDGE_ALL:
		break;
	}
	return "depends on";
}

const char *reason_alone(const struct plan *plan, const struct graph *graph, const size_t *wave_of,
	size_t node, struct arena *arena)
{
	enum plan_tier tier = node_tier(plan, node);
	const struct plan_service *service =
		node < plan->stores_count ? NULL : &plan->services[node - plan->stores_count];
	const struct edge *wait = last_wait(graph, wave_of, node);
	const char *derived = "", *after = "";

	REQUIRE(tier < ARRAY_LEN(phrases));
	if (service && !service->tier_given)
		derived = derivation(plan, service, arena);
	if (wait)
		after = arena_printf(arena,
			wait->from_first ? "; after %s, which %s it" : "; after %s, which it %s",
			plan_node_name(plan, edge_first(wait)), verb(wait->kind));
	return arena_printf(arena, "%s%s%s", phrases[tier], derived, after);
}

const char *reason_circle(const struct plan *plan, const struct graph *graph, const size_t *part_of,
	size_t node, struct arena *arena)
{
	const struct edge **circle = circle_find(graph, EDGE_ALL, part_of, node, arena);
	BUF_AUTO out = BUF_INIT;
	size_t i;

	buf_puts(&out, "moves in one cutover with its circle: ");
	for (i = 0; circle[i] && i < EDGES_TOLD_MAX; i++) {
		const struct edge *edge = circle[i];

		buf_printf(&out,
			edge->from_first ? "%s%s before %s, which it %s"
					 : "%s%s before %s, which %s it",
			i ? "; " : "", plan_node_name(plan, edge_first(edge)),
			plan_node_name(plan, edge_second(edge)), verb(edge->kind));
	}
	if (circle[i])
		buf_puts(&out, "; and so on");
	return arena_strdup(arena, buf_str(&out));
}
