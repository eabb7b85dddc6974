#include "fixture.h"

#include "plan/reason.h"
#include "plan/sequence.h"

static size_t node_of(const struct plan *plan, const char *name)
{
	for (size_t n = 0; n < node_count(plan); n++)
		if (strcmp(plan_node_name(plan, n), name) == 0)
			return n;
	fail_msg("there is no %s", name);
	return PLAN_NONE;
}

static const char *why(
	const struct plan *plan, const struct sequence *q, struct arena *arena, const char *name)
{
	return reason_why(q, node_of(plan, name), arena);
}

static void each_says_tier_and_what_it_waited_for(void **state)
{
	FIXTURE_AUTO f =
		fixture_parse(HEAD "services:\n  identity: {}\n  reports: {reads: [orders]}\n"
				   "  api: {tier: entry, needs: [identity]}\n  web: {writes: "
				   "[orders], after: [api]}\n");
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;

	(void)state;
	sequence_make(f.plan, &arena, &q);
	assert_contains(
		why(f.plan, &q, &arena, "identity"), "tier derived: reads and writes no store");
	assert_contains(why(f.plan, &q, &arena, "reports"), "only reads");
	assert_contains(why(f.plan, &q, &arena, "orders"), "after reports, which reads it");
	assert_contains(why(f.plan, &q, &arena, "api"), "after identity, which it needs");
	assert_null(strstr(why(f.plan, &q, &arena, "api"), "derived"));
	assert_contains(why(f.plan, &q, &arena, "web"), "after api, which it comes after");
}

static void a_circle_tells_its_edges(void **state)
{
	FIXTURE_AUTO f =
		fixture_parse(HEAD "services:\n  web: {tier: entry, writes: [orders]}\n"
				   "  reports: {tier: read-only, reads: [orders], needs: [web]}\n");
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;

	(void)state;
	sequence_make(f.plan, &arena, &q);
	assert_contains(why(f.plan, &q, &arena, "web"), "orders before web, which writes it");
	assert_contains(why(f.plan, &q, &arena, "web"), "web before reports, which needs it");
	assert_contains(why(f.plan, &q, &arena, "web"), "reports before orders, which it reads");
}

static void a_placement_says_what_holds_it(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		HEAD "services:\n  vault: {}\n  reports: {reads: [orders]}\n"
		     "  api: {tier: entry, writes: [orders], needs: [vault]}\n"
		     "  web: {writes: [orders], after: [api]}\n  shop: {writes: [orders]}\n");
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;
	struct impact im;
	struct placement p;

	(void)state;
	sequence_make(f.plan, &arena, &q);
	impact_init(&im, &q, &arena);
	reason_placement(&q, &im, node_of(f.plan, "orders"), &arena, &p);
	assert_contains(p.not_earlier, "wave 2: reports before orders, which it reads");
	assert_contains(p.not_later, "wave 4: orders before api, which writes it, and 1 more");
	assert_contains(p.earlier, "breaks 1 dependency");
	assert_contains(p.later, "breaks 2 dependencies");
	assert_null(p.alone);
	assert_null(p.override);
	reason_placement(&q, &im, node_of(f.plan, "vault"), &arena, &p);
	assert_contains(p.not_earlier, "the first wave");
	assert_null(p.earlier);
	assert_contains(p.later, "against the order of tiers");
	/* Nothing after it waits for shop, and it may not go before the store. */
	reason_placement(&q, &im, node_of(f.plan, "shop"), &arena, &p);
	assert_contains(p.not_later, "no cutover fewer");
	assert_contains(p.alone, "1 cutover more; 1 would feel it instead of 2");
}

static void an_override_is_told_with_its_reason(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		HEAD "services:\n  reports: {reads: [orders]}\n  api: {writes: [orders]}\n"
		     "  web: {writes: [orders]}\n"
		     "order: [{first: orders, then: reports, because: \"month end\"}]\n"
		     "together: [{members: [web, api], because: \"one certificate\"}]\n");
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;
	struct impact im;
	struct placement p;

	(void)state;
	assert_non_null(f.plan);
	sequence_make(f.plan, &arena, &q);
	impact_init(&im, &q, &arena);
	reason_placement(&q, &im, node_of(f.plan, "reports"), &arena, &p);
	assert_contains(p.override, "puts orders before reports: \"month end\"");
	assert_contains(p.why, "waits for something more stateful");
	reason_placement(&q, &im, node_of(f.plan, "web"), &arena, &p);
	assert_contains(p.override, "together with api: \"one certificate\"");
	assert_contains(p.why, "one certificate");
}

static void a_limit_is_told_with_its_numbers(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "services:\n  a: {tier: entry}\n  b: {tier: entry}\n"
					    "limits: {blast_radius: 1}\n");
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;
	struct impact im;
	struct placement p;

	(void)state;
	sequence_make(f.plan, &arena, &q);
	assert_int_equal(q.count, 3);
	impact_init(&im, &q, &arena);
	reason_placement(&q, &im, node_of(f.plan, "b"), &arena, &p);
	assert_contains(p.not_earlier, "would reach 2 stores and services with it, and "
				       "limits.blast_radius is 1");
}

