/*
 * order.c - how long the planner takes for a plan of N nodes and M edges that stands in memory.
 *
 *   order NODES EDGES [LIMIT] [--pairs FILE]
 *
 * Prints one line of JSON.  With --pairs it writes every edge as "first second", in the order of
 * movement and shuffled names, for tsort to do the same.
 *
 * Nodes stand in an order of movement: a fifth supports, three tenths read, a fifth are stores,
 * three tenths are entry points; each edge leads from one to an earlier one, so there is no circle.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/check.h"
#include "base/prng.h"
#include "plan/overlap.h"
#include "plan/sequence.h"

struct maker {
	struct prng prng;
	struct plan plan;
	size_t nodes, edges;
	size_t *node_at; /* by place in the order of movement */
	size_t *count;	 /* by place: edges to earlier ones */
};

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t first_store(const struct maker *m)
{
	return m->nodes / 2;
}

static size_t first_entry(const struct maker *m)
{
	return m->nodes * 7 / 10;
}

/* Stores take the first numbers, as in every plan; both kinds are shuffled. */
static void number_nodes(struct maker *m)
{
	size_t store = 0, service = m->plan.stores_count;

	m->node_at = arena_calloc(&m->plan.arena, m->nodes, sizeof *m->node_at);
	for (size_t at = 0; at < m->nodes; at++)
		m->node_at[at] = at >= first_store(m) && at < first_entry(m) ? store++ : service++;
	for (int stores = 0; stores < 2; stores++)
		for (size_t at = m->nodes - 1; at > 0; at--) {
			size_t with = prng_below(&m->prng, at + 1), swap = m->node_at[at];

			if ((m->node_at[with] < m->plan.stores_count) != stores ||
				(swap < m->plan.stores_count) != stores)
				continue;
			m->node_at[at] = m->node_at[with];
			m->node_at[with] = swap;
		}
}

static enum plan_tier tier_at(const struct maker *m, size_t at)
{
	return at < m->nodes / 5 ? TIER_SUPPORT : at < first_store(m) ? TIER_READ_ONLY : TIER_ENTRY;
}

/* An earlier node of the kind that is wanted, or any. */
static size_t earlier(struct maker *m, size_t at, bool store)
{
	size_t from = store ? first_store(m) : 0, to = at;

	if (store && at > first_entry(m))
		to = first_entry(m);
	return m->node_at[from + prng_below(&m->prng, to - from)];
}

static void add_edges(struct maker *m, size_t at)
{
	size_t node = m->node_at[at], count = m->count[at], half = count / 2;
	size_t *list = arena_calloc(&m->plan.arena, count + 1, sizeof *list);

	if (node < m->plan.stores_count) {
		for (size_t i = 0; i < count; i++)
			list[i] = earlier(m, at, false);
		m->plan.stores[node].needs = list;
		m->plan.stores[node].needs_count = count;
		return;
	}
	struct plan_service *s = &m->plan.services[node - m->plan.stores_count];

	s->tier = tier_at(m, at);
	if (s->tier == TIER_ENTRY) {
		for (size_t i = 0; i < half; i++)
			list[i] = earlier(m, at, true);
		s->writes = list;
		s->writes_count = half;
	} else {
		half = 0;
	}
	for (size_t i = half; i < count; i++)
		list[i] = earlier(m, at, false);
	s->needs = list + half;
	s->needs_count = count - half;
}

static void make(struct maker *m)
{
	struct arena *arena = &m->plan.arena;

	m->plan.stores_count = first_entry(m) - first_store(m);
	m->plan.services_count = m->nodes - m->plan.stores_count;
	m->plan.stores = arena_calloc(arena, m->plan.stores_count + 1, sizeof *m->plan.stores);
	m->plan.services =
		arena_calloc(arena, m->plan.services_count + 1, sizeof *m->plan.services);
	for (size_t i = 0; i < m->plan.services_count; i++)
		m->plan.services[i].route = PLAN_NONE;
	number_nodes(m);
	m->count = arena_calloc(arena, m->nodes, sizeof *m->count);
	for (size_t i = 0; i < m->edges; i++)
		m->count[1 + prng_below(&m->prng, m->nodes - 1)]++;
	for (size_t at = 1; at < m->nodes; at++)
		add_edges(m, at);
}

static void write_pairs(struct maker *m, const struct graph *g, const char *path)
{
	FILE *file = fopen(path, "w");
	uint32_t *name = arena_calloc(&m->plan.arena, g->nodes + 1, sizeof *name);

	ENSURE(file != NULL);
	for (size_t i = 0; i < g->nodes; i++)
		name[i] = (uint32_t)i;
	for (size_t i = g->nodes - 1; i > 0; i--) {
		size_t with = prng_below(&m->prng, i + 1);
		uint32_t swap = name[i];

		name[i] = name[with];
		name[with] = swap;
	}
	for (size_t i = 0; i < g->count; i++)
		fprintf(file, "n%07u n%07u\n", name[tie_first(&g->edges[i])],
			name[tie_second(&g->edges[i])]);
	ENSURE(fclose(file) == 0);
}

int main(int argc, char **argv)
{
	struct maker m = {.prng = {42}};
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;
	struct crossings crossings;
	struct rusage usage;
	double wall, cpu, ordered;
	const char *pairs = argc > 4 && !strcmp(argv[argc - 2], "--pairs") ? argv[argc - 1] : NULL;

	if (argc < 3)
		return 2;
	m.nodes = strtoull(argv[1], NULL, 10);
	m.edges = strtoull(argv[2], NULL, 10);
	if (argc > 3 && argv[3][0] != '-')
		m.plan.limits.blast_radius = atoll(argv[3]);
	REQUIRE(m.nodes >= 10);
	make(&m);
	wall = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	sequence_make(&m.plan, &arena, &q);
	ordered = seconds(CLOCK_MONOTONIC) - wall;
	crossings_find(&q, &arena, &crossings);
	wall = seconds(CLOCK_MONOTONIC) - wall;
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"nodes\": %zu, \"edges\": %zu, \"waves\": %zu, \"least\": %zu, \"crossings\": "
	       "%zu, "
	       "\"order_s\": %.3f, \"wall_s\": %.3f, \"cpu_s\": %.3f, \"planner_mb\": %.1f, "
	       "\"process_mb\": %.1f}\n",
		m.nodes, q.graph.count, q.count, q.least, crossings.count, ordered, wall, cpu,
		(double)arena.bytes / 1048576, (double)usage.ru_maxrss / 1024);
	if (pairs)
		write_pairs(&m, &q.graph, pairs);
	arena_fini(&m.plan.arena);
	return 0;
}
