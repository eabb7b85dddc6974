#include "fixture.h"

#include "plan/gravity.h"

static void what_nobody_measured_is_unknown(void **state)
{
	struct gravity_store seen;
	struct gravity g = gravity_of(NULL, 3);

	(void)state;
	assert_false(g.complete);
	assert_true(g.size < 0 && g.rate < 0 && g.strangers < 0);
	assert_float_equal(g.writers, 2, 1e-9);
	assert_float_equal(g.sum, 2, 1e-9);
	gravity_store_init(&seen);
	assert_false(gravity_of(&seen, 0).complete);
	assert_float_equal(gravity_of(&seen, 0).sum, 0, 1e-9);
}

static void the_parts_add_up(void **state)
{
	struct gravity_store seen = {.measured_at_ms = 1,
		.bytes = 1LL << 30,
		.rows_written_s = 1000,
		.xacts_s = 10,
		.writers = 4,
		.writers_declared = 3};
	struct gravity g = gravity_of(&seen, 2);

	(void)state;
	assert_true(g.complete);
	assert_float_equal(g.size, 3.0103, 1e-3);
	assert_float_equal(g.rate, 3, 1e-9);
	assert_float_equal(g.writers, 3, 1e-9);
	assert_float_equal(g.strangers, 2, 1e-9);
	assert_float_equal(g.sum, g.size + g.rate + g.writers + g.strangers, 1e-9);
}

/* More of anything never weighs less. */
static void more_state_is_more_gravity(void **state)
{
	struct gravity_store seen = {.measured_at_ms = 1,
		.bytes = 5 << 20,
		.rows_written_s = 2,
		.writers = 1,
		.writers_declared = 1};
	double before = gravity_of(&seen, 1).sum;

	(void)state;
	seen.bytes *= 2;
	assert_true(gravity_of(&seen, 1).sum > before);
	before = gravity_of(&seen, 1).sum;
	seen.rows_written_s *= 2;
	assert_true(gravity_of(&seen, 1).sum > before);
	before = gravity_of(&seen, 1).sum;
	seen.writers++;
	assert_true(gravity_of(&seen, 1).sum > before + 2);
}

static void writers_are_counted_in_the_plan(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "services:\n  web: {writes: [orders]}\n"
					    "  api: {writes: [orders]}\n  r: {reads: [orders]}\n");

	(void)state;
	assert_non_null(f.plan);
	assert_int_equal(gravity_declared_writers(f.plan, 0), 2);
}

static void an_edge_costs_calls_times_round_trips(void **state)
{
	struct gravity_edge edges[] = {
		{.from = 1, .to = 0, .calls_s = 40, .round_trip_added_ms = 2.5},
		{.from = 2, .to = 0, .calls_s = GRAVITY_UNKNOWN, .round_trip_added_ms = 2.5}};
	struct gravity_book book = {.edges = edges, .edges_count = 2};

	(void)state;
	assert_float_equal(gravity_edge_cost_ms(gravity_edge_seen(&book, 1, 0)), 100, 1e-9);
	assert_true(gravity_edge_cost_ms(gravity_edge_seen(&book, 2, 0)) < 0);
	assert_null(gravity_edge_seen(&book, 0, 1));
	assert_true(gravity_edge_cost_ms(NULL) < 0);
	assert_null(gravity_seen(&book, 0));
	assert_null(gravity_seen(NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nobody_measured_is_unknown),
		cmocka_unit_test(the_parts_add_up),
		cmocka_unit_test(more_state_is_more_gravity),
		cmocka_unit_test(writers_are_counted_in_the_plan),
		cmocka_unit_test(an_edge_costs_calls_times_round_trips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
