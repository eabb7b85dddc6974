#include "fixture.h"

#include "plan/impact.h"
#include "random_sequence.h"

#define SERVICES                                                                                   \
	"services:\n  reports: {reads: [orders]}\n  web: {writes: [orders], reads: [orders]}\n"    \
	"  edge: {tier: entry, needs: [web]}\n  lone: {tier: support}\n"

static void blast_reaches_all_that_depend(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD SERVICES);
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;
	struct impact im;
	uint32_t *nodes;

	(void)state;
	sequence_make(f.plan, &arena, &q);
	impact_init(&im, &q, &arena);
	assert_int_equal(impact_beyond(&im, &q.waves[0], &arena, &nodes), 0);
	assert_int_equal(impact_beyond(&im, &q.waves[2], &arena, &nodes), 3);
	assert_string_equal(plan_node_name(f.plan, nodes[0]), "edge");
	assert_string_equal(plan_node_name(f.plan, nodes[1]), "reports");
	assert_string_equal(plan_node_name(f.plan, nodes[2]), "web");
	assert_int_equal(impact_radius(&im, &q.waves[2]), 4);
	assert_int_equal(impact_beyond(&im, &q.waves[3], &arena, &nodes), 1);
}

/* What another cutting would cost, on a plan where it can be counted by hand. */
static void rejected_cuttings_are_counted(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD SERVICES);
	ARENA_AUTO arena = ARENA_INIT;
	struct impact_merged m;
	struct impact_split s;
	struct impact im;
	struct sequence q;

	(void)state;
	/* lone | reports | orders | web | edge */
	sequence_make(f.plan, &arena, &q);
	impact_init(&im, &q, &arena);
	m = impact_merge(&im, &q, 3);
	assert_int_equal(m.broken, 2); /* web reads and writes orders */
	assert_true(m.stages);
	assert_int_equal(m.radius, 4);
	assert_int_equal(m.stores, 1);
	m = impact_merge(&im, &q, 1);
	assert_int_equal(m.broken, 0);
	assert_null(m.first);
	assert_int_equal(m.radius, 2);
	s = impact_split(&im, &q, &q.waves[0]);
	assert_int_equal(s.parts, 1);
}

/* The slow and obvious way: from each member, along everything that talks. */
static void spread(const struct graph *g, uint32_t node, bool *feels)
{
	if (feels[node])
		return;
	feels[node] = true;
	for (size_t i = 0; i < g->count; i++)
		if (g->edges[i].to == node && g->edges[i].kind & EDGE_TALKS)
			spread(g, g->edges[i].from, feels);
}

static void check_blasts(const struct sequence *q, struct arena *arena, size_t *seen)
{
	struct impact im;

	impact_init(&im, q, arena);
	for (size_t n = 0; n < q->count; n++) {
		bool feels[32] = {false};
		uint32_t *nodes;
		size_t count = impact_beyond(&im, &q->waves[n], arena, &nodes), all = 0;

		for (size_t m = 0; m < q->waves[n].members_count; m++)
			spread(&q->graph, (uint32_t)q->waves[n].members[m], feels);
		for (size_t node = 0; node < q->graph.nodes; node++)
			all += feels[node];
		assert_int_equal(count + q->waves[n].members_count, all);
		for (size_t i = 0; i < count; i++, *seen += 1)
			assert_true(feels[nodes[i]]);
	}
}

static void random_blasts_are_complete(void **state)
{
	size_t seen = 0;

	(void)state;
	each_random_sequence(200, check_blasts, &seen);
	assert_true(seen > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blast_reaches_all_that_depend),
		cmocka_unit_test(rejected_cuttings_are_counted),
		cmocka_unit_test(random_blasts_are_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
