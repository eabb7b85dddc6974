/*
 * child.h - one external command: started without a shell, waited for, ended at its timeout.
 *
 * It gets an empty standard input, default signals, a process group of its own, and of the caller's
 * environment only what says where and who it is (PATH, HOME, USER, LOGNAME, SHELL, TMPDIR, TZ,
 * LANG, LANGUAGE, LC_*, XDG_RUNTIME_DIR), with what `env_add` names: secrets and connection
 * settings stay with the caller (law 12).  Both of its outputs are read until it ends; a process
 * that it leaves running has to redirect its own.
 *
 * Thread: blocks the caller for timeout_ms at most, and two seconds more where a process does not
 * end on SIGTERM.
 */
#ifndef AIRLOCK_ACTION_CHILD_H
#define AIRLOCK_ACTION_CHILD_H

#include <stdint.h>

#include "base/err.h"

#define CHILD_SAID_BYTES 160
#define CHILD_OUTPUT_BYTES 1025

struct child_call {
	char *const *argv; /* argv[0] with a slash is taken from `dir`, else from PATH */
	const char *dir;   /* the working directory; NULL = the caller's */
	char *env_add;	   /* one NAME=value; NULL = none */
	int64_t timeout_ms;
};

struct child_end {
	int status;			 /* exit status; 128 + signal when it was killed by one */
	char said[CHILD_SAID_BYTES];	 /* the last line of its output; "" = nothing */
	char output[CHILD_OUTPUT_BYTES]; /* the end of its output, any bytes but NUL */
};

/* ERR_TIMEOUT when it had to be ended, and then *ret_end is filled all the same; ERR_CANNOT when it
 * could not be started. */
int child_run(const struct child_call *call, struct child_end *ret_end, struct err *err) MUST_CHECK;

#endif
