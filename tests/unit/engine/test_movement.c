/* In which order services move, and what becomes of them when a command or the record fails.  A
 * service's world is a file: there = new. */
#include "../testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/movement.h"

#define HEAD                                                                                       \
	"airlock: 1\nname: t\nroutes: {direct: {kind: none}}\nstores:\n"                           \
	"  db: {engine: postgresql, old: \"host=a dbname=d\", new: \"host=b dbname=d\","           \
	" pattern: replica-promotion, sync: logical, route: direct}\nservices:\n"
#define MOVE(name)                                                                                 \
	"move: {exec: [touch, " name "], observe: [test, -e, " name "], undo: [rm, -f, " name      \
	"], timeout: 500ms}"
/* The store with its reader and its entry point is one circle, and so one wave. */
#define TOGETHER                                                                                   \
	"  ids: {tier: support, " MOVE(                                                            \
		"ids") "}\n"                                                                       \
		       "  mail: {tier: support, " MOVE(                                            \
			       "mail") "}\n"                                                       \
				       "  read: {tier: read-only, reads: [db], needs: "            \
				       "[web], " MOVE(                                             \
					       "read") "}\n"                                       \
						       "  web: {tier: entry, writes: [db], " MOVE( \
							       "web") "}\n"                        \
								      "  cron: {tier: entry, "     \
								      "writes: [db], needs: "      \
								      "[read]}\n"

static void no_point(struct env *env, const char *when, const char *what)
{
	(void)env, (void)when, (void)what;
}

static const struct env_ops env_ops = {.point = no_point};

struct world {
	struct arena arena;
	struct problems problems;
	struct plan *plan;
	struct sequence sequence;
	struct env env;
	char dir[40];
	struct movement m;
	char rows[40][64];
	size_t rows_count;
	size_t full_after; /* rows; then the record fails */
};

static int put(struct world *w, const char *text, struct err *err)
{
	if (w->rows_count >= w->full_after)
		return err_set(err, ERR_IO, "disk full");
	assert_true(w->rows_count < 40);
	snprintf(w->rows[w->rows_count++], sizeof w->rows[0], "%s", text);
	return 0;
}

static int remember_wave(void *arg, enum wave_state state, struct err *err)
{
	return put(arg, wave_state_name(state), err);
}

static int remember(void *arg, const struct move_note *note, struct err *err)
{
	char text[64];

	snprintf(text, sizeof text, "%s %s %s", note->item->service->name,
		move_state_name(note->state), side_name(note->goal));
	return put(arg, text, err);
}

static void tell(void *arg, const char *service, const char *what)
{
	(void)arg, (void)service, (void)what;
}

static void open_world(struct world *w, const char *text)
{
	struct err err = ERR_INIT;

	*w = (struct world){.dir = "/tmp/airlock-movement-XXXXXX",
		.env = {.ops = &env_ops},
		.full_after = 40,
		.m = {.arg = w,
			.remember_wave = remember_wave,
			.remember = remember,
			.tell = tell}};
	problems_init(&w->problems, &w->arena);
	assert_int_equal(plan_parse("t.yaml", text, strlen(text), &w->plan, &w->problems, &err), 0);
	sequence_make(w->plan, &w->arena, &w->sequence);
	assert_non_null(mkdtemp(w->dir));
	w->m.dir = w->dir;
	w->m.env = &w->env;
}

static void close_world(struct world *w)
{
	char command[80];

	snprintf(command, sizeof command, "rm -r %s", w->dir);
	assert_int_equal(system(command), 0);
	plan_free(w->plan);
	arena_fini(&w->arena);
}

static void list(struct world *w, size_t wave, enum side goal)
{
	assert_true(wave >= 1 && wave <= w->sequence.count);
	movement_list(w->plan, &w->sequence.waves[wave - 1], goal, &w->arena, &w->m);
	w->rows_count = 0;
}

