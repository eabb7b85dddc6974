#include "fixture.h"

static void the_simple_plan_is_read(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD);

	(void)state;
	assert_non_null(f.plan);
	assert_int_equal(f.problems.count, 0);
	assert_string_equal(f.plan->name, "shop");
	assert_int_equal(f.plan->stores_count, 1);
	assert_string_equal(f.plan->stores[0].name, "orders");
	assert_string_equal(f.plan->stores[0].old, "host=a dbname=shop");
	assert_int_equal(f.plan->stores[0].pos.line, 6);
	assert_int_equal(f.plan->stores[0].pos.column, 3);
	assert_int_equal(f.plan->stores[0].route, 0);
	assert_int_equal(f.plan->routes[0].kind, ROUTE_NONE);
	assert_null(f.plan->stores[0].loss.by);
}

static void elements_are_sorted_by_name(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		HEAD "services:\n  zeta: {reads: [orders]}\n  alpha: {needs: [zeta, orders]}\n");

	(void)state;
	assert_non_null(f.plan);
	assert_string_equal(f.plan->services[0].name, "alpha");
	assert_string_equal(f.plan->services[1].name, "zeta");
	assert_int_equal(f.plan->services[0].needs_count, 2);
	assert_int_equal(f.plan->services[0].needs[0], 0);
	assert_int_equal(f.plan->services[0].needs[1], 2);
	assert_int_equal(f.plan->services[0].route, PLAN_NONE);
}

static void one_match_or_several(void **state)
{
	FIXTURE_AUTO f =
		fixture_parse(HEAD "services:\n  a: {match: {user: u, application_name: \"w*\"}}\n"
				   "  b: {match: [{user: x}, {address: 10.0.0.1}]}\n");

	(void)state;
	assert_non_null(f.plan);
	assert_int_equal(f.plan->services[0].matches_count, 1);
	assert_string_equal(f.plan->services[0].matches[0].application_name, "w*");
	assert_null(f.plan->services[0].matches[0].address);
	assert_int_equal(f.plan->services[1].matches_count, 2);
	assert_string_equal(f.plan->services[1].matches[1].address, "10.0.0.1");
}

static void gates_keep_their_settings(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "gates:\n  clock: {max_skew: 1s}\n");

	(void)state;
	assert_non_null(f.plan);
	assert_int_equal(f.plan->gates_count, 1);
	assert_string_equal(f.plan->gates[0].id, "clock");
	assert_string_equal(plan_setting_get(f.plan->gates[0].settings,
				    f.plan->gates[0].settings_count, "max_skew"),
		"1s");
}

static void unknown_keys_are_errors_with_a_guess(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "budget: {}\n");

	(void)state;
	assert_contains(
		fixture_only(&f, "P-UNKNOWN-KEY", 8, 1)->message, "did you mean 'budgets'?");
}

static void unknown_gates_too(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "gates: {clocks: {}}\n");

	(void)state;
	assert_contains(fixture_find(&f, "P-UNKNOWN-KEY")->message, "did you mean 'clock'?");
}

static void missing_keys_say_the_line_to_add(void **state)
{
	FIXTURE_AUTO f = fixture_parse("airlock: 1\nname: x\nstores:\n  o: {engine: postgresql}\n");
	size_t missing = 0;

	(void)state;
	for (size_t i = 0; i < f.problems.count; i++) {
		assert_string_equal(f.problems.rows[i].id, "P-MISSING");
		assert_contains(f.problems.rows[i].help, "add under stores.o:  ");
		assert_int_equal(f.problems.rows[i].line, 4);
		missing++;
	}
	assert_int_equal(missing, 5);
}

static void what_is_not_built_is_refused_by_name(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "confidence: {lag_below: 1MB, verifies: 2}\n");

	(void)state;
	assert_string_equal(fixture_only(&f, "P-NOT-AVAILABLE", 8, 30)->message,
		"confidence.verifies: not available in this version");
}

static void a_broken_value_is_reported_once(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "overlap: *nowhere\n");

	(void)state;
	fixture_only(&f, "P-ALIAS", 8, 10);
}

static void elements_of_the_wrong_type_do_no_harm(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		"airlock: 1\nname: x\nstores: {a: 1, b: [x], c: }\nservices: {d: ~, e: []}\n"
		"routes: {f: x}\noverlap: [1, [2], {}]\ngates: {clock: 1}\n");
	size_t types = 0;

	(void)state;
	for (size_t i = 0; i < f.problems.count; i++)
		types += strcmp(f.problems.rows[i].id, "P-TYPE") == 0;
	assert_int_equal(types, 9);
	assert_null(f.plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_simple_plan_is_read),
		cmocka_unit_test(elements_are_sorted_by_name),
		cmocka_unit_test(one_match_or_several),
		cmocka_unit_test(gates_keep_their_settings),
		cmocka_unit_test(unknown_keys_are_errors_with_a_guess),
		cmocka_unit_test(unknown_gates_too),
		cmocka_unit_test(missing_keys_say_the_line_to_add),
		cmocka_unit_test(what_is_not_built_is_refused_by_name),
		cmocka_unit_test(a_broken_value_is_reported_once),
		cmocka_unit_test(elements_of_the_wrong_type_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
