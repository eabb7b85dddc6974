#include "fixture.h"

#include "plan/sequence.h"
#include "random_plan.h"

#define SERVICES                                                                                   \
	"services:\n  reports: {reads: [orders]}\n  web: {writes: [orders], reads: [orders]}\n"    \
	"  edge: {tier: entry, needs: [web]}\n  lone: {tier: support}\n"

static void crossings_are_listed_once_and_told_apart(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		HEAD SERVICES "overlap: [{from: web, to: orders, because: x, at_most: 1m}]\n");
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;

	(void)state;
	sequence_make(f.plan, &arena, &q);
	/* lone | reports | orders | web | edge */
	assert_int_equal(q.count, 5);
	assert_int_equal(q.waves[0].crossings_count, 0);
	assert_int_equal(q.waves[1].crossings_count, 1);
	assert_string_equal(plan_node_name(f.plan, q.waves[1].crossings[0].from), "reports");
	assert_false(q.waves[1].crossings[0].intended);
	assert_int_equal(q.waves[2].crossings_count, 1);
	assert_string_equal(plan_node_name(f.plan, q.waves[2].crossings[0].from), "web");
	assert_true(q.waves[2].crossings[0].intended);
	assert_int_equal(q.waves[4].crossings_count, 0);
}

static void blast_reaches_all_that_depend(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD SERVICES);
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;

	(void)state;
	sequence_make(f.plan, &arena, &q);
	assert_int_equal(q.waves[0].blast_count, 0);
	assert_int_equal(q.waves[2].blast_count, 3);
	assert_string_equal(plan_node_name(f.plan, q.waves[2].blast[0]), "edge");
	assert_string_equal(plan_node_name(f.plan, q.waves[2].blast[1]), "reports");
	assert_string_equal(plan_node_name(f.plan, q.waves[2].blast[2]), "web");
	assert_int_equal(q.waves[3].blast_count, 1);
}

static bool holds(const size_t *nodes, size_t count, size_t node)
{
	for (size_t i = 0; i < count; i++)
		if (nodes[i] == node)
			return true;
	return false;
}

/* After wave n, a crossing has one end among waves 1..n and the other beyond. */
static void crossings_cross(void **state)
{
	size_t seen = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		BUF_AUTO text = BUF_INIT;
		ARENA_AUTO arena = ARENA_INIT;
		bool moved[32] = {false};
		struct sequence q;

		random_plan(seed, &text);
		FIXTURE_AUTO f = fixture_parse(buf_str(&text));
		sequence_make(f.plan, &arena, &q);
		for (size_t n = 0; n < q.count; n++) {
			const struct wave *w = &q.waves[n];

			for (size_t m = 0; m < w->members_count; m++)
				moved[w->members[m]] = true;
			for (size_t c = 0; c < w->crossings_count; c++, seen++)
				assert_int_not_equal(
					moved[w->crossings[c].from], moved[w->crossings[c].to]);
			for (size_t b = 0; b < w->blast_count; b++)
				assert_false(holds(w->members, w->members_count, w->blast[b]));
		}
	}
	assert_true(seen > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crossings_are_listed_once_and_told_apart),
		cmocka_unit_test(blast_reaches_all_that_depend),
		cmocka_unit_test(crossings_cross),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
