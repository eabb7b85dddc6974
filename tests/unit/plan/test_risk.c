#include "fixture.h"

#include "plan/risk.h"

static struct risk risk_of(const struct plan *plan, size_t n, struct arena *arena)
{
	struct sequence q;
	struct crossings crossings;
	struct impact im;
	struct risk r;

	assert_non_null(plan);
	sequence_make(plan, arena, &q);
	assert_in_range(n, 1, q.count);
	crossings_find(&q, arena, &crossings);
	impact_init(&im, &q, arena);
	risk_make(&q, &crossings, &im, &q.waves[n - 1], arena, &r);
	return r;
}

#define SHOP                                                                                       \
	"services:\n  reports: {reads: [orders]}\n  api: {writes: [orders]}\n"                     \
	"  web: {writes: [orders]}\n"                                                              \
	"overlap: [{from: api, to: orders, because: x, at_most: 1m}]\n"

static void a_store_says_what_its_clients_wait_and_where_the_way_back_ends(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		HEAD SHOP "budgets: {stall: 700ms, window: 3s, hold: 5s, drain: 1s}\n");
	ARENA_AUTO arena = ARENA_INIT;
	struct risk r = risk_of(f.plan, 2, &arena);

	(void)state;
	assert_contains(r.availability, "at most 700ms, all of them together 3s");
	assert_contains(r.availability, "4 of 4 feel it");
	assert_contains(r.integrity, "2 declared writers");
	assert_contains(r.integrity, "2 edges cross after it, 2 of them write");
	assert_contains(r.integrity, "1 NOT DECLARED");
	assert_contains(r.reversibility, "one more window (3s at most)");
	assert_contains(r.reversibility, "ends at `airlock finalize`");
	assert_contains(r.load, "0 human actions, 1 decision (finalize, or go back)");
	assert_int_equal(r.undo_ms, 3000);
	assert_int_equal(r.radius, 4);
	assert_contains(r.merged, "breaks 2 dependencies (orders before api, which writes it)");
	assert_null(r.split);
}

static void what_is_moved_by_hand_is_counted(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD SHOP);
	ARENA_AUTO arena = ARENA_INIT;
	struct risk r = risk_of(f.plan, 3, &arena);

	(void)state;
	assert_int_equal(r.human_actions, 2);
	assert_int_equal(r.decisions, 1);
	assert_int_equal(r.undo_ms, -1);
	assert_contains(r.load, "2 human actions (move api, web)");
	assert_contains(r.reversibility, "2 back by hand");
	assert_null(r.merged);
	assert_contains(r.split, "each of its 2 pieces: 1 more; at most 1 would feel each instead "
				 "of 2");
}

static void what_a_command_moves_is_not(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD SHOP);
	ARENA_AUTO arena = ARENA_INIT;
	char *argv[] = {(char[]){"move"}, NULL};
	struct risk r;

	(void)state;
	for (size_t i = 0; i < f.plan->services_count; i++) {
		f.plan->services[i].move.exec = argv;
		f.plan->services[i].move.timeout_ms = 60000;
	}
	r = risk_of(f.plan, 3, &arena);
	assert_int_equal(r.human_actions, 0);
	assert_int_equal(r.undo_ms, 60000);
	assert_contains(r.availability, "2 switch by command, at most 1m each");
}

static void the_first_wave_counts_the_approval(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD SHOP);
	ARENA_AUTO arena = ARENA_INIT;

	(void)state;
	assert_contains(risk_of(f.plan, 1, &arena).load, "approve the plan");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_store_says_what_its_clients_wait_and_where_the_way_back_ends),
		cmocka_unit_test(what_is_moved_by_hand_is_counted),
		cmocka_unit_test(what_a_command_moves_is_not),
		cmocka_unit_test(the_first_wave_counts_the_approval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
