#include "plan/reason.h"

#include "base/buf.h"
#include "base/check.h"
#include "plan/circle.h"
#include "plan/pack.h"
#include "plan/pack_room.h"

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

/* What the part had to wait for longest; what is in the part itself is nothing to wait for. */
static const struct tie *last_wait(const struct sequence *q, size_t part)
{
	const struct edge_index *by = &q->graph.by_second;
	const struct tie *last = NULL;

	for (size_t i = q->part_first[part]; i < q->part_first[part + 1]; i++) {
		size_t node = q->part_nodes[i];

		for (size_t e = by->start[node]; e < by->start[node + 1]; e++) {
			const struct tie *edge = graph_edge(&q->graph, by, e);

			if (q->part_of[tie_first(edge)] != part &&
				(!last ||
					q->wave_of[tie_first(edge)] > q->wave_of[tie_first(last)]))
				last = edge;
		}
	}
	return last;
}

static const char *alone(const struct sequence *q, size_t node, struct arena *arena)
{
	enum plan_tier tier = node_tier(q->plan, node);
	const struct plan_service *service = node_service(q->plan, node);
	const struct tie *wait = last_wait(q, q->part_of[node]);
	const char *phrase = phrases[tier], *derived = "", *after = "", *early = "";

	/* Its tier alone would put it earlier. */
	if (q->part_stage[q->part_of[node]] > tier_rank(tier))
		phrase = arena_printf(arena, "%s, but it waits for something more stateful",
			plan_tier_name(tier));
	if (service && !service->tier_given)
		derived = derivation(q->plan, service, arena);
	if (wait)
		after = arena_printf(arena,
			wait->from_first ? "; after %s, which %s it" : "; after %s, which it %s",
			plan_node_name(q->plan, tie_first(wait)),
			tie_verb((enum tie_kind)wait->kind));
	if (service && service->early_reader)
		early = arena_printf(arena,
			"; reads new as %s before its stores are promoted, data as old as the lag",
			service->early_reader);
	return arena_printf(arena, "%s%s%s%s", phrase, derived, after, early);
}

const char *reason_edge(const struct plan *plan, const struct tie *edge, struct arena *arena)
{
	return arena_printf(arena,
		edge->from_first ? "%s before %s, which it %s" : "%s before %s, which %s it",
		plan_node_name(plan, tie_first(edge)), plan_node_name(plan, tie_second(edge)),
		tie_verb((enum tie_kind)edge->kind));
}

/* The first `together` line that has it, or NULL. */
static const struct plan_together *together_of(const struct plan *plan, size_t node)
{
	for (size_t i = 0; i < plan->togethers_count; i++)
		for (size_t m = 0; m < plan->togethers[i].members_count; m++)
			if (plan->togethers[i].members[m] == node)
				return &plan->togethers[i];
	return NULL;
}

static const char *together_text(
	const struct plan *plan, const struct plan_together *t, size_t node, struct arena *arena)
{
	BUF_AUTO out = BUF_INIT;

	buf_puts(&out, "the plan puts it together with ");
	for (size_t m = 0, told = 0; m < t->members_count; m++)
		if (t->members[m] != node)
			buf_printf(&out, "%s%s", told++ ? ", " : "",
				plan_node_name(plan, t->members[m]));
	buf_printf(&out, ": \"%s\"", t->because);
	return arena_strdup(arena, buf_str(&out));
}

static const char *in_circle(const struct sequence *q, size_t node, struct arena *arena)
{
	const struct plan_together *t = together_of(q->plan, node);
	const struct tie **circle;
	BUF_AUTO out = BUF_INIT;
	size_t i;

	if (t)
		return together_text(q->plan, t, node, arena);
	circle = circle_find(&q->graph, EDGE_ALL, q->part_of, node, arena);
	buf_puts(&out, "moves in one cutover with its circle: ");
	for (i = 0; circle[i] && i < EDGES_TOLD_MAX; i++)
		buf_printf(&out, "%s%s", i ? "; " : "", reason_edge(q->plan, circle[i], arena));
	if (circle[i])
		buf_puts(&out, "; and so on");
	return arena_strdup(arena, buf_str(&out));
}

const char *reason_why(const struct sequence *q, size_t node, struct arena *arena)
{
	REQUIRE(node < q->graph.nodes);
	return sequence_part_size(q, node) == 1 ? alone(q, node, arena) : in_circle(q, node, arena);
}

/* ---- at length ---- */

