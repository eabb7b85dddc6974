#include "scratch.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int setup(void **state)
{
	struct scratch *s = calloc(1, sizeof *s);

	scratch_make(s);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	scratch_remove(*state);
	free(*state);
	return 0;
}

/* A child that holds the lock until it is killed; returns when it does. */
static pid_t holder_start(const struct scratch *s)
{
	int fds[2];
	char byte = 'x';
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct journal_lock *lock;
		struct err err = ERR_INIT;

		if (journal_lock_take(s->state, "airlock run", &lock, NULL, &err))
			byte = 'n';
		if (write(fds[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(fds[0]);
	return pid;
}

static void the_second_one_learns_who_holds_it(void **state)
{
	struct scratch *s = *state;
	pid_t pid = holder_start(s);
	struct journal_holder holder;
	struct journal_lock *lock;
	struct err err = ERR_INIT;
	char host[65] = "";
	int status;

	assert_int_equal(journal_lock_take(s->state, "airlock resume", &lock, &holder, &err), -1);
	assert_int_equal(err.code, ERR_BUSY);
	assert_int_equal(err_exit_code(err.code), 9);
	assert_int_equal(holder.pid, pid);
	assert_string_equal(holder.command, "airlock run");
	gethostname(host, sizeof host - 1);
	assert_string_equal(holder.host, host);
	assert_int_equal(holder.since[10], 'T');
	assert_non_null(strstr(err.msg, host));
	/* It ends with its process, however that ends. */
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	err = ERR_INIT;
	if (journal_lock_take(s->state, "airlock resume", &lock, &holder, &err))
		fail_msg("%s", err.msg);
	journal_lock_release(lock);
}

static void a_stopped_holder_still_holds_it(void **state)
{
	struct scratch *s = *state;
	pid_t pid = holder_start(s);
	struct journal_lock *lock;
	struct err err = ERR_INIT;
	int status;

	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_int_equal(journal_lock_take(s->state, "t", &lock, NULL, &err), -1);
	assert_int_equal(err.code, ERR_BUSY);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void released_it_is_free_and_nameless(void **state)
{
	struct scratch *s = *state;
	struct journal_lock *lock, *second;
	struct err err = ERR_INIT;
	char path[120];

	assert_int_equal(journal_lock_take(s->state, "a", &lock, NULL, &err), 0);
	assert_int_equal(journal_lock_take(s->state, "b", &second, NULL, &err), -1);
	assert_int_equal(err.code, ERR_BUSY);
	journal_lock_release(lock);
	snprintf(path, sizeof path, "%s/lock", s->state);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(journal_lock_take(s->state, "b", &second, NULL, &err), 0);
	journal_lock_release(second);
	journal_lock_release(NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_second_one_learns_who_holds_it),
		CASE(a_stopped_holder_still_holds_it),
		CASE(released_it_is_free_and_nameless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
