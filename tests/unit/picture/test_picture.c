/* Layout, SVG, DOT and text of random plans, large and small. */
#include "../plan/fixture.h"

#include "../plan/random_plan.h"
#include <stdio.h>

#include "picture/layout.h"
#include "picture/picture.h"
#include "picture/wire.h"

struct world {
	struct arena arena;
	struct fixture f;
	struct sequence q;
	struct crossings crossings;
};

#define WORLD_AUTO __attribute__((cleanup(world_fini))) struct world

static void world_fini(struct world *w)
{
	fixture_fini(&w->f);
	arena_fini(&w->arena);
}

static struct world world_of(const char *text)
{
	struct world w = {.f = fixture_parse(text)};

	assert_non_null(w.f.plan);
	sequence_make(w.f.plan, &w.arena, &w.q);
	crossings_find(&w.q, &w.arena, &w.crossings);
	return w;
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;

	for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
		count++;
	return count;
}

static bool apart(const struct layout *l, const struct layout_box *a, const struct layout_box *b)
{
	return a->x + l->box_width < b->x || b->x + l->box_width < a->x ||
	       a->y + l->box_height < b->y || b->y + l->box_height < a->y;
}

static void check_layout(const struct world *w)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct layout l;

	layout_make(&w->q, &arena, &l);
	for (size_t n = 0; n < w->q.graph.nodes; n++) {
		const struct layout_box *box = &l.boxes[n];
		const struct layout_band *band = &l.bands[w->q.wave_of[n] - 1];

		assert_in_range(box->x, LAYOUT_LEFT, l.width - l.box_width);
		assert_in_range(box->y, band->y, band->y + band->height - l.box_height);
		for (size_t o = 0; o < n; o++)
			assert_true(apart(&l, box, &l.boxes[o]));
	}
}

/* ---- edges ---- */

struct walk {
	const struct world *w;
	const struct layout *l;
	const struct tie *edge;
	size_t looked;
};

static bool is_inside(const struct layout *l, const struct layout_box *box, double x, double y)
{
	return x > box->x && x < box->x + l->box_width && y > box->y && y < box->y + l->box_height;
}

/* No box but the two that it ties. */
static void touches_nobody(struct walk *walk, double x, double y)
{
	const struct layout *l = walk->l;

	assert_true(x > 0 && x < l->width && y >= 0 && y <= l->height);
	for (uint32_t n = 0; n < walk->w->q.graph.nodes; n++)
		if (is_inside(l, &l->boxes[n], x, y))
			fail_msg("%s -> %s goes behind %s",
				plan_node_name(walk->w->f.plan, walk->edge->from),
				plan_node_name(walk->w->f.plan, walk->edge->to),
				plan_node_name(walk->w->f.plan, n));
	walk->looked++;
}

static double bezier(double t, const double *p, size_t axis)
{
	double u = 1 - t;

	return u * u * u * p[axis] + 3 * u * u * t * p[2 + axis] + 3 * u * t * t * p[4 + axis] +
	       t * t * t * p[6 + axis];
}

static void follow(struct walk *walk, const char *path)
{
	double p[8] = {0};
	int used;

	assert_int_equal(sscanf(path, "M%lf %lf%n", &p[0], &p[1], &used), 2);
	for (path += used; *path; path += used) {
		if (sscanf(path, "C%lf %lf %lf %lf %lf %lf%n", &p[2], &p[3], &p[4], &p[5], &p[6],
			    &p[7], &used) == 6) {
			for (int i = 0; i <= 40; i++)
				touches_nobody(
					walk, bezier(i / 40.0, p, 0), bezier(i / 40.0, p, 1));
			p[0] = p[6];
			p[1] = p[7];
			continue;
		}
		assert_int_equal(sscanf(path, "V%lf%n", &p[7], &used), 1);
		for (int i = 0; i <= 40; i++)
			touches_nobody(walk, p[0], p[1] + (p[7] - p[1]) * i / 40.0);
		p[1] = p[7];
	}
}

/* Its ends are at its two boxes, and between them it passes beside all others.  Those of one row
 * go below it, whatever stands there. */
static size_t check_wires(const struct world *w)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct layout l;
	struct walk walk = {.w = w, .l = &l};

	layout_make(&w->q, &arena, &l);
	for (size_t i = 0; i < w->q.graph.count; i++) {
		BUF_AUTO path = BUF_INIT;

		walk.edge = &w->q.graph.edges[i];
		wire_path(&w->q, &l, i, &path);
		if (l.boxes[walk.edge->from].y != l.boxes[walk.edge->to].y)
			follow(&walk, buf_str(&path));
	}
	return walk.looked;
}

/* One box for each node, one path for each edge, one band for each wave. */
static void check_svg(const struct world *w)
{
	const struct picture_look look = {.alone = true};
	BUF_AUTO out = BUF_INIT;
	size_t together = 0;

	picture_svg(&w->q, &w->crossings, &look, &out);
	for (size_t i = 0; i < w->q.graph.count; i++)
		together += w->q.graph.edges[i].kind == EDGE_TOGETHER;
	assert_int_equal(count_of(buf_str(&out), "<rect class=\"box"), w->q.graph.nodes);
	assert_int_equal(count_of(buf_str(&out), "<path id="), w->q.graph.count - together / 2);
	assert_int_equal(count_of(buf_str(&out), "<rect class=\"band\""), w->q.count);
	assert_int_equal(count_of(buf_str(&out), "<g"), count_of(buf_str(&out), "</g>"));
	assert_int_equal(count_of(buf_str(&out), "<script"), 0);
	assert_int_equal(count_of(buf_str(&out), "http"), 1); /* the name space */
}

