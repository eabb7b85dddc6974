#include "plan/impact.h"

#include <stdlib.h>

#include "base/check.h"

void impact_init(struct impact *im, const struct sequence *q, struct arena *arena)
{
	reach_init(&im->reach, &q->graph, arena);
}

static void add_wave(struct impact *im, const struct wave *wave)
{
	for (size_t i = 0; i < wave->members_count; i++) {
		uint32_t node = (uint32_t)wave->members[i];

		reach_add(&im->reach, &node, 1, 0);
	}
}

size_t impact_radius(struct impact *im, const struct wave *wave)
{
	reach_clear(&im->reach);
	add_wave(im, wave);
	return im->reach.count;
}

static int compare_nodes(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, two = *(const uint32_t *)b;

	return one < two ? -1 : one > two;
}

static bool is_member(const struct wave *wave, uint32_t node)
{
	size_t low = 0, high = wave->members_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (wave->members[middle] < node)
			low = middle + 1;
		else
			high = middle;
	}
	return low < wave->members_count && wave->members[low] == node;
}

size_t impact_beyond(
	struct impact *im, const struct wave *wave, struct arena *arena, uint32_t **ret_nodes)
{
	size_t radius = impact_radius(im, wave), count = 0;
	uint32_t *nodes = arena_calloc(arena, radius + 1, sizeof *nodes);

	for (size_t i = 0; i < radius; i++)
		if (!is_member(wave, im->reach.nodes[i]))
			nodes[count++] = im->reach.nodes[i];
	ENSURE(count == radius - wave->members_count);
	if (count)
		qsort(nodes, count, sizeof *nodes, compare_nodes);
	*ret_nodes = nodes;
	return count;
}

struct impact_merged impact_merge(struct impact *im, const struct sequence *q, size_t n)
{
	const struct wave *wave = &q->waves[n - 1], *next = wave + 1;
	const struct edge_index *by = &q->graph.by_second;
	struct impact_merged ret = {.stages = wave->stage != next->stage};

	REQUIRE(n > 0 && n < q->count);
	for (size_t i = 0; i < next->members_count; i++) {
		size_t node = next->members[i];

		for (size_t e = by->start[node]; e < by->start[node + 1]; e++) {
			const struct tie *edge = graph_edge(&q->graph, by, e);

			if (q->wave_of[tie_first(edge)] != n)
				continue;
			ret.broken++;
			ret.first = ret.first ? ret.first : edge;
		}
	}
	impact_radius(im, wave);
	add_wave(im, next);
	ret.radius = im->reach.count;
	ret.stores = wave_stores(q, wave) + wave_stores(q, next);
	return ret;
}

struct impact_split impact_split(
	struct impact *im, const struct sequence *q, const struct wave *wave)
{
	struct impact_split ret = {0};

	for (size_t i = 0; i < wave->members_count; i++) {
		uint32_t node = (uint32_t)wave->members[i], part = q->part_of[node];

		if (q->part_nodes[q->part_first[part]] != node)
			continue; /* each part once, at its first node */
		reach_clear(&im->reach);
		reach_add(&im->reach, q->part_nodes + q->part_first[part],
			q->part_first[part + 1] - q->part_first[part], 0);
		ret.parts++;
		if (im->reach.count > ret.radius)
			ret.radius = im->reach.count;
	}
	return ret;
}
