#include "fixture.h"

static void the_circle_is_named(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "services:\n  a: {needs: [b]}\n  b: {after: [c]}\n"
					    "  c: {needs: [a, orders]}\n  d: {needs: [a]}\n");
	const struct problem *p = fixture_only(&f, "P-CYCLE", 9, 15);

	(void)state;
	assert_contains(p->message, "'a' needs 'b'");
	assert_contains(p->message, "'b' is after 'c'");
	assert_contains(p->message, "'c' needs 'a'");
	assert_null(strstr(p->message, "'d'"));
}

static void each_circle_once(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		HEAD "services:\n  a: {needs: [b]}\n  b: {needs: [a]}\n  x: {after: [x]}\n");

	(void)state;
	assert_int_equal(f.problems.count, 2);
	assert_contains(f.problems.rows[1].message, "'x' is after 'x'");
	assert_int_equal(f.problems.rows[1].line, 11);
}

static void circles_through_stores_are_allowed(void **state)
{
	FIXTURE_AUTO f =
		fixture_parse(HEAD "services:\n  web: {tier: entry, writes: [orders]}\n"
				   "  reports: {tier: read-only, reads: [orders], needs: [web]}\n");

	(void)state;
	assert_int_equal(f.problems.count, 0);
	assert_non_null(f.plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_circle_is_named),
		cmocka_unit_test(each_circle_once),
		cmocka_unit_test(circles_through_stores_are_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
