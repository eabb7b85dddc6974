#include "../testing.h"

#include "plan/names.h"
#include "plan/plan.h"

static void words_are_those_of_the_plan_file(void **state)
{
	(void)state;
	assert_string_equal(plan_engine_name(ENGINE_POSTGRESQL), "postgresql");
	assert_string_equal(plan_pattern_name(PATTERN_SHADOW_WRITE), "shadow-write");
	assert_string_equal(plan_sync_name(SYNC_PHYSICAL), "physical");
	assert_string_equal(plan_tier_name(TIER_STORE), "store");
	assert_string_equal(plan_during_name(DURING_NONE), "none");
	assert_string_equal(plan_route_kind_name(ROUTE_DNS), "dns");
}

static void a_service_is_never_of_the_tier_store(void **state)
{
	(void)state;
	assert_null(names_service_tier.words[TIER_STORE]);
	assert_non_null(names_service_tier.words[TIER_ENTRY]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_those_of_the_plan_file),
		cmocka_unit_test(a_service_is_never_of_the_tier_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
