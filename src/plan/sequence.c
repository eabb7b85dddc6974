#include "plan/sequence.h"

#include <string.h>

#include "base/check.h"
#include "plan/graph.h"
#include "plan/impact.h"
#include "plan/reason.h"

#define RANKS 4

/* What moves in one piece: a node, or the nodes of a circle. */
struct part {
	enum plan_tier tier; /* the highest of its nodes */
	size_t waits;	     /* edges from parts that have not moved yet */
	size_t wave;	     /* from 1; 0 = not yet */
	size_t next;	     /* in a list of ready parts, + 1 */
};

struct sequencer {
	const struct plan *plan;
	const struct graph *graph;
	size_t *part_of; /* by node */
	struct part *parts;
	size_t count;
	/* The nodes of part p: nodes[first[p]] .. nodes[first[p + 1] - 1]. */
	size_t *first, *nodes;
	size_t ready[RANKS]; /* heads of lists, + 1 */
};

static size_t node_count(const struct plan *plan)
{
	return plan->stores_count + plan->services_count;
}

static void group_nodes(struct sequencer *s, struct arena *arena)
{
	size_t n = s->graph->nodes;
	size_t *fill = arena_calloc(arena, s->count + 1, sizeof *fill);

	s->first = arena_calloc(arena, s->count + 1, sizeof *s->first);
	s->nodes = arena_calloc(arena, n + 1, sizeof *s->nodes);
	for (size_t node = 0; node < n; node++)
		s->first[s->part_of[node] + 1]++;
	for (size_t p = 0; p < s->count; p++) {
		s->first[p + 1] += s->first[p];
		fill[p] = s->first[p];
	}
	for (size_t node = 0; node < n; node++)
		s->nodes[fill[s->part_of[node]]++] = node;
}

static void make_parts(struct sequencer *s, struct arena *arena)
{
	const struct graph *g = s->graph;

	s->part_of = arena_calloc(arena, g->nodes + 1, sizeof *s->part_of);
	s->count = graph_components(g, EDGE_ALL, arena, s->part_of);
	s->parts = arena_calloc(arena, s->count + 1, sizeof *s->parts);
	group_nodes(s, arena);
	for (size_t node = 0; node < g->nodes; node++) {
		struct part *part = &s->parts[s->part_of[node]];

		if (node_tier(s->plan, node) > part->tier)
			part->tier = node_tier(s->plan, node);
	}
	for (size_t i = 0; i < g->count; i++) {
		size_t before = s->part_of[edge_first(&g->edges[i])];
		size_t after = s->part_of[edge_second(&g->edges[i])];

		if (before != after)
			s->parts[after].waits++;
	}
}

static void make_ready(struct sequencer *s, size_t part)
{
	size_t *head = &s->ready[tier_rank(s->parts[part].tier)];

	s->parts[part].next = *head;
	*head = part + 1;
}

/* The part has moved; what waited for it only is ready, for the next wave at the earliest. */
static void release(struct sequencer *s, size_t part)
{
	const struct edge_index *by = &s->graph->by_first;

	for (size_t i = s->first[part]; i < s->first[part + 1]; i++) {
		size_t node = s->nodes[i];

		for (size_t e = by->start[node]; e < by->start[node + 1]; e++) {
			size_t after = s->part_of[edge_second(by->list[e])];

			if (after != part && --s->parts[after].waits == 0)
				make_ready(s, after);
		}
	}
}

/* All that is ready and least stateful moves together: the fewest cutovers win. */
static bool next_wave(struct sequencer *s, size_t wave)
{
	size_t rank = 0, list;

	while (rank < RANKS && !s->ready[rank])
		rank++;
	if (rank == RANKS)
		return false;
	list = s->ready[rank];
	s->ready[rank] = 0;
	for (size_t p = list; p; p = s->parts[p - 1].next)
		s->parts[p - 1].wave = wave;
	while (list) {
		size_t part = list - 1;

		list = s->parts[part].next;
		release(s, part);
	}
	return true;
}

static size_t assign_waves(struct sequencer *s)
{
	size_t waves = 0;

	for (size_t p = 0; p < s->count; p++)
		if (s->parts[p].waits == 0)
			make_ready(s, p);
	while (next_wave(s, waves + 1))
		waves++;
	for (size_t p = 0; p < s->count; p++)
		INVARIANT(s->parts[p].wave > 0);
	return waves;
}

static void add_member(struct wave *wave, const struct plan *plan, size_t node)
{
	bool is_store = node < plan->stores_count;

	if (is_store && wave->decider == PLAN_NONE)
		wave->decider = node;
	if (node_tier(plan, node) > wave->tier)
		wave->tier = node_tier(plan, node);
	wave->members[wave->members_count++] = node;
}

static void fill_waves(
	const struct sequencer *s, const size_t *wave_of, struct arena *arena, struct sequence *q)
{
	for (size_t i = 0; i < q->count; i++)
		q->waves[i] = (struct wave){.n = i + 1, .decider = PLAN_NONE};
	for (size_t node = 0; node < s->graph->nodes; node++)
		q->waves[wave_of[node] - 1].members_count++;
	for (size_t i = 0; i < q->count; i++) {
		struct wave *wave = &q->waves[i];

		wave->members = arena_calloc(arena, wave->members_count, sizeof *wave->members);
		wave->why = arena_calloc(arena, wave->members_count, sizeof *wave->why);
		wave->members_count = 0;
	}
	for (size_t node = 0; node < s->graph->nodes; node++)
		add_member(&q->waves[wave_of[node] - 1], s->plan, node);
}

static void explain(
	const struct sequencer *s, const size_t *wave_of, struct arena *arena, struct sequence *q)
{
	const char **circle_why = arena_calloc(arena, s->count + 1, sizeof *circle_why);

	for (size_t i = 0; i < q->count; i++)
		for (size_t m = 0; m < q->waves[i].members_count; m++) {
			size_t node = q->waves[i].members[m], part = s->part_of[node];

			if (s->first[part + 1] - s->first[part] == 1) {
				q->waves[i].why[m] =
					reason_alone(s->plan, s->graph, wave_of, node, arena);
				continue;
			}
			/* One sentence for the whole circle, so that it is not told n times. */
			if (!circle_why[part])
				circle_why[part] =
					reason_circle(s->plan, s->graph, s->part_of, node, arena);
			q->waves[i].why[m] = circle_why[part];
		}
}

void sequence_make(const struct plan *plan, struct arena *arena, struct sequence *ret_sequence)
{
	struct graph graph;
	struct sequencer s = {.plan = plan, .graph = &graph};
	struct sequence q;
	size_t *wave_of = arena_calloc(arena, node_count(plan) + 1, sizeof *wave_of);

	graph_make(plan, arena, &graph);
	make_parts(&s, arena);
	q.count = assign_waves(&s);
	q.waves = arena_calloc(arena, q.count + 1, sizeof *q.waves);
	for (size_t node = 0; node < graph.nodes; node++)
		wave_of[node] = s.parts[s.part_of[node]].wave;
	fill_waves(&s, wave_of, arena, &q);
	explain(&s, wave_of, arena, &q);
	impact_crossings(plan, &graph, wave_of, arena, &q);
	impact_blast(&graph, arena, &q);
	*ret_sequence = q;
}
