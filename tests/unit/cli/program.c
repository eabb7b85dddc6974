#include "program.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

#define ARGS_FOR_TESTS 32

void program_make(struct program *p)
{
	snprintf(p->dir, sizeof p->dir, "/tmp/airlock-cli-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void program_remove(struct program *p)
{
	assert_int_equal(nftw(p->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void program_file(struct program *p, const char *name, const char *text)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", p->dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

_Noreturn static void become(const struct program *p, const char *const *argv, int out, int err)
{
	const char *all[ARGS_FOR_TESTS];
	const char *binary = getenv("AIRLOCK_BIN");
	size_t count = 0;

	if (!binary || chdir(p->dir) || dup2(out, 1) < 0 || dup2(err, 2) < 0 ||
		dup2(open("/dev/null", O_RDONLY), 0) < 0)
		_exit(126);
	all[count++] = "airlock";
	for (size_t i = 0; argv[i] && count < ARRAY_LEN(all) - 1; i++)
		all[count++] = argv[i];
	all[count] = NULL;
	execv(binary, (char *const *)(uintptr_t)all);
	_exit(127);
}

static void drain(int fds[2], struct ran *ran)
{
	struct buf *bufs[2] = {&ran->out, &ran->err};
	struct pollfd polls[2] = {
		{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
	int open_fds = 2;
	char chunk[4096];

	while (open_fds > 0) {
		assert_true(poll(polls, 2, 60000) > 0);
		for (int i = 0; i < 2; i++) {
			ssize_t len;

			if (!polls[i].revents)
				continue;
			len = read(polls[i].fd, chunk, sizeof chunk);
			if (len > 0) {
				buf_add(bufs[i], chunk, (size_t)len);
				continue;
			}
			polls[i].fd = -1;
			open_fds--;
		}
	}
}

struct ran program_run(struct program *p, const char *const *argv)
{
	struct ran ran = {.exit_code = -1};
	int out[2], err[2], status;
	pid_t pid;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		become(p, argv, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	drain((int[2]){out[0], err[0]}, &ran);
	close(out[0]);
	close(err[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		ran.exit_code = WEXITSTATUS(status);
	return ran;
}

void ran_fini(struct ran *ran)
{
	buf_fini(&ran->out);
	buf_fini(&ran->err);
}
