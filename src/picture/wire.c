#include "picture/wire.h"

#include <stdlib.h>

#include "base/check.h"

#define TIP 2 /* between an arrow's end and its box */
#define BEND 28

struct way {
	const struct sequence *q;
	const struct layout *l;
	struct buf *out;
	size_t edge;
	int x, y;   /* where it has come to */
	int to_x;   /* where it is to arrive */
	int from_x; /* where it began */
	int begin_y, end_y;
	bool down;
};

/* Ends of several edges beside each other, not on one point. */
static int spread(const struct layout *l, uint32_t node)
{
	int room = l->box_width / 3;

	return (int)((node * 13u) % (uint32_t)room) - room / 2;
}

/* It leaves and arrives upright. */
static void curve_to(struct way *w, int x, int y)
{
	int middle = w->y + (y - w->y) / 2;

	buf_printf(w->out, "C%d %d %d %d %d %d", w->x, middle, x, middle, x, y);
	w->x = x;
	w->y = y;
}

static void straight_to(struct way *w, int y)
{
	if (y != w->y)
		buf_printf(w->out, "V%d", y);
	w->y = y;
}

/* Where the straight line between its ends is at this height. */
static int wish_at(const struct way *w, int y)
{
	int high = w->end_y - w->begin_y;

	return high == 0 ? w->to_x
			 : w->from_x +
				   (int)((int64_t)(w->to_x - w->from_x) * (y - w->begin_y) / high);
}

/* Beside the columns of a band where there is room, else the nearest gap between two of them; edges
 * that share one lie beside each other. */
static int gap_at(const struct way *w, const struct layout_band *band, int wish)
{
	int step = w->l->box_width + w->l->gap_x, first = band->left - w->l->gap_x / 2;
	int last = first + (int)band->columns * step, room = w->l->gap_x - 4;
	int aside = (int)(w->edge * 5 % (size_t)room) - room / 2;

	if (wish <= first || wish >= last)
		return wish;
	return first + (wish - first + step / 2) / step * step + aside;
}

/* Past the rows of a band from where it enters to where it is left; both outside of its boxes. */
static void pass(struct way *w, const struct layout_band *band, int enter, int leave)
{
	int middle = enter + (leave - enter) / 2;

	curve_to(w, gap_at(w, band, wish_at(w, middle)), enter);
	straight_to(w, leave);
}

/* The edges of the boxes of a row, or of a band, as they are met on the way. */
static int near_side(const struct way *w, int top, int height)
{
	return w->down ? top : top + height;
}

static int far_side(const struct way *w, int top, int height)
{
	return w->down ? top + height : top;
}

static int band_top(const struct way *w, size_t band)
{
	return w->l->bands[band].y + w->l->pad;
}

static int band_height(const struct way *w, size_t band)
{
	return w->l->bands[band].height - 2 * w->l->pad;
}

/* From a box to the next row, or to a row from the last one: half of what is between rows. */
static int row_gap(const struct way *w)
{
	return w->down ? w->l->gap_y / 2 : -w->l->gap_y / 2;
}

/* Out of the rows that its own band has behind it. */
static void leave_band(struct way *w, size_t band, int box_y)
{
	int end = far_side(w, band_top(w, band), band_height(w, band));

	if (far_side(w, box_y, w->l->box_height) != end)
		pass(w, &w->l->bands[band], w->y + row_gap(w), end);
}

/* Into the rows of the band in which it ends. */
static void enter_band(struct way *w, size_t band, int box_y)
{
	int begin = near_side(w, band_top(w, band), band_height(w, band));
	int own = near_side(w, box_y, w->l->box_height);

	if (own != begin)
		pass(w, &w->l->bands[band], begin, own - row_gap(w));
}

/* Two of one wave: below both when they stand in one row, else past the rows between. */
static void within_band(struct way *w, size_t band, int a_y, int b_y)
{
	int high = w->l->box_height;

	if (a_y == b_y) {
		int y = a_y + high;

		buf_printf(w->out, "C%d %d %d %d %d %d", w->x, y + BEND, w->to_x, y + BEND, w->to_x,
			y + TIP);
		return;
	}
	if (abs(b_y - a_y) > high + w->l->gap_y)
		pass(w, &w->l->bands[band], w->y + row_gap(w),
			near_side(w, b_y, high) - row_gap(w));
	curve_to(w, w->to_x, w->end_y);
}

static void across_bands(struct way *w, size_t from, size_t to, int a_y, int b_y)
{
	leave_band(w, from, a_y);
	for (size_t band = from; band != to;) {
		band = w->down ? band + 1 : band - 1;
		if (band != to)
			pass(w, &w->l->bands[band],
				near_side(w, band_top(w, band), band_height(w, band)),
				far_side(w, band_top(w, band), band_height(w, band)));
	}
	enter_band(w, to, b_y);
	curve_to(w, w->to_x, w->end_y);
}

void wire_path(const struct sequence *q, const struct layout *l, size_t i, struct buf *out)
{
	const struct tie *edge = &q->graph.edges[i];
	const struct layout_box *a = &l->boxes[edge->from], *b = &l->boxes[edge->to];
	size_t from = q->wave_of[edge->from] - 1, to = q->wave_of[edge->to] - 1;
	struct way w = {.q = q, .l = l, .out = out, .edge = i, .down = a->y < b->y};

	REQUIRE(i < q->graph.count);
	w.x = w.from_x = a->x + l->box_width / 2 + spread(l, edge->to);
	w.to_x = b->x + l->box_width / 2 + spread(l, edge->from);
	w.y = w.begin_y = w.down || a->y == b->y ? a->y + l->box_height : a->y;
	w.end_y = w.down ? b->y - TIP : b->y + l->box_height + TIP;
	buf_printf(out, "M%d %d", w.x, w.y);
	if (from == to)
		within_band(&w, from, a->y, b->y);
	else
		across_bands(&w, from, to, a->y, b->y);
}
