#include "fixture.h"

static void budgets_are_read_in_any_unit(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		HEAD "budgets: {stall: 500ms, window: 1m, hold: 1h, lag: 64kB, attempts: 3}\n");

	(void)state;
	assert_non_null(f.plan);
	assert_int_equal(f.plan->budgets.stall_ms, 500);
	assert_int_equal(f.plan->budgets.window_ms, 60000);
	assert_int_equal(f.plan->budgets.hold_ms, 3600000);
	assert_int_equal(f.plan->budgets.lag_bytes, 65536);
	assert_int_equal(f.plan->budgets.attempts, 3);
	assert_int_equal(f.plan->budgets.drain_ms, 1000);
	assert_int_equal(f.plan->budgets.sync_age_ms, 14 * 86400000LL);
	assert_false(f.plan->confidence.given);
	assert_int_equal(f.plan->confidence.lag_below_bytes, -1);
}

static void refused(const char *line, const char *id, int column, const char *message)
{
	BUF_AUTO text = BUF_INIT;

	buf_printf(&text, "%s%s\n", HEAD, line);
	{
		FIXTURE_AUTO f = fixture_parse(buf_str(&text));

		assert_contains(fixture_only(&f, id, 8, column)->message, message);
	}
}

static void bad_values_are_told(void **state)
{
	(void)state;
	refused("budgets: {stall: 1}", "P-UNIT", 18, "'1' has no unit");
	refused("budgets: {lag: 1000}", "P-UNIT", 16, "'1000' has no unit");
	refused("budgets: {stall: 1sec}", "P-TIME", 18, "'1sec' is not a time");
	refused("budgets: {lag: 1MiB}", "P-SIZE", 16, "'1MiB' is not a size");
	refused("budgets: {attempts: many}", "P-NUMBER", 21, "'many' is not a whole number");
	refused("budgets: {attempts: 0}", "P-NUMBER", 21, "from 1 to 1000");
	refused("budgets: {attempts: 5s}", "P-NUMBER", 21, "'5s' is not a whole number");
	refused("budgets: {attempts: '5'}", "P-TYPE", 21, "found a text in quotes");
	refused("budgets: {sync_age: 99999d}", "P-TIME", 21, "from 1ms to 366d");
	refused("budgets: {sync_age: 99999999999999999999d}", "P-TIME", 21, "too large");
	refused("budgets: {stall: [1s]}", "P-TYPE", 18, "expected a time, found a list");
	refused("budgets: {stall: }", "P-TYPE", 11, "found nothing");
	refused("services: {w: {tier: enrty}}", "P-ENUM", 22, "did you mean 'entry'?");
	refused("services: {w: {tier: store}}", "P-ENUM", 22, "unknown tier 'store'");
	refused("services: {w: {match: {user: ''}}}", "P-TYPE", 30, "an empty text");
	refused("services: {w: {reads: orders}}", "P-TYPE", 23, "expected a list of names");
}

static void commands_are_lists_of_words(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD
		"services:\n  w:\n    move: {exec: systemctl stop x, observe: [], undo: [a, [b]], "
		"timeout: 1s}\n");

	(void)state;
	assert_contains(fixture_find(&f, "P-TYPE")->help, "no shell");
	assert_non_null(fixture_find(&f, "P-LIST"));
	assert_int_equal(f.problems.errors, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(budgets_are_read_in_any_unit),
		cmocka_unit_test(bad_values_are_told),
		cmocka_unit_test(commands_are_lists_of_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
