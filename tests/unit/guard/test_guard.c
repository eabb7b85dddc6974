/* When a round of the guard is an alarm, over a store whose looks are given. */
#include "../testing.h"

#include "guard/guard.h"

#define LAG_BYTES 1000
#define MINUTE_US (GUARD_KEEPS_MS * INT64_C(1000))

struct told_env {
	struct env env; /* first */
	int64_t now_us;
};

static int64_t told_now_us(struct env *env)
{
	return ((struct told_env *)env)->now_us;
}

static const struct env_ops told_env_ops = {.now_us = told_now_us};

struct told_store {
	struct store store; /* first */
	int64_t kept_bytes;
};

static int told_tend(
	struct store *store, int64_t deadline_ms, struct store_tended *ret_tended, struct err *err)
{
	(void)deadline_ms, (void)err;
	*ret_tended = (struct store_tended){
		.follows = true,
		.idle[0] = {.what = "way back", .usable = true},
		.idle[1] = {.what = "audit",
			.usable = true,
			.kept_bytes = ((struct told_store *)store)->kept_bytes},
		.idle_count = 2,
	};
	return 0;
}

static const struct store_ops told_store_ops = {.tend = told_tend};
static const struct plan_budgets budgets = {.lag_bytes = LAG_BYTES, .rollback_lag_ms = 1000};

struct world {
	struct told_env env;
	struct told_store store;
	struct guard_watch watch;
};

static void world_init(struct world *w)
{
	*w = (struct world){.env = {.env = {.ops = &told_env_ops}}};
	w->store.store =
		(struct store){.ops = &told_store_ops, .env = &w->env.env, .name = "orders"};
	w->watch = (struct guard_watch){.store = &w->store.store, .budgets = &budgets};
}

static unsigned alarms(struct world *w, int64_t kept_bytes, int64_t after_us)
{
	struct guard_view view;

	w->store.kept_bytes = kept_bytes;
	w->env.now_us += after_us;
	guard_round(&w->watch, 0, &view);
	assert_true(view.at_rest);
	return view.alarms;
}

static void log_that_piles_up_for_a_minute_is_told(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(alarms(&w, LAG_BYTES + 1, 0), 0);
	assert_int_equal(alarms(&w, LAG_BYTES + 2, MINUTE_US - 1000), 0);
	assert_int_equal(alarms(&w, LAG_BYTES + 2, 1000), GUARD_KEEPS);
	assert_int_equal(alarms(&w, LAG_BYTES, 1000), 0);
}

static void the_minute_begins_again_when_it_let_go(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(alarms(&w, LAG_BYTES + 1, 0), 0);
	assert_int_equal(alarms(&w, LAG_BYTES, MINUTE_US / 2), 0);
	assert_int_equal(alarms(&w, LAG_BYTES + 1, MINUTE_US / 2), 0);
	assert_int_equal(alarms(&w, LAG_BYTES + 1, MINUTE_US - 1000), 0);
	assert_int_equal(alarms(&w, LAG_BYTES + 1, 1000), GUARD_KEEPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_that_piles_up_for_a_minute_is_told),
		cmocka_unit_test(the_minute_begins_again_when_it_let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