/* Edges that lead from wave `from` into the part, or from the part into wave `to`. */
static size_t edges_between(const struct sequence *q, size_t part, size_t wave, bool before,
	const struct tie **ret_first)
{
	const struct edge_index *by = before ? &q->graph.by_second : &q->graph.by_first;
	size_t count = 0;

	*ret_first = NULL;
	for (size_t i = q->part_first[part]; i < q->part_first[part + 1]; i++) {
		size_t node = q->part_nodes[i];

		for (size_t e = by->start[node]; e < by->start[node + 1]; e++) {
			const struct tie *edge = graph_edge(&q->graph, by, e);
			size_t other = before ? tie_first(edge) : tie_second(edge);

			if (q->wave_of[other] != wave)
				continue;
			count++;
			*ret_first = *ret_first ? *ret_first : edge;
		}
	}
	return count;
}

/* Waves during which its traffic crosses, summed over its edges, if it moved in this wave. */
static size_t crossing_waves(const struct sequence *q, size_t part, size_t wave)
{
	const struct edge_index *const all[] = {&q->graph.by_second, &q->graph.by_first};
	size_t sum = 0;

	for (size_t i = q->part_first[part]; i < q->part_first[part + 1]; i++)
		for (size_t k = 0; k < ARRAY_LEN(all); k++) {
			size_t node = q->part_nodes[i];

			for (size_t e = all[k]->start[node]; e < all[k]->start[node + 1]; e++) {
				const struct tie *edge = graph_edge(&q->graph, all[k], e);
				uint32_t other = edge->from == node ? edge->to : edge->from;
				size_t at = q->wave_of[other];

				if (edge->kind & EDGE_TALKS && q->part_of[other] != part)
					sum += at < wave ? wave - at : at - wave;
			}
		}
	return sum;
}

static const char *more(size_t count, struct arena *arena)
{
	return count > 1 ? arena_printf(arena, ", and %zu more", count - 1) : "";
}

/* How many feel it when the part moves together with a wave. */
static size_t radius_with(
	const struct sequence *q, struct impact *im, size_t part, const struct wave *wave)
{
	impact_radius(im, wave);
	reach_add(&im->reach, q->part_nodes + q->part_first[part],
		q->part_first[part + 1] - q->part_first[part], 0);
	return im->reach.count;
}

static const char *not_earlier(
	const struct sequence *q, struct impact *im, size_t part, size_t n, struct arena *arena)
{
	const struct tie *edge;
	size_t count, radius, limit = (size_t)q->plan->limits.blast_radius;
	const struct wave *before;

	if (n == 1)
		return "it is in the first wave";
	before = &q->waves[n - 2];
	count = edges_between(q, part, n - 1, true, &edge);
	if (count)
		return arena_printf(arena, "wave %zu: %s%s", n - 1,
			reason_edge(q->plan, edge, arena), more(count, arena));
	if (before->stage < q->part_stage[part])
		return arena_printf(arena, "wave %zu: %s move before %s", n - 1,
			stage_name(before->stage), stage_name((enum stage)q->part_stage[part]));
	radius = radius_with(q, im, part, before);
	if (limit && radius > limit)
		return arena_printf(arena,
			"wave %zu would reach %zu stores and services with it, and "
			"limits.blast_radius is %zu",
			n - 1, radius, limit);
	if (wave_stores(q, before) + pack_room_stores(q, part) > SEQUENCE_STORES_MAX)
		return arena_printf(arena, "wave %zu is full: %d stores are the most", n - 1,
			SEQUENCE_STORES_MAX);
	return arena_printf(arena,
		"of so many parts only the first %d are tried for each wave, and wave %zu was "
		"filled before its turn",
		PACK_LOOK_MAX, n - 1);
}

static const char *not_later(const struct sequence *q, size_t part, size_t n, struct arena *arena)
{
	const struct tie *edge;
	size_t count;

	if (n == q->count)
		return "it is in the last wave";
	count = edges_between(q, part, n + 1, false, &edge);
	if (count)
		return arena_printf(arena, "wave %zu: %s%s", n + 1,
			reason_edge(q->plan, edge, arena), more(count, arena));
	if (q->waves[n].stage > (enum stage)q->part_stage[part])
		return arena_printf(arena, "wave %zu: %s move after %s", n + 1,
			stage_name(q->waves[n].stage), stage_name((enum stage)q->part_stage[part]));
	return "nothing would be gained: no cutover fewer";
}

/* ---- the chain ---- */

/* "wave 3: web, which needs api"; `came_to` is the member of its piece at which the chain arrived.
 */
static const char *link_text(
	const struct sequence *q, const struct tie *edge, uint32_t came_to, struct arena *arena)
{
	uint32_t second = tie_second(edge);
	const char *name = plan_node_name(q->plan, second), *before, *piece = "";
	const char *verb = tie_verb((enum tie_kind)edge->kind);

	before = plan_node_name(q->plan, tie_first(edge));
	if (came_to != tie_first(edge))
		piece = arena_printf(
			arena, ", in one piece with %s", plan_node_name(q->plan, came_to));
	if (edge->from_first)
		return arena_printf(arena, "wave %u: %s, which %s%s %s", q->wave_of[second], name,
			before, piece, verb);
	return arena_printf(
		arena, "wave %u: %s, which %s %s%s", q->wave_of[second], name, verb, before, piece);
}

