/* Commands that say things, end badly, hang, or cannot be started. */
#include "../testing.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "action/action.h"
#include "action/child.h"
#include "base/clock.h"

#define HANG_MS 2000 /* for one that hangs: it has begun by then, on a busy machine too */

static int sh(char *script, int64_t timeout_ms, struct child_end *ret, struct err *err)
{
	char *argv[] = {"sh", "-c", script, NULL};
	char side[] = "AIRLOCK_SIDE=new";
	const struct child_call call = {
		.argv = argv, .dir = "/", .env_add = side, .timeout_ms = timeout_ms};

	*err = (struct err)ERR_INIT;
	return child_run(&call, ret, err);
}

static void its_end_and_last_words(void **state)
{
	struct child_end end;
	struct err err;

	(void)state;
	assert_int_equal(sh("echo first; echo last >&2; exit 3", 5000, &end, &err), 0);
	assert_int_equal(end.status, 3);
	assert_string_equal(end.said, "last");
	assert_int_equal(sh("echo $AIRLOCK_SIDE; pwd | grep -qx /", 5000, &end, &err), 0);
	assert_int_equal(end.status, 0);
	assert_string_equal(end.said, "new");
	assert_int_equal(sh("kill -9 $$", 5000, &end, &err), 0);
	assert_int_equal(end.status, 128 + SIGKILL);
	assert_string_equal(end.said, "");
}

static void much_output_does_not_stop_it(void **state)
{
	struct child_end end;
	struct err err;

	(void)state;
	assert_int_equal(sh("seq 1 200000", 20000, &end, &err), 0);
	assert_int_equal(end.status, 0);
	assert_string_equal(end.said, "200000");
}

static void its_input_is_empty(void **state)
{
	struct child_end end;
	struct err err;

	(void)state;
	assert_int_equal(sh("cat; echo done", 5000, &end, &err), 0);
	assert_string_equal(end.said, "done");
}

