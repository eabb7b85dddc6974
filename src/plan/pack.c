#include "plan/pack.h"

#include <stdlib.h>

#include "base/check.h"
#include "plan/pack_exact.h"
#include "plan/pack_room.h"

/* ---- one stage ---- */

struct packer {
	const struct sequence *q;
	uint32_t *wave;
	uint32_t *parts; /* of this stage, by layer */
	size_t count, layers;
	struct pack_room room;
	struct arena *arena;
	/* By part, made when a stage has to be packed. */
	uint32_t *weight, *height, *waits;
	uint32_t *heap;
	size_t heap_count;
};

/* Whether each layer may be a wave as it is. */
static bool layers_fit(struct packer *p)
{
	for (size_t i = 0; i < p->count; i++) {
		uint32_t part = p->parts[i];

		if (i == 0 || p->wave[part] != p->wave[p->parts[i - 1]])
			pack_room_clear(&p->room);
		if (!pack_room_add(&p->room, part) || p->room.closed)
			return false;
	}
	return true;
}

/* How many services write to its stores: what the plan itself knows of their gravity. */
static uint32_t weight_of(const struct sequence *q, size_t part)
{
	const struct edge_index *by = &q->graph.by_to;
	uint32_t weight = 0;

	for (size_t i = q->part_first[part]; i < q->part_first[part + 1]; i++) {
		size_t node = q->part_nodes[i];

		for (size_t e = by->start[node]; e < by->start[node + 1]; e++)
			weight += graph_edge(&q->graph, by, e)->kind == EDGE_WRITES;
	}
	return weight;
}

/* Calls fn for each part of the same stage that this one comes before, once per edge. */
static void each_after(struct packer *p, size_t part, void (*fn)(struct packer *, size_t, size_t))
{
	const struct sequence *q = p->q;
	const struct edge_index *by = &q->graph.by_first;

	for (size_t i = q->part_first[part]; i < q->part_first[part + 1]; i++) {
		size_t node = q->part_nodes[i];

		for (size_t e = by->start[node]; e < by->start[node + 1]; e++) {
			size_t after = q->part_of[tie_second(graph_edge(&q->graph, by, e))];

			if (after != part && q->part_stage[after] == q->part_stage[part])
				fn(p, part, after);
		}
	}
}

static void count_wait(struct packer *p, size_t part, size_t after)
{
	if (p->height[after] + 1 > p->height[part])
		p->height[part] = p->height[after] + 1;
	p->waits[after]++;
}

/* ---- first fit ---- */

/* The longest chain behind it first, of those the lightest, of those by name. */
static bool comes_before(const struct packer *p, uint32_t a, uint32_t b)
{
	if (p->height[a] != p->height[b])
		return p->height[a] > p->height[b];
	if (p->weight[a] != p->weight[b])
		return p->weight[a] < p->weight[b];
	return p->q->part_nodes[p->q->part_first[a]] < p->q->part_nodes[p->q->part_first[b]];
}

static void heap_put(struct packer *p, uint32_t part)
{
	size_t at = p->heap_count++;

	for (; at > 0 && comes_before(p, part, p->heap[(at - 1) / 2]); at = (at - 1) / 2)
		p->heap[at] = p->heap[(at - 1) / 2];
	p->heap[at] = part;
}

static uint32_t heap_take(struct packer *p)
{
	uint32_t top = p->heap[0], part = p->heap[--p->heap_count];
	size_t at = 0, child;

	for (; (child = 2 * at + 1) < p->heap_count; at = child) {
		if (child + 1 < p->heap_count &&
			comes_before(p, p->heap[child + 1], p->heap[child]))
			child++;
		if (!comes_before(p, p->heap[child], part))
			break;
		p->heap[at] = p->heap[child];
	}
	p->heap[at] = part;
	return top;
}

static void stop_waiting(struct packer *p, size_t part, size_t after)
{
	(void)part;
	if (--p->waits[after] == 0)
		heap_put(p, (uint32_t)after);
}

/* Fills one wave from what is ready; what it frees is ready for the next one. */
static void fill_one(struct packer *p, uint32_t wave, uint32_t *taken)
{
	uint32_t left[PACK_LOOK_MAX];
	size_t left_count = 0, taken_count = 0;

	pack_room_clear(&p->room);
	while (p->heap_count && left_count < PACK_LOOK_MAX) {
		uint32_t part = heap_take(p);

		if (pack_room_add(&p->room, part))
			taken[taken_count++] = part;
		else
			left[left_count++] = part;
	}
	ENSURE(taken_count > 0);
	for (size_t i = 0; i < left_count; i++)
		heap_put(p, left[i]);
	for (size_t i = 0; i < taken_count; i++) {
		p->wave[taken[i]] = wave;
		each_after(p, taken[i], stop_waiting);
	}
}

static size_t fill_all(struct packer *p)
{
	uint32_t *taken = arena_calloc(p->arena, p->count, sizeof *taken);
	uint32_t wave = 0;

	p->heap = arena_calloc(p->arena, p->count, sizeof *p->heap);
	for (size_t i = 0; i < p->count; i++)
		if (p->waits[p->parts[i]] == 0)
			heap_put(p, p->parts[i]);
	while (p->heap_count)
		fill_one(p, wave++, taken);
	return wave;
}

