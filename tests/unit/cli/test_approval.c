/* Approval at a terminal and without one: each case in a child, whose exit code is the answer. */
#include "program.h"

#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/approval.h"

static const char plan_file[] = "airlock: 1\n"
				"name: p\n"
				"stores:\n"
				"  s:\n"
				"    engine: postgresql\n"
				"    old: \"host=a dbname=d user=u\"\n"
				"    new: \"host=b dbname=d user=u\"\n"
				"    pattern: replica-promotion\n"
				"    sync: logical\n"
				"    route: r\n"
				"routes:\n"
				"  r: {kind: none}\n";

struct world {
	struct program program;
	char state[100];
	struct options opt;
	struct out out;
	struct cmd_ctx ctx;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct err err = ERR_INIT;

	program_make(&w->program);
	snprintf(w->state, sizeof w->state, "%s/state", w->program.dir);
	out_init(&w->out, stdout, stderr, true);
	w->ctx = (struct cmd_ctx){.opt = &w->opt, .out = &w->out, .state_dir = w->state};
	problems_init(&w->ctx.problems, &w->ctx.arena);
	if (plan_parse(
		    "p.yaml", plan_file, strlen(plan_file), &w->ctx.plan, &w->ctx.problems, &err) ||
		journal_open(w->state, JOURNAL_WRITE, "airlock test", &w->ctx.journal, &err))
		fail_msg("%s", err.msg);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	journal_close(w->ctx.journal);
	plan_free(w->ctx.plan);
	arena_fini(&w->ctx.arena);
	program_remove(&w->program);
	free(w);
	return 0;
}

static bool recorded(struct world *w)
{
	struct journal_fact fact;
	struct err err = ERR_INIT;
	bool found = false;

	if (journal_get(w->ctx.journal, "approval", w->ctx.plan->hash, &found, &fact, &err))
		fail_msg("%s", err.msg);
	if (found)
		journal_fact_fini(&fact);
	return found;
}

static enum err_code need(struct world *w, enum approval_source source)
{
	struct err err = ERR_INIT;

	return approval_need(&w->ctx, FLAG_RUN_APPROVE, source, "run the plan", &err) ? err.code
										      : ERR_OK;
}

static void nobody_asked_is_nobody_approved(void **state)
{
	struct world *w = *state;
	assert_non_null(freopen("/dev/null", "r", stdin));
	assert_int_equal(need(w, APPROVAL_RECORDED), ERR_REFUSED);
	assert_false(recorded(w));
}

static void the_flag_approves_exactly_this_plan(void **state)
{
	struct world *w = *state;
	char hash[PLAN_HASH_BYTES];

	w->opt.values[FLAG_RUN_APPROVE] = "00000000";
	assert_int_equal(need(w, APPROVAL_NOW), ERR_STALE);
	assert_false(recorded(w));
	snprintf(hash, sizeof hash, "%s", w->ctx.plan->hash);
	hash[8] = '\0';
	w->opt.values[FLAG_RUN_APPROVE] = hash;
	assert_int_equal(need(w, APPROVAL_NOW), ERR_OK);
	assert_true(recorded(w));
}

static void a_recorded_approval_counts_where_it_may(void **state)
{
	struct world *w = *state;
	struct err err = ERR_INIT;

	assert_non_null(freopen("/dev/null", "r", stdin));
	assert_int_equal(approval_record(&w->ctx, &err), 0);
	assert_int_equal(need(w, APPROVAL_RECORDED), ERR_OK);
	assert_int_equal(need(w, APPROVAL_NOW), ERR_REFUSED);
}

/* Runs in a child whose terminal is a pty; 0 approved, 1 refused, 2 anything else. */
static int typed(const char *line)
{
	char screen[512] = "";
	size_t len = 0;
	int master, status;
	pid_t pid = forkpty(&master, NULL, NULL, NULL);

	assert_true(pid >= 0);
	if (pid == 0) {
		void *state;
		enum err_code code;

		setup(&state);
		code = need(state, APPROVAL_NOW);
		if (code == ERR_OK && !recorded(state))
			code = ERR_INTERNAL;
		teardown(&state);
		_exit(code == ERR_OK ? 0 : code == ERR_REFUSED ? 1 : 2);
	}
	while (len < sizeof screen - 1 && !strstr(screen, "to run the plan: ")) {
		ssize_t got = read(master, screen + len, sizeof screen - 1 - len);

		if (got <= 0)
			break;
		len += (size_t)got;
		screen[len] = '\0';
	}
	assert_non_null(strstr(screen, "first 8 digits"));
	assert_int_equal(write(master, line, strlen(line)), (ssize_t)strlen(line));
	while (read(master, screen, sizeof screen) > 0)
		;
	close(master);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void at_a_terminal_the_hash_is_typed(void **state)
{
	struct world *w = *state;
	char line[32];

	snprintf(line, sizeof line, "%.8s\n", w->ctx.plan->hash);
	assert_int_equal(typed(line), 0);
	assert_int_equal(typed("yes\n"), 1);
	assert_int_equal(typed("\n"), 1);
	assert_int_equal(typed("\004"), 1); /* end of file */
	snprintf(line, sizeof line, "%.7s\n", w->ctx.plan->hash);
	assert_int_equal(typed(line), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(at_a_terminal_the_hash_is_typed),
		CASE(nobody_asked_is_nobody_approved),
		CASE(the_flag_approves_exactly_this_plan),
		CASE(a_recorded_approval_counts_where_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
