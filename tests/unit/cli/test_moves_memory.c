/* What the journal remembers of services that move, of which plan, wave and attempt. */
#include "program.h"

#include <string.h>

#include "cli/moves_memory.h"

#define STORE                                                                                      \
	"stores:\n  s: {engine: postgresql, old: \"host=a dbname=d\", new: \"host=b dbname=d\",\n" \
	"      pattern: replica-promotion, sync: logical, route: r}\nroutes: {r: {kind: none}}\n"
#define MOVE "move: {exec: [new], observe: [on], undo: [old], timeout: 3s}"

struct world {
	struct program program;
	struct out out;
	struct cmd_ctx ctx;
	struct sequence sequence;
	struct movement movement; /* of the first wave */
	struct moves_writer writer;
};

static struct plan *plan_of(struct cmd_ctx *ctx, const char *name, const char *services)
{
	struct plan *plan = NULL;
	struct err err = ERR_INIT;
	const char *text = arena_printf(
		&ctx->arena, "airlock: 1\nname: %s\n" STORE "services:\n%s", name, services);

	if (plan_parse("p", text, strlen(text), &plan, &ctx->problems, &err))
		fail_msg("%s", err.msg);
	return plan;
}

/* The plan in hand from now on. */
static void take_plan(struct world *w, const char *name, const char *services)
{
	plan_free(w->ctx.plan);
	w->ctx.plan = plan_of(&w->ctx, name, services);
	sequence_make(w->ctx.plan, &w->ctx.arena, &w->sequence);
	movement_list(w->ctx.plan, &w->sequence.waves[0], SIDE_NEW, &w->ctx.arena, &w->movement);
	w->writer = (struct moves_writer){
		.ctx = &w->ctx, .run = "x", .wave = 1, .attempt = 1, .movement = &w->movement};
}

static void world_make(struct world *w)
{
	struct err err = ERR_INIT;

	*w = (struct world){.ctx = {.out = &w->out}};
	program_make(&w->program);
	out_init(&w->out, stdout, stderr, true);
	problems_init(&w->ctx.problems, &w->ctx.arena);
	if (journal_open(w->program.dir, JOURNAL_WRITE, "airlock test", &w->ctx.journal, &err))
		fail_msg("%s", err.msg);
}

static void world_remove(struct world *w)
{
	journal_close(w->ctx.journal);
	plan_free(w->ctx.plan);
	arena_fini(&w->ctx.arena);
	program_remove(&w->program);
}

static void note(struct world *w, size_t item, enum move_state state)
{
	const struct move_note row = {
		.item = &w->movement.items[item], .state = state, .goal = SIDE_NEW, .why = ""};
	struct err err = ERR_INIT;

	assert_int_equal(moves_remember(&w->writer, &row, &err), 0);
}

static void begin(struct world *w)
{
	struct err err = ERR_INIT;

	assert_int_equal(moves_remember_wave(&w->writer, WAVE_BEGUN, &err), 0);
}

static const struct wave_record *recall(struct world *w)
{
	struct wave_record *records;
	struct err err = ERR_INIT;

	assert_int_equal(moves_recall_waves(&w->ctx, &records, &err), 0);
	assert_int_equal(moves_recall_items(&w->ctx, 1, &records[1], &w->movement, &err), 0);
	return &records[1];
}

#define TWO "  a: {tier: support, " MOVE "}\n  b: {tier: support, " MOVE "}\n"

/* Two plans beside each other have one journal; their services may have the same names. */
static void another_plan_does_not_answer(void **state)
{
	struct world w;

	(void)state;
	world_make(&w);
	take_plan(&w, "mine", TWO);
	begin(&w);
	note(&w, 0, MOVE_INTENT);
	take_plan(&w, "other", TWO);
	begin(&w);
	note(&w, 0, MOVE_THERE);
	note(&w, 1, MOVE_INTENT);
	take_plan(&w, "mine", TWO);
	assert_int_equal(recall(&w)->state, WAVE_BEGUN);
	assert_int_equal(w.movement.items[0].state, MOVE_INTENT);
	assert_int_equal(w.movement.items[1].state, MOVE_NONE);
	world_remove(&w);
}

static void an_earlier_attempt_does_not_answer(void **state)
{
	struct world w;

	(void)state;
	world_make(&w);
	take_plan(&w, "mine", TWO);
	begin(&w);
	note(&w, 0, MOVE_INTENT);
	w.writer.attempt = 2;
	begin(&w);
	note(&w, 1, MOVE_INTENT);
	assert_int_equal(recall(&w)->attempt, 2);
	assert_int_equal(w.movement.items[0].state, MOVE_NONE);
	assert_int_equal(w.movement.items[1].state, MOVE_INTENT);
	world_remove(&w);
}

/* A wave is a number, and the plan may move others with it now. */
static void what_was_not_begun_is_taken_out(void **state)
{
	const struct wave_record *record;
	struct world w;

	(void)state;
	world_make(&w);
	take_plan(&w, "mine", TWO);
	begin(&w);
	note(&w, 0, MOVE_INTENT);
	take_plan(&w, "mine", "  b: {tier: support, " MOVE "}\n  c: {tier: support, " MOVE "}\n");
	record = recall(&w);
	assert_int_equal(record->services_count, 2);
	assert_true(wave_concerns(record, "a") && wave_concerns(record, "b"));
	assert_false(wave_concerns(record, "c"));
	assert_int_equal(w.movement.count, 1);
	assert_string_equal(w.movement.items[0].service->name, "b");
	world_remove(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_plan_does_not_answer),
		cmocka_unit_test(an_earlier_attempt_does_not_answer),
		cmocka_unit_test(what_was_not_begun_is_taken_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
