/* How old the oldest missing thing is, from positions alone. */
#include "../testing.h"

#include <stdint.h>

#include "guard/lag.h"

static void nothing_is_missing(void **state)
{
	struct lag b = {0};

	(void)state;
	assert_int_equal(lag_note(&b, 100, 100, 1000), 0);
	assert_int_equal(lag_note(&b, 500, 500, 9000), 0);
	assert_int_equal(b.count, 0);
}

static void a_link_that_hangs_grows_older(void **state)
{
	struct lag b = {0};

	(void)state;
	assert_int_equal(lag_note(&b, 200, 100, 1000), 0);
	assert_int_equal(lag_note(&b, 200, 100, 4000), 3000);
	assert_int_equal(lag_note(&b, 900, 100, 9000), 8000);
}

static void what_arrived_is_forgotten(void **state)
{
	struct lag b = {0};

	(void)state;
	assert_int_equal(lag_note(&b, 200, 100, 1000), 0);
	assert_int_equal(lag_note(&b, 300, 100, 2000), 1000);
	assert_int_equal(lag_note(&b, 400, 250, 3000), 1000); /* 300 was sampled at 2000 */
	assert_int_equal(lag_note(&b, 400, 400, 4000), 0);
}

static void a_full_memory_keeps_the_oldest(void **state)
{
	struct lag b = {0};
	int64_t last = 0;

	(void)state;
	for (int i = 0; i < 10 * LAG_SAMPLES; i++)
		last = lag_note(&b, 1000 + (uint64_t)i, 1, i);
	assert_int_equal(last, 10 * LAG_SAMPLES - 1);
	assert_in_range(b.count, LAG_SAMPLES / 2, LAG_SAMPLES);
}

/* A link that hung for a long time and then catches up: it is not young because it moves again. */
static void what_is_caught_up_with_is_as_old_as_it_is(void **state)
{
	enum { TICKS = 10 * LAG_SAMPLES };
	struct lag b = {0};
	int64_t before = INT64_MAX;

	(void)state;
	for (int i = 0; i < TICKS; i++) /* position 1000 + i is written at i */
		lag_note(&b, 1000 + (uint64_t)i, 1, i);
	for (int arrived = 0; arrived < TICKS - 1; arrived++) {
		int64_t truth = TICKS - (arrived + 1);
		int64_t age = lag_note(&b, 1000 + TICKS - 1, 1000 + (uint64_t)arrived, TICKS);

		assert_true(age >= truth);
		assert_true(age <= truth + TICKS / 16);
		assert_true(age <= before);
		before = age;
	}
	assert_int_equal(lag_note(&b, 1000 + TICKS - 1, 1000 + TICKS - 1, TICKS), 0);
}

/* A side that nobody writes to does not fill the memory. */
static void what_stands_still_is_one_sample(void **state)
{
	struct lag b = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(lag_note(&b, 200, 100, i), i);
	assert_int_equal(b.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_missing),
		cmocka_unit_test(a_link_that_hangs_grows_older),
		cmocka_unit_test(what_arrived_is_forgotten),
		cmocka_unit_test(a_full_memory_keeps_the_oldest),
		cmocka_unit_test(what_is_caught_up_with_is_as_old_as_it_is),
		cmocka_unit_test(what_stands_still_is_one_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
