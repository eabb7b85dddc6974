#include "../testing.h"

#include "verify/sequences.h"

/* Old is open, nothing was ever crossed. */
static const struct direction first = {.src = SIDE_OLD};
/* New is open; old was in use before. */
static const struct direction crossed = {.src = SIDE_NEW, .epoch = 2, .shut_was_open = true};
/* As `crossed`, and an attempt to go back was undone. */
static const struct direction undone = {
	.src = SIDE_NEW, .epoch = 3, .shut_was_open = true, .undone = true};

static enum sequence_verdict judge(const struct direction *d, int64_t increment, int64_t open,
	bool open_called, int64_t shut, bool shut_called)
{
	struct sequence a = {.increment = increment, .last = open, .called = open_called};
	struct sequence b = {.increment = increment, .last = shut, .called = shut_called};

	return sequence_judge(&a, &b, d);
}

static void test_behind_is_expected_everywhere(void **state)
{
	(void)state;
	assert_int_equal(judge(&first, 1, 50, true, 1, false), SEQUENCE_BEHIND);
	assert_int_equal(judge(&first, 1, 50, true, 49, true), SEQUENCE_BEHIND);
	assert_int_equal(judge(&crossed, 1, 50, true, 49, true), SEQUENCE_BEHIND);
	assert_int_equal(judge(&crossed, -1, -50, true, -49, true), SEQUENCE_BEHIND);
}

static void test_equal_and_never_used_are_fine(void **state)
{
	(void)state;
	assert_int_equal(judge(&crossed, 1, 50, true, 50, true), SEQUENCE_FINE);
	assert_int_equal(judge(&crossed, 1, 1, false, 1, false), SEQUENCE_FINE);
	/* RESTART WITH 51 on the open side: 51 comes next, and the shut one gave 50 at most. */
	assert_int_equal(judge(&crossed, 1, 51, false, 50, true), SEQUENCE_FINE);
	assert_int_equal(judge(&crossed, 1, 50, false, 50, true), SEQUENCE_USED);
}

static void test_ahead_by_what_side_it_is(void **state)
{
	(void)state;
	assert_int_equal(judge(&first, 1, 50, true, 5000, true), SEQUENCE_AHEAD);
	assert_int_equal(judge(&crossed, 1, 50, true, 51, true), SEQUENCE_USED);
	assert_int_equal(judge(&crossed, 1, 1, false, 1, true), SEQUENCE_USED);
	assert_int_equal(judge(&crossed, -1, -50, true, -51, true), SEQUENCE_USED);
}

static void test_what_an_undone_attempt_moved(void **state)
{
	(void)state;
	assert_int_equal(judge(&undone, 1, 50, true, 50 + SEQUENCE_MARGIN, true), SEQUENCE_AHEAD);
	assert_int_equal(judge(&undone, 1, 50, true, 51 + SEQUENCE_MARGIN, true), SEQUENCE_USED);
	assert_int_equal(
		judge(&undone, -5, -50, true, -50 - 5 * SEQUENCE_MARGIN, true), SEQUENCE_AHEAD);
	assert_int_equal(
		judge(&undone, -5, -50, true, -55 - 5 * SEQUENCE_MARGIN, true), SEQUENCE_USED);
}

static void test_the_whole_span_of_a_bigint(void **state)
{
	(void)state;
	assert_int_equal(judge(&crossed, 1, INT64_MIN, false, INT64_MAX, true), SEQUENCE_USED);
	assert_int_equal(judge(&crossed, 1, INT64_MAX, true, INT64_MIN, true), SEQUENCE_BEHIND);
	assert_int_equal(judge(&crossed, INT64_MIN, INT64_MIN, true, -1, true), SEQUENCE_FINE);
}

static void test_missing_and_other_steps(void **state)
{
	struct sequence one = {.increment = 1, .last = 5, .called = true}, two = one;

	(void)state;
	assert_int_equal(sequence_judge(&one, NULL, &first), SEQUENCE_MISSING);
	two.increment = 10;
	assert_int_equal(sequence_judge(&one, &two, &first), SEQUENCE_STEPS);
	two = one;
	two.cycles = true;
	assert_int_equal(sequence_judge(&one, &two, &first), SEQUENCE_STEPS);
	one.cycles = true;
	two.last = 9; /* numbers come again by design */
	assert_int_equal(sequence_judge(&one, &two, &crossed), SEQUENCE_FINE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_behind_is_expected_everywhere),
		cmocka_unit_test(test_equal_and_never_used_are_fine),
		cmocka_unit_test(test_ahead_by_what_side_it_is),
		cmocka_unit_test(test_what_an_undone_attempt_moved),
		cmocka_unit_test(test_the_whole_span_of_a_bigint),
		cmocka_unit_test(test_missing_and_other_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
