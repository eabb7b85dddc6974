/*
 * capture.h - reads a session's state from its own backend, at a transaction boundary.
 *
 * One pipelined probe (extended protocol, a named statement with a nonce, so that the unnamed
 * statement survives; after another one when names are to be found) asks for settings, role,
 * prepared statements and what cannot be carried.  If there are prepared statements a second batch
 * describes each, to compare with after a replay, and parses it once more under our own name, to
 * learn whether it can be made again at all.
 *
 * Nothing in it changes the session, and our own statements are closed again, but with `keep`: then
 * the probe stays prepared, under its own name, for the capture that follows within seconds and is
 * to cost the server less than half (docs/decisions/0012).  That one closes it.  If the server
 * refuses anything (a statement_timeout of the session's, say), the capture fails as data: the
 * session itself is at a boundary as before.
 *
 *	capture_begin(c, &options, state, out);   // send out
 *	for each message of the server's:
 *		switch (capture_feed(c, type, body, len, out)) {
 *		case CAPTURE_MORE: ...		  // nothing to do
 *		case CAPTURE_SEND: ...		  // send out, which was empty before
 *		case CAPTURE_DONE: ...		  // state is complete, the session at a boundary
 *		case CAPTURE_FAILED: ...	  // capture_why(c); state is incomplete
 *		}
 *
 * DONE and FAILED come with the ReadyForQuery that ends it, so the backend owes nothing.  Only
 * CAPTURE_BROKEN does not: the answers are not those to the probe, and the backend must not be used
 * again.  Asynchronous messages are the caller's and not fed; of a NoticeResponse capture_notice()
 * says whether it is the probe's own (the one way to learn of lastval() without an error).
 *
 * Pure: no socket, no clock, no randomness.  Memory: out and the state grow; nothing is allocated
 * otherwise.  One struct per capture, by its owner's thread.
 */
#ifndef AIRLOCK_GATEWAY_CAPTURE_H
#define AIRLOCK_GATEWAY_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "gateway/state.h"

enum capture_step { CAPTURE_MORE, CAPTURE_SEND, CAPTURE_DONE, CAPTURE_FAILED, CAPTURE_BROKEN };

struct capture_options {
	uint64_t nonce;	  /* another one each time */
	const char *user; /* as who the session logged in; copied */
	/* Settings of applications (`app.tenant`): PostgreSQL shows them only to who knows the
	 * name. Copied. */
	const char *const *names;
	size_t names_count;
	/* First looks for names where this database itself reads such settings: functions,
	 * policies, views, rules, defaults, constraints, triggers.  Once for a database is enough:
	 * what it found is in state->names, for the captures of other sessions there.  (What a
	 * session's own prepared statements read is found each time; what only its other statements
	 * read can not be.) */
	bool find;
	/* Leaves the probe prepared: capture_kept(). */
	bool keep;
	/* What an earlier capture kept on this backend, 0 = nothing; and whether it serves: it asks
	 * for the same `names` as this one.  Otherwise it is closed.  If it is there no more, the
	 * whole probe is sent again. */
	uint64_t kept;
	bool kept_serves;
	/* The newest unnamed Parse that was carried out, header included; whether it still exists
	 * the server says.  Copied. */
	const uint8_t *unnamed;
	size_t unnamed_len;
};

/* Private. */
struct capture {
	struct session_state *state;
	uint64_t nonce;
	const char *user;
	int phase;
	size_t ready_owed; /* ReadyForQuery still to come */
	bool keep, kept, kept_refused;
	bool finds, tagged, failed, unnamed_gone, again, again_refused;
	uint64_t again_shape;
	struct state_statement *describing, *unnamed, **statements_end;
	struct state_setting **settings_end;
	struct state_name **names_end;
	size_t bytes, names;
	char why[160];
};

/* `state` is borrowed until the end and must be SESSION_STATE_INIT; appends to `out`. */
void capture_begin(struct capture *c, const struct capture_options *options,
	struct session_state *state, struct buf *out);
/* One message without its header. */
enum capture_step capture_feed(
	struct capture *c, uint8_t type, const uint8_t *body, size_t len, struct buf *out);
/* Of DONE: has the server no unnamed statement any more? */
bool capture_unnamed_is_gone(const struct capture *c);
/* Was it asked to find names?  They are in the state when it is DONE. */
bool capture_finds(const struct capture *c);
/* What the next capture on this backend is to be told as `kept`, whether or not this one is DONE.
 */
uint64_t capture_kept(const struct capture *c);
/* A NoticeResponse that came meanwhile: true when it belongs to the probe and the client is not to
 * see it. */
bool capture_notice(struct capture *c, const uint8_t *body, size_t len);
/* Of FAILED and BROKEN: a sentence, the server's where it spoke.  Borrowed from c. */
const char *capture_why(const struct capture *c);

#endif
