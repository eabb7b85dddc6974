/*
 * What the world does to a journal: no room, no right to write, a process that dies.  Each case
 * runs in a child of its own, whose exit code is the number of the step that went wrong.
 */
#include "scratch.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

static int in_child(int (*steps)(struct scratch *), struct scratch *s)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(steps(s));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status))
		fail_msg("ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static int append(struct journal *j, const char *text, struct err *err)
{
	return journal_append(j, &(struct journal_entry){.kind = "t", .text = text}, err);
}

#define STEP(number, cond)                                                                         \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "step %d: %s: %s\n", number, #cond, err.msg);              \
			return number;                                                             \
		}                                                                                  \
	} while (0)

/* With the disk full: refused before the hold, rows behind survive in memory, nothing breaks. */
static int lives_through_a_full_disk(struct scratch *s, void (*make_room)(struct scratch *))
{
	struct err err = ERR_INIT;
	struct journal_report r;
	struct journal *j = NULL;
	char kilobyte[1025];
	int rows = 0;

	memset(kilobyte, 'k', sizeof kilobyte - 1);
	kilobyte[sizeof kilobyte - 1] = '\0';
	STEP(1, journal_open(s->state, JOURNAL_WRITE, "t", &j, &err) == 0);
	while (rows < 20000 && append(j, kilobyte, &err) == 0)
		rows++;
	STEP(2, rows > 10 && rows < 20000);
	STEP(3, err.code == ERR_IO);
	STEP(4, journal_ready(j, &err) == -1 && err.code == ERR_IO);
	journal_append_behind(j, &(struct journal_entry){.kind = "w", .text = "released"});
	while (append(j, kilobyte, &err) == 0)
		rows++;
	STEP(5, err.code == ERR_IO);
	STEP(6, journal_flush(j, &err) == -1 || journal_behind(j) == 0);
	make_room(s);
	STEP(7, journal_ready(j, &err) == 0);
	STEP(8, journal_flush(j, &err) == 0 && journal_behind(j) == 0);
	STEP(9, journal_verify(j, NULL, &r, &err) == 0 && r.sound);
	STEP(10, r.rows == rows + 1);
	journal_close(j);
	return 0;
}

static void remount_larger(struct scratch *s)
{
	if (mount("none", s->dir, NULL, MS_REMOUNT, "size=64m"))
		_exit(90);
}

#define NO_MOUNTS 77

static int tmpfs_is_full(struct scratch *s)
{
	int rc;

	if (geteuid() || unshare(CLONE_NEWNS) ||
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("none", s->dir, "tmpfs", 0, "size=1m"))
		return NO_MOUNTS;
	rc = lives_through_a_full_disk(s, remount_larger);
	umount(s->dir);
	return rc;
}

static void a_full_disk_is_an_error(void **state)
{
	int rc = in_child(tmpfs_is_full, *state);

	if (rc == NO_MOUNTS)
		skip();
	assert_int_equal(rc, 0);
}

static void lift_limit(struct scratch *s)
{
	struct rlimit limit;

	(void)s;
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static int file_size_is_limited(struct scratch *s)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN); /* as airlock does */
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = 600 << 10;
	setrlimit(RLIMIT_FSIZE, &limit);
	return lives_through_a_full_disk(s, lift_limit);
}

static void a_file_size_limit_is_an_error(void **state)
{
	assert_int_equal(in_child(file_size_is_limited, *state), 0);
}

static int disk_is_read_only(struct scratch *s)
{
	struct err err = ERR_INIT;
	struct journal_report r;
	struct journal *j = NULL;

	if (geteuid() || unshare(CLONE_NEWNS) ||
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("none", s->dir, "tmpfs", 0, "size=4m"))
		return NO_MOUNTS;
	STEP(1, journal_open(s->state, JOURNAL_WRITE, "t", &j, &err) == 0);
	STEP(2, append(j, "one", &err) == 0);
	journal_close(j);
	if (mount("none", s->dir, NULL, MS_REMOUNT | MS_RDONLY, NULL))
		return NO_MOUNTS;
	j = NULL;
	STEP(3, journal_open(s->state, JOURNAL_WRITE, "t", &j, &err) == -1);
	STEP(4, err.code == ERR_IO);
	STEP(5, journal_open(s->state, JOURNAL_READ, "t", &j, &err) == 0);
	STEP(6, journal_verify(j, NULL, &r, &err) == 0 && r.sound && r.rows == 1);
	journal_close(j);
	umount(s->dir);
	return 0;
}

static void a_read_only_disk_is_an_error_and_can_be_read(void **state)
{
	int rc = in_child(disk_is_read_only, *state);

	if (rc == NO_MOUNTS)
		skip();
	assert_int_equal(rc, 0);
}

/* Another user's process, so that the directory's mode counts even when root runs the tests. */
static int directory_is_read_only(struct scratch *s)
{
	struct err err = ERR_INIT;
	struct journal *j = NULL;

	if (geteuid() == 0 && (chown(s->dir, 65534, 65534) || setuid(65534)))
		return NO_MOUNTS;
	STEP(1, journal_open(s->state, JOURNAL_WRITE, "t", &j, &err) == 0);
	STEP(2, append(j, "one", &err) == 0);
	journal_close(j);
	j = NULL;
	STEP(3, chmod(s->state, 0500) == 0);
	STEP(4, journal_open(s->state, JOURNAL_WRITE, "t", &j, &err) == -1);
	STEP(5, err.code == ERR_IO);
	STEP(6, journal_open(s->state, JOURNAL_READ, "t", &j, &err) == 0);
	journal_close(j);
	STEP(7, chmod(s->state, 0700) == 0);
	return 0;
}

static void a_read_only_directory_is_an_error_and_can_be_read(void **state)
{
	int rc = in_child(directory_is_read_only, *state);

	if (rc == NO_MOUNTS)
		skip();
	assert_int_equal(rc, 0);
}

/* Appends until it is killed; says through the pipe what was acknowledged. */
static void append_until_killed(struct scratch *s, int fd)
{
	struct err err = ERR_INIT;
	struct journal *j;
	int64_t acked = 0;

	if (journal_open(s->state, JOURNAL_WRITE, "t", &j, &err))
		_exit(1);
	for (;;) {
		if (append(j, "row", &err))
			_exit(2);
		acked++;
		if (write(fd, &acked, sizeof acked) != sizeof acked)
			_exit(3);
	}
}

static void no_acknowledged_row_dies_with_the_process(void **state)
{
	struct scratch *s = *state;
	int64_t rows = 0;

	for (int round = 0; round < 20; round++) {
		int64_t acked = 0, last = 0;
		struct journal_report r;
		int fds[2], status;
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			append_until_killed(s, fds[1]);
		close(fds[1]);
		/* A different number each time, so that it is hit at different places. */
		while (last < 5 + 3 * round && read(fds[0], &last, sizeof last) == sizeof last)
			;
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		for (acked = last; read(fds[0], &last, sizeof last) == sizeof last;)
			acked = last;
		close(fds[0]);
		r = scratch_verify(s, NULL);
		assert_true(r.sound);
		assert_true(r.rows >= rows + acked);
		assert_true(
			r.rows <= rows + acked + 1); /* committed, and killed before it said so */
		rows = r.rows;
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_full_disk_is_an_error),
		CASE(a_file_size_limit_is_an_error),
		CASE(a_read_only_disk_is_an_error_and_can_be_read),
		CASE(a_read_only_directory_is_an_error_and_can_be_read),
		CASE(no_acknowledged_row_dies_with_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