/* Each waits for the one before it, and for nothing that moves later. */
static void make_chain(
	const struct sequence *q, uint32_t node, struct arena *arena, struct placement *ret)
{
	const struct tie **waits = arena_calloc(arena, q->count + 1, sizeof *waits), *wait;
	size_t count = 0;
	uint32_t at;

	for (uint32_t part = q->part_of[node]; (wait = last_wait(q, part)) != NULL;
		part = q->part_of[tie_first(wait)])
		waits[count++] = wait; /* each in an earlier wave */
	if (!count)
		return;
	ret->chain = arena_calloc(arena, count + 2, sizeof *ret->chain);
	at = tie_first(waits[count - 1]);
	ret->chain[ret->chain_count++] =
		arena_printf(arena, "wave %u: %s", q->wave_of[at], plan_node_name(q->plan, at));
	while (count-- > 0) {
		ret->chain[ret->chain_count++] = link_text(q, waits[count], at, arena);
		at = tie_second(waits[count]);
	}
	if (at != node)
		ret->chain[ret->chain_count++] =
			arena_printf(arena, "wave %u: %s, in one piece with %s", q->wave_of[node],
				plan_node_name(q->plan, node), plan_node_name(q->plan, at));
}

/* "3 crossing waves more", or fewer. */
static const char *crossing_change(size_t now, size_t then, struct arena *arena)
{
	size_t change = then > now ? then - now : now - then;

	if (!change)
		return "its traffic would cross as long as now";
	return arena_printf(arena, "its traffic would cross %s by %zu (edges x waves, now %zu)",
		then > now ? "longer" : "shorter", change, now);
}

static const char *moved_to(const struct sequence *q, struct impact *im, size_t part, size_t n,
	size_t to, struct arena *arena)
{
	const struct tie *edge;
	size_t broken = edges_between(q, part, to, to < n, &edge);
	const char *change =
		crossing_change(crossing_waves(q, part, n), crossing_waves(q, part, to), arena);

	if (broken)
		return arena_printf(arena, "breaks %zu dependenc%s; %s", broken,
			broken == 1 ? "y" : "ies", change);
	return arena_printf(arena, "%s%zu would feel that wave instead of %zu; %s",
		q->waves[to - 1].stage == (enum stage)q->part_stage[part]
			? ""
			: "against the order of tiers; ",
		radius_with(q, im, part, &q->waves[to - 1]), impact_radius(im, &q->waves[to - 1]),
		change);
}

static const char *by_itself(const struct sequence *q, struct impact *im, size_t part,
	const struct wave *wave, struct arena *arena)
{
	size_t all = impact_radius(im, wave);

	if (q->part_first[part + 1] - q->part_first[part] == wave->members_count)
		return NULL;
	reach_clear(&im->reach);
	reach_add(&im->reach, q->part_nodes + q->part_first[part],
		q->part_first[part + 1] - q->part_first[part], 0);
	return arena_printf(
		arena, "1 cutover more; %zu would feel it instead of %zu", im->reach.count, all);
}

static const char *overridden(const struct sequence *q, size_t node, struct arena *arena)
{
	const struct plan *plan = q->plan;
	const struct plan_together *t = together_of(plan, node);

	for (size_t i = 0; i < plan->orders_count; i++) {
		const struct plan_order *o = &plan->orders[i];

		if (o->first == node || o->then == node)
			return arena_printf(arena, "the plan puts %s before %s: \"%s\"",
				plan_node_name(plan, o->first), plan_node_name(plan, o->then),
				o->because);
	}
	return t ? together_text(plan, t, node, arena) : NULL;
}

void reason_placement(const struct sequence *q, struct impact *im, size_t node, struct arena *arena,
	struct placement *ret)
{
	size_t part = q->part_of[node], n = q->wave_of[node];

	*ret = (struct placement){
		.why = reason_why(q, node, arena),
		.not_earlier = not_earlier(q, im, part, n, arena),
		.not_later = not_later(q, part, n, arena),
		.override = overridden(q, node, arena),
		.earlier = n > 1 ? moved_to(q, im, part, n, n - 1, arena) : NULL,
		.later = n < q->count ? moved_to(q, im, part, n, n + 1, arena) : NULL,
		.alone = by_itself(q, im, part, &q->waves[n - 1], arena),
	};
	make_chain(q, (uint32_t)node, arena, ret);
}