static void who_reads_new_early_says_so(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD
		"services:\n  reports: {tier: read-only, reads: [orders], early_reader: reporting}\n");
	ARENA_AUTO arena = ARENA_INIT;
	struct sequence q;

	(void)state;
	sequence_make(f.plan, &arena, &q);
	assert_string_equal(why(f.plan, &q, &arena, "reports"),
		"only reads, so it moves before the stores; reads new as reporting before its "
		"stores are promoted, data as old as the lag");
}

static void the_chain_leads_from_the_first(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		HEAD "services:\n  identity: {tier: support}\n  reports: {reads: [orders], needs: "
		     "[identity]}\n"
		     "  api: {writes: [orders]}\n  web: {tier: entry, needs: [api]}\n");
	static const char *const want[] = {"wave 1: identity",
		"wave 2: reports, which needs identity", "wave 3: orders, which reports reads",
		"wave 4: api, which writes orders", "wave 5: web, which needs api"};
	ARENA_AUTO arena = ARENA_INIT;
	struct placement p;
	struct sequence q;
	struct impact im;

	(void)state;
	sequence_make(f.plan, &arena, &q);
	impact_init(&im, &q, &arena);
	reason_placement(&q, &im, node_of(f.plan, "web"), &arena, &p);
	assert_int_equal(p.chain_count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(p.chain[i], want[i]);
	reason_placement(&q, &im, node_of(f.plan, "identity"), &arena, &p);
	assert_int_equal(p.chain_count, 0);
}

/* Through a piece of several it goes on, and says where it steps from one to another. */
static void the_chain_goes_through_a_piece(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		HEAD "services:\n  one: {tier: support}\n  two: {tier: support, needs: [one]}\n"
		     "  twin: {tier: support}\n  three: {tier: support, needs: [twin]}\n"
		     "together: [{members: [two, twin], because: \"one host\"}]\n");
	ARENA_AUTO arena = ARENA_INIT;
	struct placement p;
	struct sequence q;
	struct impact im;

	(void)state;
	assert_non_null(f.plan);
	sequence_make(f.plan, &arena, &q);
	impact_init(&im, &q, &arena);
	reason_placement(&q, &im, node_of(f.plan, "three"), &arena, &p);
	assert_int_equal(p.chain_count, 3);
	assert_string_equal(p.chain[0], "wave 1: one");
	assert_string_equal(p.chain[1], "wave 2: two, which needs one");
	assert_string_equal(p.chain[2], "wave 3: three, which needs twin, in one piece with two");
	reason_placement(&q, &im, node_of(f.plan, "twin"), &arena, &p);
	assert_int_equal(p.chain_count, 3);
	assert_string_equal(p.chain[2], "wave 2: twin, in one piece with two");
}

/* Seventy hubs that fill a wave each but for one place, and one that would fit beside any: only so
 * many are tried, and the reason says that instead of a limit that was not reached. */
static void what_was_not_tried_is_not_called_full(void **state)
{
	BUF_AUTO text = BUF_INIT;
	ARENA_AUTO arena = ARENA_INIT;
	struct placement p;
	struct sequence q;
	struct impact im;
	size_t node;

	(void)state;
	buf_puts(&text, HEAD "services:\n  lone: {tier: entry}\n");
	for (int hub = 0; hub < 70; hub++) {
		buf_printf(&text, "  hub%02d: {tier: entry}\n", hub);
		for (int i = 0; i < 9; i++)
			buf_printf(&text, "  of%02d-%d: {tier: entry, needs: [hub%02d]}\n", hub, i,
				hub);
	}
	buf_puts(&text, "limits: {blast_radius: 11}\n");
	FIXTURE_AUTO f = fixture_parse(buf_str(&text));
	assert_non_null(f.plan);
	sequence_make(f.plan, &arena, &q);
	impact_init(&im, &q, &arena);
	node = node_of(f.plan, "lone");
	assert_true(q.wave_of[node] > 2);
	reason_placement(&q, &im, node, &arena, &p);
	assert_contains(p.not_earlier, "only the first 64 are tried for each wave");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_reads_new_early_says_so),
		cmocka_unit_test(each_says_tier_and_what_it_waited_for),
		cmocka_unit_test(a_circle_tells_its_edges),
		cmocka_unit_test(a_placement_says_what_holds_it),
		cmocka_unit_test(an_override_is_told_with_its_reason),
		cmocka_unit_test(a_limit_is_told_with_its_numbers),
		cmocka_unit_test(the_chain_leads_from_the_first),
		cmocka_unit_test(the_chain_goes_through_a_piece),
		cmocka_unit_test(what_was_not_tried_is_not_called_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
