#include "picture/layout.h"

#include <stdlib.h>

#include "base/check.h"

#define ROOMY_NODES_MAX 60
#define COLUMNS_MAX 12
#define SWEEPS 3

struct shape {
	int box_width, box_height, gap_x, gap_y, pad, between;
};

static const struct shape roomy = {150, 44, 22, 22, 18, 40};
static const struct shape tight = {118, 24, 12, 10, 14, 46};

struct laying {
	const struct sequence *q;
	const struct shape *shape;
	struct layout *layout;
	uint32_t *order; /* by wave, like waves[].members, in the order of the picture */
	double *wish;	 /* by node: where it would like to stand */
	size_t columns;
};

/* As wide as a screen, as far as that goes. */
static size_t choose_columns(const struct sequence *q, bool compact)
{
	size_t most = 1, columns = 4;

	for (size_t w = 0; w < q->count; w++)
		if (q->waves[w].members_count > most)
			most = q->waves[w].members_count;
	while (columns < COLUMNS_MAX && columns * columns < most * 3)
		columns++;
	return compact ? columns : 4;
}

static size_t rows_of(const struct laying *l, const struct wave *wave)
{
	return (wave->members_count + l->columns - 1) / l->columns;
}

/* Column by column, so that the order of a wave is an order from left to right. */
static void place_wave(const struct laying *l, size_t w, const uint32_t *order)
{
	const struct wave *wave = &l->q->waves[w];
	const struct layout_band *band = &l->layout->bands[w];
	size_t rows = rows_of(l, wave);
	int step = l->shape->box_width + l->shape->gap_x;

	for (size_t i = 0; i < wave->members_count; i++)
		l->layout->boxes[order[i]] =
			(struct layout_box){band->left + (int)(i / rows) * step,
				band->y + l->shape->pad +
					(int)(i % rows) * (l->shape->box_height + l->shape->gap_y)};
}

static void make_bands(const struct laying *l)
{
	int y = 0;

	for (size_t w = 0; w < l->q->count; w++) {
		size_t rows = rows_of(l, &l->q->waves[w]);
		size_t used = (l->q->waves[w].members_count + rows - 1) / rows;
		int height = 2 * l->shape->pad + (int)rows * l->shape->box_height +
			     ((int)rows - 1) * l->shape->gap_y;

		l->layout->bands[w] = (struct layout_band){.y = y,
			.height = height,
			.left = LAYOUT_LEFT + l->shape->gap_x +
				(int)(l->columns - used) * (l->shape->box_width + l->shape->gap_x) /
					2,
			.columns = used};
		y += height + l->shape->between;
	}
	l->layout->height = l->q->count ? y - l->shape->between : 0;
}

/* The middle of its neighbours on one side, or where it stands when it has none. */
static double middle_of(const struct laying *l, uint32_t node, const struct edge_index *by)
{
	const struct graph *g = &l->q->graph;
	double sum = 0;
	size_t count = 0;

	for (size_t e = by->start[node]; e < by->start[node + 1]; e++) {
		const struct tie *edge = graph_edge(g, by, e);
		uint32_t other = edge->from == node ? edge->to : edge->from;

		if (l->q->wave_of[other] == l->q->wave_of[node])
			continue;
		sum += l->layout->boxes[other].x;
		count++;
	}
	return count ? sum / (double)count : l->layout->boxes[node].x;
}

static int compare_wishes(const void *a, const void *b, void *arg)
{
	const struct laying *l = arg;
	uint32_t one = *(const uint32_t *)a, two = *(const uint32_t *)b;

	if (l->wish[one] < l->wish[two] || l->wish[one] > l->wish[two])
		return l->wish[one] < l->wish[two] ? -1 : 1;
	return one < two ? -1 : one > two;
}

static void sweep_wave(struct laying *l, size_t w, uint32_t *order, const struct edge_index *by)
{
	size_t count = l->q->waves[w].members_count;

	for (size_t i = 0; i < count; i++)
		l->wish[order[i]] = middle_of(l, order[i], by);
	qsort_r(order, count, sizeof *order, compare_wishes, l);
	place_wave(l, w, order);
}

static void arrange(struct laying *l)
{
	const struct sequence *q = l->q;
	uint32_t *order = l->order;

	for (size_t w = 0; w < q->count; order += q->waves[w++].members_count) {
		for (size_t i = 0; i < q->waves[w].members_count; i++)
			order[i] = (uint32_t)q->waves[w].members[i];
		place_wave(l, w, order);
	}
	for (int sweep = 0; sweep < SWEEPS; sweep++) {
		order = l->order;
		for (size_t w = 0; w < q->count; order += q->waves[w++].members_count)
			sweep_wave(l, w, order, &q->graph.by_second);
		for (size_t w = q->count; w-- > 0;) {
			order -= q->waves[w].members_count;
			sweep_wave(l, w, order, &q->graph.by_first);
		}
	}
}

void layout_make(const struct sequence *q, struct arena *arena, struct layout *ret)
{
	bool compact = q->graph.nodes > ROOMY_NODES_MAX;
	struct layout layout = {.compact = compact};
	struct laying l = {.q = q,
		.shape = compact ? &tight : &roomy,
		.layout = &layout,
		.columns = choose_columns(q, compact)};

	layout.box_width = l.shape->box_width;
	layout.box_height = l.shape->box_height;
	layout.gap_x = l.shape->gap_x;
	layout.gap_y = l.shape->gap_y;
	layout.pad = l.shape->pad;
	layout.width = LAYOUT_LEFT + (int)l.columns * (l.shape->box_width + l.shape->gap_x) +
		       2 * l.shape->gap_x;
	layout.boxes = arena_calloc(arena, q->graph.nodes + 1, sizeof *layout.boxes);
	layout.bands = arena_calloc(arena, q->count + 1, sizeof *layout.bands);
	l.order = arena_calloc(arena, q->graph.nodes + 1, sizeof *l.order);
	l.wish = arena_calloc(arena, q->graph.nodes + 1, sizeof *l.wish);
	make_bands(&l);
	arrange(&l);
	ENSURE(layout.width > LAYOUT_LEFT);
	*ret = layout;
}
