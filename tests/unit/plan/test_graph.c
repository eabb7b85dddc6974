#include "fixture.h"

#include "plan/graph.h"
#include "random_plan.h"

static void edges_know_who_moves_first(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "services:\n  reports: {reads: [orders]}\n"
					    "  web: {writes: [orders], needs: [reports]}\n");
	ARENA_AUTO arena = ARENA_INIT;
	struct graph g;

	(void)state;
	graph_make(f.plan, &arena, &g);
	assert_int_equal(g.nodes, 3);
	assert_int_equal(g.count, 3);
	/* 0 orders, 1 reports, 2 web */
	assert_int_equal(tie_first(&g.edges[0]), 1);
	assert_int_equal(tie_second(&g.edges[0]), 0);
	assert_int_equal(tie_first(&g.edges[1]), 0);
	assert_int_equal(tie_second(&g.edges[1]), 2);
	assert_int_equal(tie_first(&g.edges[2]), 1);
	assert_int_equal(g.by_to.start[1] - g.by_to.start[0], 2);
	assert_int_equal(g.by_first.start[2] - g.by_first.start[1], 2);
}

/* The slow and obvious way: reachability by repeated squaring of a matrix. */
static void reachable(const struct graph *g, int kinds, bool reach[32][32])
{
	memset(reach, 0, 32 * sizeof *reach);
	for (size_t i = 0; i < g->count; i++)
		if (g->edges[i].kind & kinds)
			reach[tie_first(&g->edges[i])][tie_second(&g->edges[i])] = true;
	for (size_t k = 0; k < g->nodes; k++)
		for (size_t i = 0; i < g->nodes; i++)
			for (size_t j = 0; j < g->nodes; j++)
				reach[i][j] |= reach[i][k] && reach[k][j];
}

static void components_are_the_circles(void **state)
{
	size_t circles = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		BUF_AUTO text = BUF_INIT;
		ARENA_AUTO arena = ARENA_INIT;
		bool reach[32][32];
		uint32_t component[32];
		struct graph g;

		random_plan(seed, &text);
		FIXTURE_AUTO f = fixture_parse(buf_str(&text));
		assert_non_null(f.plan);
		graph_make(f.plan, &arena, &g);
		assert_true(g.nodes <= 32);
		graph_components(&g, EDGE_ALL, &arena, component);
		reachable(&g, EDGE_ALL, reach);
		for (size_t i = 0; i < g.nodes; i++)
			for (size_t j = 0; j < g.nodes; j++) {
				bool circle = i == j || (reach[i][j] && reach[j][i]);

				assert_int_equal(component[i] == component[j], circle);
				circles += i < j && circle;
			}
	}
	/* Otherwise the loop above proved little. */
	assert_true(circles > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edges_know_who_moves_first),
		cmocka_unit_test(components_are_the_circles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
