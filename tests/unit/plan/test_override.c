#include "fixture.h"

#include "plan/sequence.h"

#define SHOP                                                                                       \
	"services:\n  vault: {tier: support}\n  reports: {reads: [orders]}\n"                      \
	"  api: {tier: entry, writes: [orders], needs: [vault]}\n"                                 \
	"  web: {tier: entry, writes: [orders], after: [api]}\n"
#define OVERRIDES_LINE 13 /* of what comes after SHOP */

static const struct problem *refused(struct fixture *f, const char *id)
{
	const struct problem *p = fixture_find(f, id);

	assert_null(f->plan);
	assert_non_null(p);
	assert_int_equal(p->line, OVERRIDES_LINE + 1);
	return p;
}

static size_t wave_of(const struct fixture *f, const char *name)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;

	assert_non_null(f->plan);
	sequence_make(f->plan, &arena, &q);
	for (size_t n = 0; n < q.graph.nodes; n++)
		if (strcmp(plan_node_name(f->plan, n), name) == 0)
			return q.wave_of[n];
	fail_msg("there is no %s", name);
	return 0;
}

static void a_reader_may_be_put_after_its_store(void **state)
{
	FIXTURE_AUTO without = fixture_parse(HEAD SHOP);
	FIXTURE_AUTO with = fixture_parse(
		HEAD SHOP "order:\n  - {first: orders, then: reports, because: \"month end\"}\n");

	(void)state;
	assert_true(wave_of(&without, "reports") < wave_of(&without, "orders"));
	assert_true(wave_of(&with, "reports") > wave_of(&with, "orders"));
	assert_string_equal(with.plan->orders[0].because, "month end");
	assert_string_not_equal(with.plan->hash, without.plan->hash);
}

static void a_dependency_is_not_broken(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		HEAD SHOP "order:\n  - {first: web, then: vault, because: \"I say so\"}\n");
	const struct problem *p = refused(&f, "P-ORDER");

	(void)state;
	assert_contains(p->message, "'web' can not move before 'vault', that breaks a dependency");
	/* The way is told, through others. */
	assert_contains(p->message, "vault before api, which needs it; api before web, which comes "
				    "after it");
}

static void an_entry_point_is_not_put_before_its_store(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		HEAD SHOP "order:\n  - {first: web, then: orders, because: \"I say so\"}\n");

	(void)state;
	assert_contains(refused(&f, "P-ORDER")->message, "orders before web, which writes it");
}

static void what_moves_in_one_cutover_has_no_order(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "services:\n  web: {tier: entry, writes: [orders]}\n"
					    "  reports: {tier: read-only, reads: [orders], needs: "
					    "[web]}\n  pad: {}\n  pa2: {}\n"
					    "order:\n  - {first: web, then: orders, because: x}\n");

	(void)state;
	assert_contains(refused(&f, "P-ORDER")->message, "can only move in one cutover");
}

static void together_is_one_wave(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		HEAD "services:\n  a: {tier: support}\n  b: {tier: entry, writes: [orders]}\n"
		     "together: [{members: [b, orders], because: \"no overlap at all\"}]\n");

	(void)state;
	assert_int_equal(wave_of(&f, "b"), wave_of(&f, "orders"));
	assert_true(wave_of(&f, "a") < wave_of(&f, "b"));
	assert_int_equal(f.problems.count, 0); /* nothing crosses */
}

static void an_order_keeps_apart(void **state)
{
	FIXTURE_AUTO f =
		fixture_parse(HEAD SHOP "together:\n  - {members: [web, api], because: x}\n");

	(void)state;
	assert_contains(refused(&f, "P-TOGETHER")->message, "api before web, which comes after it");
}

static void what_lies_between_has_to_be_named(void **state)
{
	FIXTURE_AUTO f =
		fixture_parse(HEAD "services:\n  early: {tier: replayable, writes: [orders]}\n"
				   "  late: {tier: entry, writes: [orders]}\n  pad: {}\n  pa2: {}\n"
				   "together:\n  - {members: [early, late], because: x}\n");
	const struct problem *p = refused(&f, "P-TOGETHER");

	(void)state;
	assert_contains(p->message, "'orders' has to move between them");
	assert_contains(p->help, "add orders to the members");
}

static void one_alone_is_not_together(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD SHOP "together:\n  - {members: [web], because: x}\n");

	(void)state;
	assert_contains(refused(&f, "P-LIST")->message, "it takes two");
}

/* A reason is asked for, names are resolved, and nothing is guessed. */
static void an_override_is_complete(void **state)
{
	FIXTURE_AUTO f =
		fixture_parse(HEAD SHOP "order:\n  - {first: orders, then: report}\nlimits: {}\n");

	(void)state;
	assert_null(f.plan);
	assert_contains(fixture_find(&f, "P-MISSING")->help, "because:");
	assert_contains(fixture_find(&f, "P-UNRESOLVED")->message, "did you mean 'reports'?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_may_be_put_after_its_store),
		cmocka_unit_test(a_dependency_is_not_broken),
		cmocka_unit_test(an_entry_point_is_not_put_before_its_store),
		cmocka_unit_test(what_moves_in_one_cutover_has_no_order),
		cmocka_unit_test(together_is_one_wave),
		cmocka_unit_test(an_order_keeps_apart),
		cmocka_unit_test(what_lies_between_has_to_be_named),
		cmocka_unit_test(one_alone_is_not_together),
		cmocka_unit_test(an_override_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
