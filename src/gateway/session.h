/*
 * session.h - one client's session: its phases, and the one path by which it gets a server.
 *
 *   HELLO -> AUTH -> HELD -> OPENING -> RUN <-> PROBE
 *                     ^---------'--------'-----'
 *
 * HELD is a session that is not relayed: nothing of its client's is under way.  It may have a
 * server (that of before the hold) or none (just logged in, ended by a seal, detached).  From there
 * session_settle() leads it on: to RUN with the server it has, or through OPENING (connect, log in,
 * read the register, replay) to RUN: the same for a first login, a flip, an abort, a re-attachment.
 * From PROBE to OPENING goes a session that is renewed: renew.h.
 *
 * No client byte reaches a server before the register of its side was read open after the login
 * (decision 8).
 */
#ifndef AIRLOCK_GATEWAY_SESSION_H
#define AIRLOCK_GATEWAY_SESSION_H

#include "gateway/account.h"
#include "gateway/capture.h"
#include "gateway/gateway.h"
#include "gateway/params.h"
#include "gateway/renew.h"
#include "gateway/replay.h"
#include "gateway/server.h"
#include "gateway/sets.h"
#include "gateway/unnamed.h"
#include "pgwire/startup.h"
#include "pgwire/track.h"

enum session_phase {
	SESSION_HELLO,
	SESSION_AUTH,
	SESSION_HELD,
	SESSION_OPENING,
	SESSION_RUN,
	SESSION_PROBE,
	SESSION_CANCEL,
	SESSION_LAST_WORDS, /* an error is on its way to the client */
	SESSION_GONE	    /* closed; waits for what still refers to it */
};

struct session {
	struct gateway *gateway;
	struct session *next, *prev;
	enum session_phase phase;
	unsigned refs; /* callbacks under way, and being alive */

	/* What is asked of all sessions again and again (crowd.h, release.c), in as few of the
	 * processor's cache lines as can be: the whole of a session is some 30 KB. */
	enum renew_step renew;
	bool dirty;	     /* something ran since it was captured */
	bool probe_wanted;   /* by arm: at the next boundary, hold or not */
	bool unknown;	     /* it could not be captured: why says it */
	bool detached;	     /* it had long been idle: no server until its client asks */
	bool flipping;	     /* to be counted by the release under way */
	bool cleared;	     /* by the hold, to go on */
	bool cleared_parked; /* with a login that was parked */
	bool calming;	     /* it went on, and has not been at a boundary since */
	int64_t cleared_us;  /* when */
	int64_t waiting_us;  /* since when its client's bytes wait; 0 = they do not */
	int64_t active_ms;   /* when its client was last heard; the loop's clock */
	int64_t began_ms;    /* when what is under way began; the loop's clock */
	struct leg *client;
	struct session_state state; /* that crosses */

	/* The relay, at every message. */
	struct track track;
	uint32_t client_need, server_need; /* bytes of a message that was begun */
	struct unnamed unnamed;
	struct sets sets;
	struct account account;
	unsigned cancels; /* on their way to its server */
	bool bye;	  /* the client has said Terminate */
	bool let_on; /* in a hold: one more unit, the plan waits for it to be rid of something */
	struct server server; /* in use when its leg is */

	uv_timer_t timer;
	struct server parked; /* a login that waits at the other side: park.h */
	struct server hurry;  /* a cancel of our own look at it: impatience.h */
	bool look_ended, look_done;
	struct server second; /* beside its server, on the same side: renew.h */
	unsigned renew_asks;  /* for its side's register, and not answered yet */
	int64_t parked_ms;    /* when it was begun; clock */
	bool parked_there;    /* it has come to where it waits */

	/* The login. */
	bool tls_asked, gss_asked;
	uint8_t startup[WIRE_STARTUP_BYTES_MAX];
	struct startup login; /* borrows from startup */
	const char *pairs[2 * STARTUP_PARAMETERS_MAX];
	struct scram_server scram;
	int auth_step;
	uint8_t client_key[SCRAM_KEY_BYTES], server_key[SCRAM_KEY_BYTES];

	struct params told;   /* what the client has heard of settings */
	uint32_t pid, secret; /* as the client knows them */
	bool greeted;	      /* the client has seen its first ReadyForQuery */

