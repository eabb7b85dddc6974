#include "action/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

#define END_GRACE_MS 2000

struct child {
	pid_t pid;
	int pidfd; /* readable once it has ended */
	int out;   /* the read end of both of its outputs */
	char tail[1024];
	size_t tail_len;
};

extern char **environ;

/* What is no secret by its meaning.  A list of what is one could only be too short. */
static bool is_passed_on(const char *variable)
{
	static const char *const names[] = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR",
		"TZ", "LANG", "LANGUAGE", "XDG_RUNTIME_DIR"};
	size_t len = strcspn(variable, "=");

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (len == strlen(names[i]) && strncmp(variable, names[i], len) == 0)
			return true;
	return strncmp(variable, "LC_", 3) == 0;
}

static char **environment_with(char *added)
{
	size_t count = 0, kept = 0;
	char **all;

	while (environ[count])
		count++;
	all = calloc(count + 2, sizeof *all);
	for (size_t i = 0; all && i < count; i++)
		if (is_passed_on(environ[i]))
			all[kept++] = environ[i];
	if (all && added)
		all[kept] = added;
	return all;
}

static int prepare(const struct child_call *call, int out, posix_spawn_file_actions_t *files,
	posix_spawnattr_t *attr)
{
	sigset_t none, standard;

	sigemptyset(&none);
	sigemptyset(&standard);
	for (size_t i = 0; i < 4; i++)
		sigaddset(&standard, (const int[]){SIGINT, SIGTERM, SIGPIPE, SIGXFSZ}[i]);
	if (posix_spawnattr_setsigmask(attr, &none) ||
		posix_spawnattr_setsigdefault(attr, &standard) ||
		posix_spawnattr_setpgroup(attr, 0) ||
		posix_spawnattr_setflags(attr,
			POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
		return -1;
	if (posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0) ||
		posix_spawn_file_actions_adddup2(files, out, 1) ||
		posix_spawn_file_actions_adddup2(files, out, 2))
		return -1;
	return call->dir ? posix_spawn_file_actions_addchdir_np(files, call->dir) : 0;
}

static int spawn(const struct child_call *call, int out, pid_t *ret_pid, struct err *err)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	char **env = environment_with(call->env_add);
	int rc = env ? 0 : ENOMEM;

	ENSURE(posix_spawn_file_actions_init(&files) == 0);
	ENSURE(posix_spawnattr_init(&attr) == 0);
	if (rc == 0)
		rc = prepare(call, out, &files, &attr) ? ENOMEM : 0;
	if (rc == 0)
		rc = posix_spawnp(ret_pid, call->argv[0], &files, &attr, call->argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	free(env);
	if (rc != 0)
		return err_set(
			err, ERR_CANNOT, "%s: cannot be started: %s", call->argv[0], strerror(rc));
	return 0;
}

static int start(const struct child_call *call, struct child *ret, struct err *err)
{
	struct child child = {.pidfd = -1};
	int ends[2], rc;

	if (pipe2(ends, O_CLOEXEC))
		return err_set(err, ERR_IO, "no pipe for a command: %s", strerror(errno));
	rc = spawn(call, ends[1], &child.pid, err);
	close(ends[1]);
	child.out = ends[0];
	if (rc == 0) {
		child.pidfd = pidfd_open(child.pid, 0);
		INVARIANT(child.pidfd >= 0); /* it is not waited for by anybody else */
		ENSURE(fcntl(child.out, F_SETFL, O_NONBLOCK) == 0);
		*ret = child;
		return 0;
	}
	close(child.out);
	return -1;
}

/* Keeps the end of what it says; false when there is nothing (more) to read now. */
static bool take_output(struct child *child)
{
	char fresh[512];
	ssize_t n = read(child->out, fresh, sizeof fresh);
	size_t keep;

	if (n <= 0)
		return false;
	keep = sizeof child->tail - (size_t)n;
	if (child->tail_len > keep) {
		memmove(child->tail, child->tail + child->tail_len - keep, keep);
		child->tail_len = keep;
	}
	memcpy(child->tail + child->tail_len, fresh, (size_t)n);
	child->tail_len += (size_t)n;
	return true;
}

static void last_line(const struct child *child, char ret[CHILD_SAID_BYTES])
{
	size_t end = child->tail_len, begin;

	while (end > 0 && (child->tail[end - 1] == '\n' || child->tail[end - 1] == '\r'))
		end--;
	begin = end;
	while (begin > 0 && child->tail[begin - 1] != '\n')
		begin--;
	snprintf(ret, CHILD_SAID_BYTES, "%.*s", (int)(end - begin), child->tail + begin);
}

static void all_kept(const struct child *child, char ret[CHILD_OUTPUT_BYTES])
{
	_Static_assert(sizeof child->tail < CHILD_OUTPUT_BYTES, "room for the NUL");
	for (size_t i = 0; i < child->tail_len; i++)
		ret[i] = child->tail[i] ? child->tail[i] : ' ';
	ret[child->tail_len] = '\0';
}

/* True when it ended before `until_ms`. */
static bool await_end(struct child *child, int64_t until_ms)
{
	struct pollfd fds[] = {{child->pidfd, POLLIN, 0}, {child->out, POLLIN, 0}};

	for (;;) {
		int64_t left = until_ms - clock_now_ms();

		if (poll(fds, 2, left > 0 ? (int)left : 0) == 0)
			return false;
		if (fds[1].revents && !take_output(child))
			fds[1].fd = -1; /* closed by all of them */
		if (fds[0].revents)
			return true;
	}
}

static int reap(struct child *child)
{
	int status = 0;

	while (waitpid(child->pid, &status, 0) < 0)
		INVARIANT(errno == EINTR);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int child_run(const struct child_call *call, struct child_end *ret_end, struct err *err)
{
	struct child child;
	struct child_end end = {0};
	bool in_time;

	REQUIRE(call->argv && call->argv[0]);
	REQUIRE(call->timeout_ms > 0);
	if (start(call, &child, err))
		return -1;
	in_time = await_end(&child, clock_now_ms() + call->timeout_ms);
	if (!in_time) {
		kill(-child.pid, SIGTERM);
		await_end(&child, clock_now_ms() + END_GRACE_MS);
		kill(-child.pid, SIGKILL); /* the group, if anything of it is left */
	}
	end.status = reap(&child);
	while (take_output(&child))
		;
	last_line(&child, end.said);
	all_kept(&child, end.output);
	*ret_end = end;
	close(child.pidfd);
	close(child.out);
	if (!in_time)
		return err_set(err, ERR_TIMEOUT, "%s did not end in %lld ms", call->argv[0],
			(long long)call->timeout_ms);
	return 0;
}
