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

static void lists_of_an_overlap_are_lists(void **state)
{
	FIXTURE_AUTO twice = fixture_parse(
		HEAD "services: {w: {writes: [orders]}}\n"
		     "overlap: [{from: [w, w], to: orders, because: x, at_most: 1m}]\n");
	FIXTURE_AUTO none =
		fixture_parse(HEAD "services: {w: {writes: [orders]}}\n"
				   "overlap: [{from: w, to: [], because: x, at_most: 1m}]\n");

	(void)state;
	assert_string_equal(fixture_only(&twice, "P-LIST", 9, 22)->message,
		"overlap[0].from[1]: 'w' is listed twice");
	assert_contains(fixture_only(&none, "P-LIST", 9, 25)->message, "the list is empty");
}

/* 400 x 400 pairs would be made of one line. */
static void lists_of_an_overlap_have_an_end(void **state)
{
	BUF_AUTO text = BUF_INIT;

	buf_puts(&text, HEAD "services:\n");
	for (int i = 0; i < 800; i++)
		buf_printf(&text, "  s%d: {}\n", i);
	buf_puts(&text, "overlap:\n  - because: x\n    at_most: 1m\n    from: [s0");
	for (int i = 1; i < 400; i++)
		buf_printf(&text, ", s%d", i);
	buf_puts(&text, "]\n    to: [s400");
	for (int i = 401; i < 800; i++)
		buf_printf(&text, ", s%d", i);
	buf_puts(&text, "]\n");
	FIXTURE_AUTO f = fixture_parse(buf_str(&text));

	(void)state;
	assert_contains(fixture_only(&f, "P-TOO-LARGE", 1, 1)->message, "more than 100000 pairs");
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
		cmocka_unit_test(lists_of_an_overlap_are_lists),
		cmocka_unit_test(lists_of_an_overlap_have_an_end),
		cmocka_unit_test(different_lists_may_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
