/* talker.h - a protocol 3 client that says exactly the bytes that a test wants, and waits for
 * answers. */
#ifndef AIRLOCK_TESTS_TALKER_H
#define AIRLOCK_TESTS_TALKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "gateway/state.h"

struct talker {
	int fd;
	struct buf in; /* what has come and was not taken */
	uint8_t type;  /* of the newest message, and its body */
	struct buf body;
	const char *user;
};

/* By the server's socket (PGHOST, PGPORT), where everybody is trusted.  `more`: name, value, ... of
 * the startup packet, NULL at the end, or NULL. */
void talker_open(struct talker *t, const char *user, const char *dbname, const char *const *more);
void talker_close(struct talker *t);
void talker_send(struct talker *t, const struct buf *bytes);
/* The next message; false at the end of the connection. */
bool talker_next(struct talker *t);
/* A simple Query; the test fails when it does, unless `sqlstate` is what it says. */
void talker_query(struct talker *t, const char *sql);
void talker_fails(struct talker *t, const char *sql, const char *sqlstate);
/* The first column of the only row, by simple Query; borrowed until the next message. */
const char *talker_value(struct talker *t, const char *sql);
/* Parse, and Sync, which must succeed; types as the protocol has them. */
void talker_parse(struct talker *t, const char *name, const char *sql, uint32_t type);
/* Bind without parameters, Execute, Sync: the first column of the first row, or the SQLSTATE. */
const char *talker_execute(struct talker *t, const char *name);

/* Each runs to its end and returns the last step. */
struct capture_options;
int talker_capture(struct talker *t, const struct capture_options *options,
	struct session_state *state, char why[200]);
int talker_replay(struct talker *t, const struct session_state *state, char why[200]);

#endif