	/* The state that crosses. */
	uint64_t kept;	     /* the probe that its server has prepared; capture.h */
	unsigned kept_names; /* with which names */
	int64_t looked_ms;   /* when it was captured; the loop's clock */
	bool bound;  /* held with what only its server has: without that one it does not go on */
	unsigned captures_failed;
	bool flushing; /* PROBE is a flush */
	struct capture capture;
	struct replay replay;
	struct buf mine; /* what is still to be said to its server, from mine_sent on */
	size_t mine_sent;
	struct buf big; /* an answer to us that is longer than a leg's buffer */
	char why[200];

	/* Getting a server. */
	enum control_side aim;
	unsigned tries, looks;
	bool moving;		   /* a register that was read says that an attempt is under way */
	bool reading_register;	   /* asked, and not answered yet */
	int64_t give_up_ms;	   /* clock; 0 = as long as a hold lasts */
	struct session *cancel_of; /* SESSION_CANCEL: refs counted */
};

/* What a login of this session's needs; borrows from it. */
struct server_login session_login(const struct session *s);
/* Takes the socket. */
void session_new(struct gateway *gateway, int fd);
/* Closes at once, both legs. */
void session_close(struct session *s);
/* Tells the client, FATAL, and closes when that is sent. */
void session_refuse(struct session *s, const char *sqlstate, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with what a server said. */
void session_refuse_as(struct session *s, const struct err *err);
/* The server has said its last, which is passed on: closes when the client has it. */
void session_end(struct session *s);
/* The client has proven who it is; keys are set. */
void session_logged_in(struct session *s);
/* Looks at where the session stands and what the hold wants, and goes on from there. */
void session_settle(struct session *s);
/* Does its client wait for something: an answer, or to be let in? */
bool session_is_waiting(const struct session *s);
/* Nothing is under way: no answer owed, no transaction open, no message cut in half, nothing on its
 * way to the server, none of its answers unread, no cancel under way. */
bool session_at_boundary(const struct session *s);
/* May it be left where it is: held, and its client has heard all that came of its server, or has
 * none?  Who listens can be told much at once, or read slowly. */
bool session_is_held(const struct session *s);
/* Is it a session that a hold concerns: a client that has logged in? */
bool session_counts(const struct session *s);
/* Of those that a hold's end is still to let go: who has waited longest, or anybody of those who do
 * not wait; NULL = nobody is left.  `listen`: only of those who do. */
struct session *session_to_clear(const struct gateway *g, bool waiting, bool listen);
/* References from callbacks; the struct is used again when the last is dropped. */
void session_ref(struct session *s);
void session_unref(struct session *s);
/* Something came or can go on one of its legs. */
void session_pump_client(struct leg *leg);
void session_pump_server(struct leg *leg);
/* From RUN, at a boundary: its server is closed, its state is kept. */
void session_detach(struct session *s);
/* From OPENING: it got no server and waits. */
void session_hold_here(struct session *s);
/* From HELD: its server went, or is of no use any more.  A client that has only a part of what that
 * server was saying cannot go on with another one and is closed. */
void session_leave_server(struct session *s);
/* Our dialogue is over, and the server has said more than its end: nothing else tells of it. */
void session_hear_rest(struct session *s);
/* From PROBE, after a flush. */
void session_hold_again(struct session *s);

/* client.c: startup, TLS, SCRAM with the client. */
void client_pump(struct session *s);
/* relay.c */
void relay_client(struct session *s, bool came);
void relay_server(struct session *s, bool came);
/* carry.c: probe and replay on the session's own server. */
void carry_probe(struct session *s);
/* From HELD: one empty round trip, after which the server has sent every notification that had been
 * committed before.  Back to HELD, or ended. */
void carry_flush(struct session *s);
/* The look has ended, or what held up its end is over. */
void carry_look_over(struct session *s);
void carry_replay(struct session *s);
void carry_pump(struct session *s);
/* Is its server not read, because its client has not taken yet what came before? */
bool carry_waits(const struct session *s);
/* open.c */
/* A hold begins: held without a server, as soon as nothing of the login is under way. */
void open_abandon(struct session *s);
void open_begin(struct session *s);
/* From PROBE, with a server that has let it in, of a side whose register was read open since: the
 * state is made again there (renew.h). */
void open_again(struct session *s);
/* Replay has ended: well, or not (err). */
void open_replayed(struct session *s);
void open_failed(struct session *s, const struct err *err);
/* cancel.c */
void cancel_begin(struct session *s, uint32_t pid, uint32_t secret);

#endif
