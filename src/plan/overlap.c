#include "plan/overlap.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* ---- what is declared ---- */

struct permit {
	uint32_t low, high; /* whichever way round */
	uint32_t overlap;
};

static int compare_permits(const void *a, const void *b)
{
	const struct permit *one = a, *two = b;

	if (one->low != two->low)
		return one->low < two->low ? -1 : 1;
	if (one->high != two->high)
		return one->high < two->high ? -1 : 1;
	return one->overlap < two->overlap ? -1 : one->overlap > two->overlap;
}

static struct permit make_permit(size_t a, size_t b, size_t overlap)
{
	return (struct permit){.low = (uint32_t)(a < b ? a : b),
		.high = (uint32_t)(a < b ? b : a),
		.overlap = (uint32_t)overlap};
}

static struct permit *find_permits(const struct plan *plan, struct arena *arena)
{
	struct permit *ret = arena_calloc(arena, plan->overlaps_count + 1, sizeof *ret);

	for (size_t i = 0; i < plan->overlaps_count; i++)
		ret[i] = make_permit(plan->overlaps[i].from, plan->overlaps[i].to, i);
	if (plan->overlaps_count)
		qsort(ret, plan->overlaps_count, sizeof *ret, compare_permits);
	return ret;
}

/* The first entry for this pair, or CROSSING_ACCIDENT. */
static uint32_t permit_for(const struct permit *permits, size_t count, const struct crossing *c)
{
	struct permit key = make_permit(c->from, c->to, 0);
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_permits(&permits[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == count || permits[low].low != key.low || permits[low].high != key.high)
		return CROSSING_ACCIDENT;
	return permits[low].overlap;
}

/* ---- what crosses ---- */

static bool crosses(const struct sequence *q, const struct tie *edge)
{
	return edge->kind & EDGE_TALKS && q->wave_of[edge->from] != q->wave_of[edge->to];
}

static struct crossing make_crossing(const struct sequence *q, size_t i)
{
	const struct tie *edge = &q->graph.edges[i];
	uint32_t a = q->wave_of[edge->from], b = q->wave_of[edge->to];

	return (struct crossing){.from = edge->from,
		.to = edge->to,
		.begin = a < b ? a : b,
		.end = a < b ? b : a,
		.kinds = edge->kind,
		.edge = (uint32_t)i};
}

static uint32_t begin_of(const struct sequence *q, const struct tie *edge)
{
	uint32_t a = q->wave_of[edge->from], b = q->wave_of[edge->to];

	return a < b ? a : b;
}

/*
 * Every pair that talks across waves, once, by the wave in which it begins: edges of one `from`
 * stand together in the graph, and where each wave's pairs go is counted before they are made.
 */
static void list_pairs(const struct sequence *q, struct arena *arena, struct crossings *c)
{
	const struct graph *g = &q->graph;
	ARENA_AUTO scratch = ARENA_INIT;
	uint32_t *last = arena_calloc(&scratch, g->nodes + 1, sizeof *last); /* by `to` */
	uint32_t *next = arena_calloc(&scratch, q->count + 2, sizeof *next); /* by wave */

	for (size_t i = 0; i < g->count; i++) {
		const struct tie *edge = &g->edges[i];

		if (!crosses(q, edge) || last[edge->to] == edge->from + 1)
			continue;
		last[edge->to] = edge->from + 1;
		next[begin_of(q, edge) + 1]++;
		c->count++;
	}
	for (size_t n = 0; n <= q->count; n++)
		next[n + 1] += next[n];
	c->list = arena_calloc(arena, c->count + 1, sizeof *c->list);
	memset(last, 0, g->nodes * sizeof *last);
	for (size_t i = 0; i < g->count; i++) {
		const struct tie *edge = &g->edges[i];
		uint32_t known = last[edge->to]; /* where its pair may stand, + 1 */

		if (!crosses(q, edge))
			continue;
		if (known && c->list[known - 1].from == edge->from) {
			c->list[known - 1].kinds |= edge->kind;
			continue;
		}
		last[edge->to] = next[begin_of(q, edge)] + 1;
		c->list[next[begin_of(q, edge)]++] = make_crossing(q, i);
	}
}

/* How many begin minus how many ended, from the first wave on. */
static void count_open(const struct sequence *q, struct arena *arena, struct crossings *c)
{
	c->open = arena_calloc(arena, q->count + 1, sizeof *c->open);
	c->open_accidents = arena_calloc(arena, q->count + 1, sizeof *c->open_accidents);
	for (size_t i = 0; i < c->count; i++) {
		const struct crossing *row = &c->list[i];
		bool accident = crossing_is_accident(row);

		c->accidents += accident;
		c->open[row->begin - 1]++;
		c->open[row->end - 1]--;
		c->open_accidents[row->begin - 1] += accident;
		c->open_accidents[row->end - 1] -= accident;
	}
	for (size_t n = 1; n < q->count; n++) {
		c->open[n] += c->open[n - 1];
		c->open_accidents[n] += c->open_accidents[n - 1];
	}
	ENSURE(q->count == 0 || c->open[q->count - 1] == 0);
}

static bool is_early(const struct sequence *q, const struct crossing *c)
{
	const struct plan_service *s = node_service(q->plan, c->from);

	return s && s->early_reader && c->kinds == EDGE_READS &&
	       q->wave_of[c->from] < q->wave_of[c->to];
}

void crossings_find(const struct sequence *q, struct arena *arena, struct crossings *ret)
{
	const struct plan *plan = q->plan;
	const struct permit *permits = find_permits(plan, arena);
	struct crossings c = {0};

	list_pairs(q, arena, &c);
	for (size_t i = 0; i < c.count; i++) {
		c.list[i].overlap = permit_for(permits, plan->overlaps_count, &c.list[i]);
		c.list[i].early = is_early(q, &c.list[i]);
	}
	count_open(q, arena, &c);
	*ret = c;
}

const char *crossing_verbs(const struct crossing *c)
{
	switch (c->kinds) {
	case EDGE_READS:
		return "reads";
	case EDGE_WRITES:
		return "writes";
	case EDGE_READS | EDGE_WRITES:
		return "reads and writes";
	default:
		break;
	}
	return c->kinds & EDGE_WRITES  ? "needs and writes"
	       : c->kinds & EDGE_READS ? "needs and reads"
				       : "needs";
}
