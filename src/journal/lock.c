#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "journal/identity.h"
#include "journal/journal.h"
#include "journal/state_dir.h"

struct journal_lock {
	int fd;
};

#define LOCK_FORMAT "pid %ld\nuser %s\nhost %s\nsince %s\ncommand %s\n"
#define LOCK_BYTES_MAX 512

/* For people only: the lock itself is the kernel's.  A full disk leaves it without a name. */
static void holder_write(int fd, const char *command)
{
	char text[LOCK_BYTES_MAX], user[64], host[64], since[CLOCK_STAMP_BYTES];
	ssize_t written = 0;
	int len;

	identity_user(user, sizeof user);
	identity_host(host, sizeof host);
	clock_stamp(since);
	len = snprintf(text, sizeof text, LOCK_FORMAT, (long)getpid(), user, host, since, command);
	if (len > 0 && (size_t)len < sizeof text && ftruncate(fd, 0) == 0)
		written = pwrite(fd, text, (size_t)len, 0);
	(void)written;
}

static void holder_read(int fd, struct journal_holder *ret_holder)
{
	char text[LOCK_BYTES_MAX + 1];
	struct journal_holder holder = {0};
	long pid = 0;
	ssize_t len = pread(fd, text, LOCK_BYTES_MAX, 0);

	text[len > 0 ? len : 0] = '\0';
	sscanf(text, "pid %ld\nuser %63[^\n]\nhost %63[^\n]\nsince %31[^\n]\ncommand %63[^\n]",
		&pid, holder.user, holder.host, holder.since, holder.command);
	holder.pid = (pid_t)pid;
	*ret_holder = holder;
}

static int busy(int fd, struct journal_holder *ret_holder, struct err *err)
{
	struct journal_holder h;

	holder_read(fd, &h);
	if (ret_holder)
		*ret_holder = h;
	if (h.pid == 0)
		return err_set(err, ERR_BUSY,
			"another controller holds the run and has not said who it is: wait for it");
	return err_set(err, ERR_BUSY,
		"another controller holds the run: %s by %s on %s, pid %ld, since %s: wait for it, "
		"or end that process",
		h.command, h.user, h.host, (long)h.pid, h.since);
}

static int lock_file(const char *dir, int *ret_fd, struct err *err)
{
	int dir_fd, rc;

	if (state_dir_open(dir, true, &dir_fd, err))
		return -1;
	rc = state_file_open(dir_fd, dir, "lock", O_RDWR | O_CREAT, ret_fd, err);
	close(dir_fd);
	return rc;
}

int journal_lock_take(const char *dir, const char *command, struct journal_lock **ret_lock,
	struct journal_holder *ret_holder, struct err *err)
{
	struct journal_lock *lock;
	int fd, rc;

	REQUIRE(command != NULL);
	if (lock_file(dir, &fd, err))
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		rc = errno == EWOULDBLOCK ? busy(fd, ret_holder, err)
					  : err_set_errno(err, ERR_IO, "cannot lock %s/lock", dir);
		close(fd);
		return rc;
	}
	holder_write(fd, command);
	lock = malloc(sizeof *lock);
	ENSURE(lock != NULL);
	lock->fd = fd;
	*ret_lock = lock;
	return 0;
}

void journal_lock_release(struct journal_lock *lock)
{
	int rc;

	if (!lock)
		return;
	rc = ftruncate(lock->fd, 0); /* nobody is to read a name that is gone */
	(void)rc;
	close(lock->fd);
	free(lock);
}
