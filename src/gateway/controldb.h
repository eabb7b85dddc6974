/*
 * controldb.h - one libpq connection to one control database, on the uv loop: a few prepared
 * statements, asked again and again, pipelined.
 *
 * It connects at the first question, on a worker thread (libpq resolves names and reads passfiles),
 * and again at the next question after it was lost.  A connection that cannot be made fails all
 * questions that wait, and the next one is tried after a pause that doubles, up to a second.
 *
 * A question that was sent when the connection goes is answered ERR_UNREACHABLE: it may or may not
 * have been executed.  One whose deadline passes is answered ERR_TIMEOUT; if it was sent, the
 * connection is given up with it.
 *
 * Thread: the loop's.
 */
#ifndef AIRLOCK_GATEWAY_CONTROLDB_H
#define AIRLOCK_GATEWAY_CONTROLDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>
#include <uv.h>

#include "base/err.h"

#define CONTROLDB_NAME "airlock"
#define CONTROLDB_PARAMS_MAX 4
#define CONTROLDB_STATEMENTS_MAX 8

struct controldb;
struct controldb_question;

/* Called once, on the loop, never from inside controldb_ask.  err->code ERR_OK: result holds the
 * rows, borrowed for the call.  The question is the asker's again and may be freed or asked anew.
 */
typedef void (*controldb_cb)(
	struct controldb_question *question, const PGresult *result, const struct err *err);

/* Owned by the asker, who keeps it until it is answered. */
struct controldb_question {
	size_t statement; /* index into the options' statements */
	const char *params[CONTROLDB_PARAMS_MAX];
	size_t params_count;
	controldb_cb cb;
	bool sent; /* set here: it is on its way, or answered */
	int64_t deadline_ms;
	struct controldb_question *next;
};

struct controldb_options {
	uv_loop_t *loop;
	const char *conninfo; /* as the plan has it; database and user are replaced */
	const char *user;
	const char *name;	       /* for messages: "old" */
	const char *const *statements; /* borrowed */
	size_t statements_count;
	int64_t answer_ms;
};

/* Returns owned: controldb_close.  Out of memory aborts. */
struct controldb *controldb_new(const struct controldb_options *options);
/* Answers all that is open, then calls `closed` once nothing of it is left on the loop. */
void controldb_close(struct controldb *db, void (*closed)(void *ctx), void *ctx);
void controldb_ask(struct controldb *db, struct controldb_question *question);

#endif
