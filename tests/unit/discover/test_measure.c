/* What is made of counters, calls and round trips; pure. */
#include "../testing.h"

#include <math.h>

#include "discover/measure.h"

#define ABOUT(value, wanted) assert_true(fabs((value) - (wanted)) < 1e-6)

static void rates_are_differences_less_our_own(void **state)
{
	const struct measure_counters first = {.at_us = 1000000, .rows_written = 10, .xacts = 100},
				      last = {.at_us = 3000000,
					      .bytes = 7,
					      .rows_written = 50,
					      .xacts = 160},
				      reset = {.at_us = 3000000, .rows_written = 3, .xacts = 4};
	struct gravity_store seen;

	(void)state;
	gravity_store_init(&seen);
	measure_rates(&first, &last, 20, &seen);
	assert_int_equal(seen.bytes, 7);
	assert_int_equal(seen.watched_ms, 2000);
	ABOUT(seen.rows_written_s, 20);
	ABOUT(seen.xacts_s, 20);
	measure_rates(&first, &last, 1000, &seen);
	ABOUT(seen.xacts_s, 0);
	measure_rates(&first, &reset, 0, &seen);
	ABOUT(seen.rows_written_s, GRAVITY_UNKNOWN);
	ABOUT(seen.xacts_s, GRAVITY_UNKNOWN);
	measure_rates(&first, &first, 0, &seen);
	ABOUT(seen.xacts_s, GRAVITY_UNKNOWN);
}

/* Only what was estimated is raised: a counted rate is a fact. */
static void a_transaction_is_a_call_at_least(void **state)
{
	struct measure_caller rows[] = {{.calls_s = 10}, {.calls_s = 50, .estimated_s = 40}};
	struct measure_callers c = {.rows = rows, .count = 2};

	(void)state;
	measure_calls_raise(&c, 30);
	measure_calls_raise(&c, GRAVITY_UNKNOWN);
	ABOUT(rows[1].calls_s, 50);
	measure_calls_raise(&c, 420);
	ABOUT(rows[0].calls_s, 10);
	ABOUT(rows[1].calls_s, 410);
	ABOUT(rows[1].estimated_s, 400);
	c.count = 1;
	measure_calls_raise(&c, 1000);
	ABOUT(rows[0].calls_s, 10);
}

static void between_the_sides(void **state)
{
	struct measure_distance d = {.here = {0.2, 30}, .link = GRAVITY_UNKNOWN};

	(void)state;
	ABOUT(measure_added_at_most(&d), 30.2);
	ABOUT(measure_added_at_least(&d), 29.8);
	d = (struct measure_distance){.here = {40, 40}, .link = 1.5};
	ABOUT(measure_added_at_most(&d), 1.5);
	ABOUT(measure_added_at_least(&d), 0);
	d.link = 500; /* a subscriber that is busy is not far away */
	ABOUT(measure_added_at_most(&d), 80);
	d = (struct measure_distance){.here = {40, GRAVITY_UNKNOWN}, .link = GRAVITY_UNKNOWN};
	ABOUT(measure_added_at_most(&d), GRAVITY_UNKNOWN);
	ABOUT(measure_added_at_least(&d), GRAVITY_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_differences_less_our_own),
		cmocka_unit_test(a_transaction_is_a_call_at_least),
		cmocka_unit_test(between_the_sides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