static bool is_new(const struct world *w, const char *name)
{
	char path[80];

	snprintf(path, sizeof path, "%s/%s", w->dir, name);
	return access(path, F_OK) == 0;
}

static void assert_items(const struct world *w, const char *wanted)
{
	char text[200] = "";

	for (size_t i = 0; i < w->m.count; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s%s", i ? " " : "",
			w->m.items[i].after ? "+" : "", w->m.items[i].service->name);
	assert_string_equal(text, wanted);
}

static void the_order_and_the_same_backwards(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, HEAD TOGETHER);
	assert_int_equal(w.sequence.count, 3);
	list(&w, 1, SIDE_NEW);
	assert_items(&w, "ids mail");
	list(&w, 1, SIDE_OLD);
	assert_items(&w, "mail ids");
	list(&w, 2, SIDE_NEW);
	assert_items(&w, "read +web");
	list(&w, 2, SIDE_OLD);
	assert_items(&w, "web +read");
	list(&w, 3, SIDE_NEW); /* cron has no `move` */
	assert_items(&w, "");
	close_world(&w);
}

static void remembered_before_and_after(void **state)
{
	static const char *const rows[] = {"begun", "ids intent new", "ids moved new",
		"mail intent new", "mail moved new", "done"};
	struct err err = ERR_INIT;
	struct world w;

	(void)state;
	open_world(&w, HEAD TOGETHER);
	list(&w, 1, SIDE_NEW);
	assert_int_equal(movement_look(&w.m, &err), 0);
	assert_true(movement_is_needed(&w.m));
	assert_int_equal(movement_begin(&w.m, &err), 0);
	assert_int_equal(movement_carry(&w.m, false, &err), 0);
	assert_int_equal(movement_end(&w.m, &err), 0);
	assert_true(is_new(&w, "ids") && is_new(&w, "mail"));
	assert_int_equal(w.rows_count, 6);
	for (size_t i = 0; i < 6; i++)
		assert_string_equal(w.rows[i], rows[i]);
	assert_int_equal(movement_look(&w.m, &err), 0);
	assert_false(movement_is_needed(&w.m));
	close_world(&w);
}

/* Law 4: an intent that cannot be written down is none. */
static void without_a_record_nothing_is_run(void **state)
{
	struct err err = ERR_INIT;
	struct world w;

	(void)state;
	open_world(&w, HEAD TOGETHER);
	list(&w, 1, SIDE_NEW);
	w.full_after = 0;
	assert_int_equal(movement_begin(&w.m, &err), -1);
	assert_int_equal(w.m.state, WAVE_NONE);
	w.full_after = 1;
	assert_int_equal(movement_begin(&w.m, &err), 0);
	assert_int_equal(movement_carry(&w.m, false, &err), -1);
	assert_string_equal(err.msg, "disk full");
	assert_false(is_new(&w, "ids") || movement_has_touched(&w.m));
	close_world(&w);
}

/* The disk is full in the middle: what was moved goes back all the same. */
static void taken_back_without_a_record(void **state)
{
	struct err err = ERR_INIT;
	struct world w;

	(void)state;
	open_world(&w, HEAD TOGETHER);
	list(&w, 1, SIDE_NEW);
	w.full_after = 4; /* begun, ids intent, ids moved, mail intent */
	assert_int_equal(movement_begin(&w.m, &err), 0);
	assert_int_equal(movement_carry(&w.m, false, &err), -1);
	assert_true(is_new(&w, "ids") && is_new(&w, "mail"));
	assert_int_equal(movement_take_back(&w.m, &err), -1); /* "undone" is not written either */
	assert_false(is_new(&w, "ids") || is_new(&w, "mail"));
	assert_false(movement_has_touched(&w.m));
	close_world(&w);
}

