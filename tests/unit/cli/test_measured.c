/* What is written down about stores and edges is what is read back, the newest of each. */
#include "program.h"

#include <stdlib.h>
#include <string.h>

#include "cli/measured.h"

static const char plan_file[] =
	"airlock: 1\nname: p\nstores:\n"
	"  s: {engine: postgresql, old: \"host=a dbname=d\", new: \"host=b dbname=d\",\n"
	"      pattern: replica-promotion, sync: logical, route: r}\n"
	"services: {web: {writes: [s]}}\nroutes: {r: {kind: none}}\n";

static void the_newest_is_read_back(void **state)
{
	struct program program;
	struct out out;
	struct cmd_ctx ctx = {.out = &out};
	struct gravity_store store;
	struct gravity_edge edge = {
		.from = 1, .to = 0, .measured_at_ms = 7, .calls_s = 5, .round_trip_added_ms = 1.5};
	struct gravity_book book;
	struct err err = ERR_INIT;

	(void)state;
	program_make(&program);
	out_init(&out, stdout, stderr, true);
	problems_init(&ctx.problems, &ctx.arena);
	if (plan_parse("p", plan_file, strlen(plan_file), &ctx.plan, &ctx.problems, &err) ||
		journal_open(program.dir, JOURNAL_WRITE, "airlock test", &ctx.journal, &err))
		fail_msg("%s", err.msg);
	measured_recall(&ctx, &book);
	assert_null(gravity_seen(&book, 0));
	gravity_store_init(&store);
	store.measured_at_ms = 1000;
	store.bytes = 1 << 20;
	assert_int_equal(measured_keep_store(&ctx, 0, &store, &err), 0);
	store.bytes = 5LL << 30;
	store.rows_written_s = 12.5;
	assert_int_equal(measured_keep_store(&ctx, 0, &store, &err), 0);
	assert_int_equal(measured_keep_edge(&ctx, &edge, &err), 0);
	edge.calls_s = 6;
	assert_int_equal(measured_keep_edge(&ctx, &edge, &err), 0);
	measured_recall(&ctx, &book);
	assert_non_null(gravity_seen(&book, 0));
	assert_int_equal(gravity_seen(&book, 0)->bytes, 5LL << 30);
	assert_float_equal(gravity_seen(&book, 0)->rows_written_s, 12.5, 1e-6);
	assert_true(gravity_seen(&book, 0)->writers < 0);
	assert_int_equal(book.edges_count, 1);
	assert_float_equal(gravity_edge_cost_ms(gravity_edge_seen(&book, 1, 0)), 9, 1e-6);
	journal_close(ctx.journal);
	plan_free(ctx.plan);
	arena_fini(&ctx.arena);
	program_remove(&program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_newest_is_read_back)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
