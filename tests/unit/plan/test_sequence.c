#include "fixture.h"

#include "plan/graph.h"
#include "plan/sequence.h"
#include "random_plan.h"

static void the_design_order(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "services:\n  identity: {tier: support}\n"
					    "  reports: {reads: [orders]}\n"
					    "  worker: {tier: replayable, writes: [orders]}\n"
					    "  api: {writes: [orders], needs: [identity]}\n"
					    "  web: {writes: [orders], after: [api]}\n");
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;
	static const char *const want[][3] = {
		{"identity"}, {"reports", "worker"}, {"orders"}, {"api"}, {"web"}};

	(void)state;
	sequence_make(f.plan, &arena, &q);
	assert_int_equal(q.count, 5);
	for (size_t n = 0; n < q.count; n++) {
		assert_int_equal(q.waves[n].n, n + 1);
		for (size_t m = 0; m < q.waves[n].members_count; m++)
			assert_string_equal(
				plan_node_name(f.plan, q.waves[n].members[m]), want[n][m]);
	}
	assert_int_equal(q.waves[1].tier, TIER_REPLAYABLE);
	assert_int_equal(q.waves[2].decider, 0);
	assert_int_equal(q.waves[3].decider, PLAN_NONE);
}

static void a_circle_is_one_wave(void **state)
{
	FIXTURE_AUTO f =
		fixture_parse(HEAD "services:\n  web: {tier: entry, writes: [orders]}\n"
				   "  reports: {tier: read-only, reads: [orders], needs: [web]}\n");
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;

	(void)state;
	sequence_make(f.plan, &arena, &q);
	assert_int_equal(q.count, 1);
	assert_int_equal(q.waves[0].members_count, 3);
	assert_int_equal(q.waves[0].decider, 0);
	assert_int_equal(q.waves[0].tier, TIER_ENTRY);
	assert_contains(q.waves[0].why[1], "one cutover");
	assert_int_equal(q.waves[0].crossings_count, 0);
}

static void find_waves(const struct sequence *q, size_t nodes, size_t *wave_of)
{
	memset(wave_of, 0, nodes * sizeof *wave_of);
	for (size_t n = 0; n < q->count; n++) {
		assert_true(q->waves[n].members_count > 0);
		for (size_t m = 0; m < q->waves[n].members_count; m++) {
			/* Every node moves once. */
			assert_int_equal(wave_of[q->waves[n].members[m]], 0);
			wave_of[q->waves[n].members[m]] = n + 1;
			assert_true(strlen(q->waves[n].why[m]) > 10);
		}
	}
	for (size_t node = 0; node < nodes; node++)
		assert_true(wave_of[node] > 0);
}

static void check_random(uint64_t seed, size_t *ret_shared)
{
	BUF_AUTO text = BUF_INIT;
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;
	struct graph g;
	size_t wave_of[32], component[32];

	random_plan(seed, &text);
	FIXTURE_AUTO f = fixture_parse(buf_str(&text));
	assert_non_null(f.plan);
	sequence_make(f.plan, &arena, &q);
	graph_make(f.plan, &arena, &g);
	find_waves(&q, g.nodes, wave_of);
	graph_components(&g, EDGE_ALL, &arena, component);
	for (size_t i = 0; i < g.count; i++) {
		size_t first = edge_first(&g.edges[i]), second = edge_second(&g.edges[i]);

		/* Never against a dependency; together only on a circle. */
		if (component[first] == component[second]) {
			assert_int_equal(wave_of[first], wave_of[second]);
			*ret_shared += 1;
		} else {
			assert_true(wave_of[first] < wave_of[second]);
		}
	}
}

static void random_plans_are_ordered(void **state)
{
	size_t shared = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 500; seed++)
		check_random(seed, &shared);
	assert_true(shared > 100);
}

static void independent_parts_share_waves(void **state)
{
	BUF_AUTO text = BUF_INIT;
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;
	double begin;

	(void)state;
	buf_puts(&text, HEAD "services:\n");
	for (int i = 0; i < PLAN_MEMBERS_MAX - 1; i++)
		buf_printf(&text, "  s%d: {%s: [orders]}\n", i, i % 2 ? "reads" : "writes");
	FIXTURE_AUTO f = fixture_parse(buf_str(&text));
	assert_non_null(f.plan);
	begin = cpu_seconds();
	sequence_make(f.plan, &arena, &q);
	assert_true(cpu_seconds() - begin < 1);
	assert_int_equal(q.count, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_design_order),
		cmocka_unit_test(a_circle_is_one_wave),
		cmocka_unit_test(random_plans_are_ordered),
		cmocka_unit_test(independent_parts_share_waves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
