#include "fixture.h"

#include "plan/sequence.h"

static const char *why(const struct plan *plan, const struct sequence *q, const char *name)
{
	for (size_t n = 0; n < q->count; n++)
		for (size_t m = 0; m < q->waves[n].members_count; m++)
			if (strcmp(plan_node_name(plan, q->waves[n].members[m]), name) == 0)
				return q->waves[n].why[m];
	fail_msg("no wave has %s", name);
	return NULL;
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
	assert_contains(why(f.plan, &q, "identity"), "tier derived: reads and writes no store");
	assert_contains(why(f.plan, &q, "reports"), "only reads");
	assert_contains(why(f.plan, &q, "orders"), "after reports, which reads it");
	assert_contains(why(f.plan, &q, "api"), "after identity, which it needs");
	assert_null(strstr(why(f.plan, &q, "api"), "derived"));
	assert_contains(why(f.plan, &q, "web"), "after api, which it comes after");
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
	assert_contains(why(f.plan, &q, "web"), "orders before web, which writes it");
	assert_contains(why(f.plan, &q, "web"), "web before reports, which needs it");
	assert_contains(why(f.plan, &q, "web"), "reports before orders, which it reads");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_says_tier_and_what_it_waited_for),
		cmocka_unit_test(a_circle_tells_its_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
