/*
 * replay.h - makes a captured session again on a fresh backend, and proves it.
 *
 * The backend has just logged in with the client's own startup parameters and is idle.  In one
 * pipelined batch: client_encoding; settings; session authorization; role; prepared statements,
 * each described; LISTEN; the unnamed statement.  Role before statements: a statement is parsed
 * with the rights and the "$user" that its session has now, as the source does when it parses it
 * again.
 *
 * It is done when everything was read back: each setting as the server then shows it, each
 * statement by what Describe says, the channels as the server lists them.  A statement that the
 * source refuses must be refused here too.  The first difference is a mismatch with its reason;
 * then this backend must not serve the session.
 *
 *	replay_begin(r, state, out);	// send out; when it is empty, r is done already
 *	replay_feed(r, type, body, len) for each message, as capture_feed; N, A and S are not fed
 *
 * Pure, as capture.h.  `state` is borrowed until the end and not changed, so it can be replayed
 * again elsewhere.
 */
#ifndef AIRLOCK_GATEWAY_REPLAY_H
#define AIRLOCK_GATEWAY_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "gateway/state.h"

enum replay_step {
	REPLAY_MORE,
	REPLAY_DONE,
	REPLAY_MISMATCH,
	REPLAY_PASSING, /* a refusal that may not come again: the same on another login */
	REPLAY_BROKEN
};

/* Private. */
struct replay {
	const struct session_state *state;
	int unit;
	const struct state_setting *setting;
	const struct state_statement *statement;
	const struct state_name *channel;
	uint64_t shape;
	bool shown; /* the row of this unit has come */
	bool mismatch, passing;
	char why[200];
};

/* Is there nothing to make? */
bool replay_is_empty(const struct session_state *state);
/* Appends to `out`; nothing when replay_is_empty(), and then there is nothing to feed. */
void replay_begin(struct replay *r, const struct session_state *state, struct buf *out);
/* MISMATCH and PASSING come with the last ReadyForQuery, BROKEN at once. */
enum replay_step replay_feed(struct replay *r, uint8_t type, const uint8_t *body, size_t len);
const char *replay_why(const struct replay *r); /* of all but MORE and DONE; borrowed */

#endif