static size_t divide_up(size_t a, size_t by)
{
	return (a + by - 1) / by;
}

/* Of what the limit lets share a wave, one wave carries at most that many nodes. */
static size_t least_by_limit(struct packer *p)
{
	const struct sequence *q = p->q;
	bool *alone = arena_calloc(p->arena, p->count, sizeof *alone);
	size_t waves = 0;

	for (size_t i = 0; i < p->count; i++) {
		pack_room_clear(&p->room);
		pack_room_add(&p->room, p->parts[i]);
		alone[i] = p->room.closed;
		waves += alone[i];
	}
	pack_room_clear(&p->room);
	for (size_t i = 0; i < p->count; i++) {
		size_t first = q->part_first[p->parts[i]];

		if (!alone[i])
			reach_add(&p->room.reach, q->part_nodes + first,
				q->part_first[p->parts[i] + 1] - first, 0);
	}
	return waves + divide_up(p->room.reach.count, p->room.limit);
}

/* No cutting is shorter than the longest chain, or than what has to be carried over the room. */
static size_t lower_bound(struct packer *p)
{
	size_t least = p->layers, stores = 0, by_stores, by_limit;

	for (size_t i = 0; i < p->count; i++) {
		size_t in = pack_room_stores(p->q, p->parts[i]);

		stores += in < SEQUENCE_STORES_MAX ? in : SEQUENCE_STORES_MAX;
	}
	by_stores = divide_up(stores, SEQUENCE_STORES_MAX);
	if (by_stores > least)
		least = by_stores;
	by_limit = p->room.limit ? least_by_limit(p) : 0;
	return by_limit > least ? by_limit : least;
}

/* ---- all stages ---- */

static int compare_parts(const void *a, const void *b, void *arg)
{
	const struct packer *p = arg;
	uint32_t one = *(const uint32_t *)a, two = *(const uint32_t *)b;

	if (p->weight[one] != p->weight[two])
		return p->weight[one] < p->weight[two] ? -1 : 1;
	one = p->q->part_nodes[p->q->part_first[one]];
	two = p->q->part_nodes[p->q->part_first[two]];
	return one < two ? -1 : one > two;
}

static void weigh(struct packer *p)
{
	if (!p->weight) {
		p->weight = arena_calloc(p->arena, p->q->parts + 1, sizeof *p->weight);
		p->height = arena_calloc(p->arena, p->q->parts + 1, sizeof *p->height);
		p->waits = arena_calloc(p->arena, p->q->parts + 1, sizeof *p->waits);
	}
	/* From the last layer to the first: a height is made of heights further on. */
	for (size_t i = p->count; i-- > 0;) {
		p->weight[p->parts[i]] = weight_of(p->q, p->parts[i]);
		each_after(p, p->parts[i], count_wait);
	}
}

static struct packed pack_one(struct packer *p)
{
	struct packed ret = {.waves = p->layers, .least = p->layers};

	if (layers_fit(p))
		return ret;
	weigh(p);
	if (p->count <= PACK_EXACT_MAX) {
		qsort_r(p->parts, p->count, sizeof *p->parts, compare_parts, p);
		ret.waves = ret.least =
			pack_exact(p->q, p->parts, p->count, &p->room, p->arena, p->wave);
		return ret;
	}
	ret.least = lower_bound(p);
	ret.waves = fill_all(p);
	return ret;
}

/* The parts of a stage by layer, each layer by number: by counting. */
static void list_parts(struct packer *p, uint8_t stage)
{
	const struct sequence *q = p->q;
	uint32_t *start;

	p->count = p->layers = 0;
	for (size_t part = 0; part < q->parts; part++)
		if (q->part_stage[part] == stage && p->wave[part] + 1 > p->layers)
			p->layers = p->wave[part] + 1;
	start = arena_calloc(p->arena, p->layers + 1, sizeof *start);
	for (size_t part = 0; part < q->parts; part++)
		if (q->part_stage[part] == stage)
			start[p->wave[part]]++;
	for (size_t l = 0; l < p->layers; l++)
		start[l + 1] += start[l];
	p->count = start[p->layers];
	for (size_t part = q->parts; part-- > 0;)
		if (q->part_stage[part] == stage)
			p->parts[--start[p->wave[part]]] = (uint32_t)part;
}

void pack_stages(const struct sequence *q, uint32_t *wave, struct arena *arena,
	struct packed ret[STAGE_COUNT])
{
	struct packer p = {.q = q, .wave = wave, .arena = arena};

	p.parts = arena_calloc(arena, q->parts + 1, sizeof *p.parts);
	pack_room_init(&p.room, q, arena);
	for (uint8_t s = 0; s < STAGE_COUNT; s++) {
		list_parts(&p, s);
		ret[s] = p.count ? pack_one(&p) : (struct packed){0, 0};
	}
}
