/*
 * state_dir.h - the state directory and the files in it, opened so that nobody else can have
 * prepared them: owned by us, no symbolic link, closed to others, on a local disk.
 */
#ifndef AIRLOCK_JOURNAL_STATE_DIR_H
#define AIRLOCK_JOURNAL_STATE_DIR_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Returns an fd of the directory.  With `create` a missing last component is made (0700) and synced
 * into its parent; without it a missing directory is ERR_USAGE.  ERR_REFUSED: a symbolic link, not
 * a directory, another owner, open to others, a network file system.
 */
int state_dir_open(const char *dir, bool create, int *ret_fd, struct err *err) MUST_CHECK;

/*
 * Returns an fd of dir/name, 0600.  `flags` are open(2)'s; with O_CREAT a new file is made durable
 * in its directory.  ERR_USAGE when missing, ERR_REFUSED as above.  `dir` is for messages.
 */
int state_file_open(int dir_fd, const char *dir, const char *name, int flags, int *ret_fd,
	struct err *err) MUST_CHECK;

#endif
