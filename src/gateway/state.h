/*
 * state.h - the state of one session, as far as a server hands it out: what capture.h reads at a
 * boundary and replay.h makes again on a fresh backend.
 *
 * Everything lies in one arena; strings are in the session's own client_encoding.  Not a secret,
 * but the application's: it is never logged.
 */
#ifndef AIRLOCK_GATEWAY_STATE_H
#define AIRLOCK_GATEWAY_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* What cannot be carried, one bit each; what becomes of such a session is the plan's to say
 * (control/policy.h).  Any insert into a table with a serial column sets STATE_LASTVAL, and few
 * applications ask for it. */
enum state_lost {
	STATE_TEMP = 1 << 0,	 /* temporary objects */
	STATE_ADVISORY = 1 << 1, /* session-level advisory locks: how often is not visible */
	STATE_CURSOR = 1 << 2,	 /* WITH HOLD */
	STATE_LISTEN = 1 << 3,	 /* LISTEN: the channels are, what is sent meanwhile is not */
	STATE_CURRVAL = 1 << 4,	 /* a prepared statement of its asks for currval or lastval */
	STATE_LASTVAL = 1 << 5,	 /* currval and lastval are defined */
	/* A statement that cannot be made again: SQL prepared it together with other commands, or
	 * it would be refused or be another one by now. */
	STATE_STATEMENT = 1 << 6,
	STATE_SIZE = 1 << 7,	    /* more than STATE_BYTES_MAX */
	STATE_REPLICATION = 1 << 8, /* set by the session plane: replication=... */
	STATE_REPLAY = 1 << 9,	    /* set by it, too: a replay on its own side said no */
};
#define STATE_LOST_COUNT 10u

#define STATE_BYTES_MAX (4u << 20)

struct state_setting {
	struct state_setting *next;
	const char *name, *value;
};

struct state_name {
	struct state_name *next;
	const char *name;
};

struct state_statement {
	struct state_statement *next;
	const char *name; /* "" = the unnamed one */
	const char *sql;
	bool from_sql;	 /* by PREPARE; `sql` is that command */
	uint32_t *types; /* of its parameters, as the protocol has them */
	size_t types_count;
	/* The unnamed one: its whole Parse message, header included, as the client sent it. */
	const uint8_t *parse;
	size_t parse_len;
	/* What Describe says of it: a hash, or that the server refuses it. */
	uint64_t shape;
	bool broken;
};

struct session_state {
	struct arena arena;
	struct state_setting *settings; /* set in the session, in the server's order */
	const char *authorization;	/* SESSION AUTHORIZATION, NULL = as logged in */
	const char *role;		/* SET ROLE; NULL = none */
	const char *encoding;		/* client_encoding, if it was set in the session */
	struct state_statement *statements;
	struct state_name *channels; /* that it listens to, in no order */
	struct state_name
		*names; /* of applications' settings: those that were asked for and found */
	unsigned lost;	/* STATE_* */
	/* By bit, of what is lost: the name of a temporary table, a channel, ...; NULL = none. */
	const char *example[STATE_LOST_COUNT];
};

#define SESSION_STATE_INIT ((struct session_state){.arena = ARENA_INIT})

void session_state_fini(struct session_state *state);
/* "temp", "advisory", ...: the class of the lowest bit that is set; "" for none.  At most 15 bytes,
 * as control_blocker.cls. */
const char *state_lost_name(unsigned lost);
/* Of the same bit: what of it there is, "" where that is not known.  Borrowed from the state. */
const char *state_example(const struct session_state *state, unsigned lost);
/* A refusal that says nothing about the session: the server was asked to stop, or is short of
 * something. */
bool state_refusal_passes(const char *sqlstate);

#endif
