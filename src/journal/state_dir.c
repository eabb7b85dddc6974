#include "journal/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"

#ifndef CIFS_MAGIC_NUMBER
#define CIFS_MAGIC_NUMBER 0xff534d42
#endif
#ifndef SMB2_MAGIC_NUMBER
#define SMB2_MAGIC_NUMBER 0xfe534d42
#endif

static int sync_parent(const char *dir, struct err *err)
{
	BUF_AUTO copy = BUF_INIT; /* dirname writes into it */
	int fd, rc;

	buf_puts(&copy, dir);
	fd = open(dirname(copy.data), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, "cannot open the parent of %s", dir);
	rc = fsync(fd);
	close(fd);
	return rc ? err_set_errno(err, ERR_IO, "cannot sync the parent of %s", dir) : 0;
}

static int dir_make(const char *dir, struct err *err)
{
	if (mkdir(dir, 0700) == 0)
		return sync_parent(dir, err);
	if (errno == EEXIST)
		return 0;
	if (errno == ENOENT)
		return err_set(err, ERR_USAGE,
			"cannot make %s: its parent does not exist (--state DIR names another)",
			dir);
	return err_set_errno(err, ERR_IO, "cannot make the state directory %s", dir);
}

/* SQLite's write-ahead log needs shared memory and locks that these do not give. */
static bool is_network(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return false;
	return fs.f_type == NFS_SUPER_MAGIC || fs.f_type == SMB_SUPER_MAGIC ||
	       (unsigned int)fs.f_type == CIFS_MAGIC_NUMBER ||
	       (unsigned int)fs.f_type == SMB2_MAGIC_NUMBER;
}

static int ours_alone(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_set_errno(err, ERR_IO, "cannot look at %s", path);
	if (st.st_uid != geteuid())
		return err_set(err, ERR_REFUSED,
			"%s belongs to user id %u and not to %u: run as its owner, or name another "
			"with --state DIR",
			path, (unsigned)st.st_uid, (unsigned)geteuid());
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return err_set(err, ERR_REFUSED, "%s is open to others: chmod go= %s", path, path);
	return 0;
}

static int dir_check(int fd, const char *dir, struct err *err)
{
	if (ours_alone(fd, dir, err))
		return -1;
	if (is_network(fd))
		return err_set(err, ERR_REFUSED,
			"%s is on a network file system, which cannot keep a journal: name a local "
			"directory with --state DIR",
			dir);
	return 0;
}

int state_dir_open(const char *dir, bool create, int *ret_fd, struct err *err)
{
	int fd;

	REQUIRE(dir[0] != '\0');
	if (create && dir_make(dir, err))
		return -1;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_USAGE,
			"there is no journal yet in %s (--state DIR names another)", dir);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return err_set(err, ERR_REFUSED,
			"%s is not a directory, or a symbolic link to one: name the directory "
			"itself "
			"with --state DIR",
			dir);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, "cannot open the state directory %s", dir);
	if (dir_check(fd, dir, err)) {
		close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}

static int file_fail(const char *path, struct err *err)
{
	if (errno == ENOENT)
		return err_set(err, ERR_USAGE,
			"there is no journal yet: %s does not exist (--state DIR names another)",
			path);
	if (errno == ELOOP)
		return err_set(err, ERR_REFUSED,
			"%s is a symbolic link: put the file itself there, or name another "
			"directory "
			"with --state DIR",
			path);
	return err_set_errno(err, ERR_IO, "cannot open %s", path);
}

static int file_check(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_set_errno(err, ERR_IO, "cannot look at %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_REFUSED, "%s is not a regular file", path);
	return ours_alone(fd, path, err);
}

int state_file_open(
	int dir_fd, const char *dir, const char *name, int flags, int *ret_fd, struct err *err)
{
	BUF_AUTO path = BUF_INIT;
	int fd = -1;

	buf_printf(&path, "%s/%s", dir, name);
	/* O_NONBLOCK: a fifo that somebody put there must not stop us. */
	flags |= O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	if (flags & O_CREAT) {
		fd = openat(dir_fd, name, flags | O_EXCL, 0600);
		if (fd >= 0 && fsync(dir_fd)) {
			close(fd);
			return err_set_errno(err, ERR_IO, "cannot sync %s", dir);
		}
	}
	if (fd < 0)
		fd = openat(dir_fd, name, flags & ~O_CREAT);
	if (fd < 0)
		return file_fail(buf_str(&path), err);
	if (file_check(fd, buf_str(&path), err)) {
		close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}