/* The whole group: what it started in the background as well. */
static void one_that_hangs_is_ended_with_its_children(void **state)
{
	char file[] = "/tmp/airlock-child-XXXXXX", script[200];
	int fd = mkstemp(file), pid = 0, status = 0;
	struct child_end end;
	struct err err;
	int64_t began = clock_now_ms();
	FILE *f;

	(void)state;
	assert_true(fd >= 0);
	/* The orphan comes to us: in a container nobody else may reap it. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	snprintf(script, sizeof script, "trap '' TERM; sleep 1000 & echo $! >%s; wait; wait", file);
	assert_int_equal(sh(script, HANG_MS, &end, &err), -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_true(clock_now_ms() - began < 60000);
	f = fdopen(fd, "r");
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	unlink(file);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Law 12: what the caller's environment holds beyond where and who it is stays there. */
static void secrets_stay_with_the_caller(void **state)
{
	struct child_end end;
	struct err err;

	(void)state;
	setenv("PGPASSWORD", "hunter2", 1);
	setenv("DATABASE_URL", "postgresql://u:hunter2@h/d", 1);
	setenv("LC_TIME", "C.UTF-8", 1);
	assert_int_equal(sh("env | grep -c hunter2", 5000, &end, &err), 0);
	assert_string_equal(end.said, "0");
	assert_int_equal(sh("echo $LC_TIME; test -n \"$PATH\"", 5000, &end, &err), 0);
	assert_int_equal(end.status, 0);
	assert_string_equal(end.said, "C.UTF-8");
	unsetenv("PGPASSWORD");
	unsetenv("DATABASE_URL");
	unsetenv("LC_TIME");
}

static void the_end_of_its_output_is_kept(void **state)
{
	struct child_end end;
	struct err err;

	(void)state;
	assert_int_equal(sh("echo one; echo two >&2", 5000, &end, &err), 0);
	assert_string_equal(end.output, "one\ntwo\n");
	assert_int_equal(sh("seq 1 100000; printf 'a\\0b'", 5000, &end, &err), 0);
	assert_int_equal(strlen(end.output), CHILD_OUTPUT_BYTES - 1);
	assert_string_equal(end.output + CHILD_OUTPUT_BYTES - 1 - 10, "100000\na b");
	/* One that hangs has said something, too. */
	assert_int_equal(sh("echo waiting for the disk; sleep 100", HANG_MS, &end, &err), -1);
	assert_string_equal(end.output, "waiting for the disk\n");
}

static void words_as_a_shell_takes_them(void **state)
{
	char *argv[] = {"./switch", "to new", "it's", "", "a=b", NULL};
	BUF_AUTO line = BUF_INIT;

	(void)state;
	action_words(&line, argv);
	assert_string_equal(buf_str(&line), "./switch 'to new' 'it'\\''s' '' a=b");
}

static void one_that_is_not_there(void **state)
{
	char *argv[] = {"/no/such/program", NULL};
	const struct child_call call = {.argv = argv, .timeout_ms = 5000};
	struct child_end end;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(child_run(&call, &end, &err), -1);
	assert_int_equal(err.code, ERR_CANNOT);
	assert_non_null(strstr(err.msg, "/no/such/program"));
}

/* ---- with observation and undo --------------------------------------------------------------- */

struct world {
	char dir[40];
	struct plan_action action;
	struct action_call call;
};

static struct world make_world(char *exec[], char *observe[], char *undo[])
{
	struct world w = {.dir = "/tmp/airlock-action-XXXXXX",
		.action = {.exec = exec, .observe = observe, .undo = undo, .timeout_ms = HANG_MS}};

	assert_non_null(mkdtemp(w.dir));
	return w;
}

static void remove_world(struct world *w)
{
	char flag[80];

	snprintf(flag, sizeof flag, "%s/flag", w->dir);
	unlink(flag);
	assert_int_equal(rmdir(w->dir), 0);
}

static void done_is_what_was_observed(void **state)
{
	struct world w = make_world((char *[]){"touch", "flag", NULL},
		(char *[]){"test", "-e", "flag", NULL}, (char *[]){"rm", "flag", NULL});
	const struct action_call call = {&w.action, w.dir, "old"};
	struct err err = ERR_INIT;
	bool done = true;

	(void)state;
	assert_int_equal(action_observe(&call, &done, &err), 0);
	assert_false(done);
	assert_int_equal(action_make(&call, true, NULL, &err), 0);
	assert_int_equal(action_observe(&call, &done, &err), 0);
	assert_true(done);
	assert_int_equal(action_make(&call, false, NULL, &err), 0);
	assert_int_equal(action_observe(&call, &done, &err), 0);
	assert_false(done);
	remove_world(&w);
}

/* A command that claims success is not believed, and one that fails may have done it. */
static void claims_do_not_count(void **state)
{
	struct world w = make_world((char *[]){"true", NULL},
		(char *[]){"test", "-e", "flag", NULL}, (char *[]){"false", NULL});
	const struct action_call call = {&w.action, w.dir, "old"};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(action_make(&call, true, NULL, &err), -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_int_equal(action_make(&call, false, NULL, &err), 0);
	remove_world(&w);
}

static void a_broken_observation_is_no_answer(void **state)
{
	struct world w = make_world((char *[]){"true", NULL},
		(char *[]){"sh", "-c", "exit 127", NULL}, (char *[]){"true", NULL});
	const struct action_call call = {&w.action, w.dir, "old"};
	struct err err = ERR_INIT;
	bool done;

	(void)state;
	assert_int_equal(action_observe(&call, &done, &err), -1);
	assert_int_equal(err.code, ERR_CANNOT);
	remove_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_end_and_last_words),
		cmocka_unit_test(much_output_does_not_stop_it),
		cmocka_unit_test(its_input_is_empty),
		cmocka_unit_test(one_that_hangs_is_ended_with_its_children),
		cmocka_unit_test(secrets_stay_with_the_caller),
		cmocka_unit_test(the_end_of_its_output_is_kept),
		cmocka_unit_test(words_as_a_shell_takes_them),
		cmocka_unit_test(one_that_is_not_there),
		cmocka_unit_test(done_is_what_was_observed),
		cmocka_unit_test(claims_do_not_count),
		cmocka_unit_test(a_broken_observation_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