static void what_stood_there_is_not_taken_back(void **state)
{
	struct err err = ERR_INIT;
	char path[80];
	struct world w;
	FILE *f;

	(void)state;
	open_world(&w, HEAD TOGETHER);
	snprintf(path, sizeof path, "%s/ids", w.dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	list(&w, 1, SIDE_NEW);
	assert_int_equal(movement_begin(&w.m, &err), 0);
	assert_int_equal(movement_carry(&w.m, false, &err), 0);
	assert_int_equal(w.m.items[0].state, MOVE_THERE);
	assert_int_equal(movement_take_back(&w.m, &err), 0);
	assert_true(is_new(&w, "ids"));
	assert_false(is_new(&w, "mail"));
	assert_string_equal(w.rows[w.rows_count - 1], "undone");
	close_world(&w);
}

/* Law 8: one that failed behind its stores goes back alone. */
static void pending_takes_back_what_failed_and_nothing_else(void **state)
{
	struct err err = ERR_INIT;
	struct world w;

	(void)state;
	open_world(&w, HEAD TOGETHER);
	list(&w, 2, SIDE_NEW);
	assert_int_equal(movement_begin(&w.m, &err), 0);
	assert_int_equal(movement_carry(&w.m, false, &err), 0);
	assert_false(is_new(&w, "web"));
	w.m.items[1].state = MOVE_FAILED; /* somewhere on its way */
	assert_int_equal(movement_leave_pending(&w.m, &err), 0);
	assert_true(is_new(&w, "read"));
	assert_int_equal(w.m.items[1].state, MOVE_NONE);
	assert_string_equal(w.rows[w.rows_count - 1], "pending");
	assert_string_equal(w.rows[w.rows_count - 2], "web moved old");
	close_world(&w);
}

/* As `resume` finds them: two were brought there by the attempt that died, and the one between them
 * cannot be.  What stands where it is to be is not turned back with it. */
static void pending_leaves_what_an_earlier_attempt_brought_there(void **state)
{
	struct world w;
	struct err err = ERR_INIT;
	char path[80];

	(void)state;
	open_world(&w, HEAD "  a: {tier: entry, writes: [db], " MOVE("a") "}\n"
			    "  b: {tier: entry, writes: [db], " MOVE("no/b") "}\n"
			    "  c: {tier: entry, writes: [db], " MOVE("c") "}\n");
	list(&w, 2, SIDE_NEW);
	assert_items(&w, "a b c");
	for (size_t i = 0; i < 3; i++)
		w.m.items[i].state = MOVE_INTENT;
	for (const char *name = "ac"; *name; name++) {
		snprintf(path, sizeof path, "%s/%c", w.dir, *name);
		fclose(fopen(path, "w"));
	}
	assert_int_equal(movement_carry(&w.m, false, &err), -1);
	assert_non_null(strstr(err.msg, "moving b to new"));
	assert_int_equal(movement_leave_pending(&w.m, &err), 0);
	assert_true(is_new(&w, "a"));
	assert_true(is_new(&w, "c"));
	close_world(&w);
}

static void names_lead_back(void **state)
{
	(void)state;
	for (int i = 0; i < MOVE_STATE_COUNT; i++)
		assert_int_equal(move_state_find(move_state_name((enum move_state)i)), i);
	for (int i = 0; i < WAVE_STATE_COUNT; i++)
		assert_int_equal(wave_state_find(wave_state_name((enum wave_state)i)), i);
	assert_int_equal(wave_state_find("lost"), WAVE_STATE_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_and_the_same_backwards),
		cmocka_unit_test(remembered_before_and_after),
		cmocka_unit_test(without_a_record_nothing_is_run),
		cmocka_unit_test(taken_back_without_a_record),
		cmocka_unit_test(what_stood_there_is_not_taken_back),
		cmocka_unit_test(pending_takes_back_what_failed_and_nothing_else),
		cmocka_unit_test(pending_leaves_what_an_earlier_attempt_brought_there),
		cmocka_unit_test(names_lead_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
