#include "plan/impact.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* ---- crossings ---- */

struct pair {
	size_t low, high;
};

static struct pair make_pair(size_t a, size_t b)
{
	return a < b ? (struct pair){a, b} : (struct pair){b, a};
}

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *one = a, *two = b;

	if (one->low != two->low)
		return one->low < two->low ? -1 : 1;
	return one->high < two->high ? -1 : one->high > two->high;
}

/* The declared overlaps, whichever way round, sorted. */
static struct pair *declared(const struct plan *plan, struct arena *arena)
{
	struct pair *ret = arena_calloc(arena, plan->overlaps_count + 1, sizeof *ret);

	for (size_t i = 0; i < plan->overlaps_count; i++)
		ret[i] = make_pair(plan->overlaps[i].from, plan->overlaps[i].to);
	if (plan->overlaps_count)
		qsort(ret, plan->overlaps_count, sizeof *ret, compare_pairs);
	return ret;
}

static bool is_declared(const struct pair *pairs, size_t count, const struct edge *edge)
{
	struct pair key = make_pair(edge->from, edge->to);

	return count && bsearch(&key, pairs, count, sizeof *pairs, compare_pairs);
}

/* Every pair of nodes that talk, once; edges of one `from` stand together in the graph. */
static size_t talking_pairs(const struct graph *g, struct arena *arena, const struct edge ***ret)
{
	const struct edge **list = arena_calloc(arena, g->count + 1, sizeof *list);
	size_t *last_from = arena_calloc(arena, g->nodes + 1, sizeof *last_from);
	size_t count = 0;

	for (size_t i = 0; i < g->count; i++) {
		const struct edge *edge = &g->edges[i];

		if (!(edge->kind & EDGE_TALKS) || last_from[edge->to] == edge->from + 1)
			continue;
		last_from[edge->to] = edge->from + 1;
		list[count++] = edge;
	}
	*ret = list;
	return count;
}

struct span_of_waves {
	size_t first, end; /* waves first .. end - 1, from 0, are done while the edge crosses */
};

static struct span_of_waves crossing_waves(const struct edge *edge, const size_t *wave_of)
{
	size_t a = wave_of[edge->from], b = wave_of[edge->to];

	return a < b ? (struct span_of_waves){a - 1, b - 1} : (struct span_of_waves){b - 1, a - 1};
}

void impact_crossings(const struct plan *plan, const struct graph *graph, const size_t *wave_of,
	struct arena *arena, struct sequence *sequence)
{
	const struct pair *pairs = declared(plan, arena);
	const struct edge **edges;
	size_t count = talking_pairs(graph, arena, &edges);

	for (size_t i = 0; i < count; i++) {
		struct span_of_waves w = crossing_waves(edges[i], wave_of);

		for (size_t n = w.first; n < w.end; n++)
			sequence->waves[n].crossings_count++;
	}
	for (size_t n = 0; n < sequence->count; n++) {
		struct wave *wave = &sequence->waves[n];

		wave->crossings =
			arena_calloc(arena, wave->crossings_count + 1, sizeof *wave->crossings);
		wave->crossings_count = 0;
	}
	for (size_t i = 0; i < count; i++) {
		struct span_of_waves w = crossing_waves(edges[i], wave_of);
		bool intended = is_declared(pairs, plan->overlaps_count, edges[i]);

		for (size_t n = w.first; n < w.end; n++) {
			struct wave *wave = &sequence->waves[n];

			wave->crossings[wave->crossings_count++] = (struct crossing){
				.from = edges[i]->from, .to = edges[i]->to, .intended = intended};
		}
	}
}

/* ---- blast radius ---- */

static int compare_nodes(const void *a, const void *b)
{
	size_t one = *(const size_t *)a, two = *(const size_t *)b;

	return one < two ? -1 : one > two;
}

struct search {
	const struct graph *graph;
	size_t *reached_in; /* by node: the wave of the search that reached it last */
	size_t *queue;
	size_t count;
};

static void reach(struct search *s, size_t node, size_t wave)
{
	if (s->reached_in[node] == wave)
		return;
	s->reached_in[node] = wave;
	s->queue[s->count++] = node;
}

static void blast_of(struct search *s, struct wave *wave, struct arena *arena)
{
	const struct edge_index *by = &s->graph->by_to;

	s->count = 0;
	for (size_t m = 0; m < wave->members_count; m++)
		reach(s, wave->members[m], wave->n);
	for (size_t done = 0; done < s->count; done++) {
		size_t node = s->queue[done];

		for (size_t e = by->start[node]; e < by->start[node + 1]; e++)
			if (by->list[e]->kind & EDGE_TALKS)
				reach(s, by->list[e]->from, wave->n);
	}
	wave->blast_count = s->count - wave->members_count;
	wave->blast = arena_calloc(arena, wave->blast_count + 1, sizeof *wave->blast);
	memcpy(wave->blast, s->queue + wave->members_count,
		wave->blast_count * sizeof *wave->blast);
	qsort(wave->blast, wave->blast_count, sizeof *wave->blast, compare_nodes);
}

void impact_blast(const struct graph *graph, struct arena *arena, struct sequence *sequence)
{
	struct search s = {.graph = graph};

	s.reached_in = arena_calloc(arena, graph->nodes + 1, sizeof *s.reached_in);
	s.queue = arena_calloc(arena, graph->nodes + 1, sizeof *s.queue);
	for (size_t n = 0; n < sequence->count; n++)
		blast_of(&s, &sequence->waves[n], arena);
}
