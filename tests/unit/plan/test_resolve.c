#include "fixture.h"

static void names_become_indices(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		HEAD "services:\n  b: {writes: [orders], after: [c, a]}\n  a: {}\n  c: {}\n"
		     "overlap:\n  - {from: b, to: orders, because: x, at_most: 1m}\n");
	const struct plan_service *b;

	(void)state;
	assert_non_null(f.plan);
	b = &f.plan->services[1];
	assert_string_equal(plan_node_name(f.plan, b->after[0]), "a");
	assert_string_equal(plan_node_name(f.plan, b->after[1]), "c");
	assert_int_equal(b->writes[0], plan_store_find(f.plan, "orders"));
	assert_string_equal(plan_node_name(f.plan, f.plan->overlaps[0].from), "b");
}

static void what_is_not_there_is_told(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "services:\n  web: {reads: [order]}\n");

	(void)state;
	assert_string_equal(fixture_only(&f, "P-UNRESOLVED", 9, 17)->message,
		"services.web.reads[0]: there is no store 'order' (did you mean 'orders'?)");
}

static void the_wrong_kind_is_told(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "services:\n  web: {reads: [api]}\n  api: {}\n");

	(void)state;
	assert_contains(fixture_only(&f, "P-REFERENCE", 9, 17)->message, "'api' is a service");
}

static void repeats_are_told_at_the_second(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "services:\n  web: {reads: [orders, orders]}\n");

	(void)state;
	fixture_only(&f, "P-LIST", 9, 25);
}

/* reads and writes of the same store are two statements, not a repetition. */
static void different_lists_may_agree(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		HEAD "services:\n  web: {reads: [orders], writes: [orders], needs: [orders]}\n");

	(void)state;
	assert_int_equal(f.problems.errors, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_become_indices),
		cmocka_unit_test(what_is_not_there_is_told),
		cmocka_unit_test(the_wrong_kind_is_told),
		cmocka_unit_test(repeats_are_told_at_the_second),
		cmocka_unit_test(different_lists_may_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