static void check_dot(const struct world *w)
{
	BUF_AUTO out = BUF_INIT;

	picture_dot(&w->q, &w->crossings, &out);
	assert_int_equal(count_of(buf_str(&out), "subgraph"), w->q.count);
	assert_int_equal(count_of(buf_str(&out), "penwidth=2"), w->crossings.accidents);
	for (size_t n = 0; n < w->q.graph.nodes; n++)
		assert_non_null(strstr(buf_str(&out), plan_node_name(w->f.plan, n)));
}

static void check_text(const struct world *w)
{
	BUF_AUTO out = BUF_INIT;

	picture_text(&w->q, &w->crossings, &out);
	for (const char *line = buf_str(&out); *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
	assert_int_equal(
		strstr(buf_str(&out), "! NOT DECLARED") != NULL, w->crossings.accidents > 0);
}

static void random_plans_are_drawn(void **state)
{
	size_t overridden = 0, looked = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		BUF_AUTO text = BUF_INIT;

		random_plan(seed, &text);
		random_overrides(seed, &text);
		FIXTURE_AUTO probe = fixture_parse(buf_str(&text));
		if (!probe.plan)
			continue;
		WORLD_AUTO w = world_of(buf_str(&text));
		check_layout(&w);
		looked += check_wires(&w);
		check_svg(&w);
		check_dot(&w);
		check_text(&w);
		overridden++;
	}
	assert_true(overridden > 40);
	assert_true(looked > 10000);
}

/* 300 nodes: boxes are small and none lies on another, a line of names is cut and says so. */
static void three_hundred_nodes_are_drawn(void **state)
{
	BUF_AUTO text = BUF_INIT;
	BUF_AUTO out = BUF_INIT;

	(void)state;
	buf_puts(&text, HEAD "services:\n");
	for (int i = 0; i < 299; i++)
		buf_printf(&text, "  a-service-%03d: {%s: [orders]%s}\n", i,
			i % 3 ? "reads" : "writes", i % 7 == 6 ? ", needs: [a-service-000]" : "");
	WORLD_AUTO w = world_of(buf_str(&text));
	assert_int_equal(w.q.graph.nodes, 300);
	check_layout(&w);
	assert_true(check_wires(&w) > 10000);
	check_svg(&w);
	check_text(&w);
	picture_text(&w.q, &w.crossings, &out);
	assert_contains(buf_str(&out), " and ");
	assert_contains(buf_str(&out), " more, in the lists of the waves");
}

static void what_is_declared_and_what_is_not_look_different(void **state)
{
	WORLD_AUTO w =
		world_of(HEAD "services:\n  api: {writes: [orders]}\n  web: {writes: [orders]}\n"
			      "overlap: [{from: api, to: orders, because: x, at_most: 1m}]\n");
	const char *const writes[] = {"old"};
	const struct picture_look look = {.writes = writes};
	BUF_AUTO svg = BUF_INIT;
	BUF_AUTO text = BUF_INIT;

	(void)state;
	picture_svg(&w.q, &w.crossings, &look, &svg);
	assert_contains(buf_str(&svg), "class=\"writes meant\"");
	assert_contains(buf_str(&svg), "api writes orders, crosses, declared");
	assert_contains(buf_str(&svg), "class=\"writes accident\"");
	assert_contains(buf_str(&svg), "web writes orders, crosses, NOT DECLARED");
	assert_contains(buf_str(&svg), "postgresql, writes: old");
	assert_null(strstr(buf_str(&svg), "xmlns"));
	picture_text(&w.q, &w.crossings, &text);
	assert_contains(buf_str(&text), "api -> orders                           =.\n");
	assert_contains(buf_str(&text), "web -> orders                           !.\n");
}

/* A long name keeps its end, by which it differs; a wide one stays inside its box. */
static void long_names_fit_their_boxes(void **state)
{
	WORLD_AUTO w = world_of(HEAD "services:\n  a-service-of-the-north-1: {writes: [orders]}\n"
				     "  a-service-of-the-north-2: {writes: [orders]}\n"
				     "  WWWWWWWWWWWWWWWWWW: {writes: [orders]}\n");
	const struct picture_look look = {0};
	BUF_AUTO svg = BUF_INIT;

	(void)state;
	picture_svg(&w.q, &w.crossings, &look, &svg);
	assert_contains(buf_str(&svg), ">a-service-of…orth-1</text>");
	assert_contains(buf_str(&svg), ">a-service-of…orth-2</text>");
	assert_contains(buf_str(&svg), "font-size=\"7.11\" font-weight=\"600\" "
				       "text-anchor=\"middle\">WWWWWWWWWWWWWWWWWW<");
	assert_contains(buf_str(&svg),
		"font-size=\"13\" font-weight=\"600\" text-anchor=\"middle\">orders<");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_plans_are_drawn),
		cmocka_unit_test(three_hundred_nodes_are_drawn),
		cmocka_unit_test(long_names_fit_their_boxes),
		cmocka_unit_test(what_is_declared_and_what_is_not_look_different),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
