/*
 * server.h - a connection to one side's server, from the socket to its first ReadyForQuery.
 *
 * It logs in with the keys that the client's own login left (SCRAM, pgwire/scram.h), so nothing is
 * stored.  With `park` it stops before the last message of that exchange and goes on when told to:
 * the server then admits it, or refuses, by its door at that moment.  Or it delivers one cancel.
 *
 * The owner closes it, in any phase.  When it is in, the leg is handed over to the owner's relay.
 */
#ifndef AIRLOCK_GATEWAY_SERVER_H
#define AIRLOCK_GATEWAY_SERVER_H

#include "gateway/gateway.h"
#include "gateway/params.h"
#include "pgwire/scram.h"

enum server_phase {
	SERVER_CONNECTING,
	SERVER_TLS_ASKED,
	SERVER_TLS,
	SERVER_LOGIN,
	SERVER_PARKED,
	SERVER_IN,
	SERVER_CANCELLED, /* a cancel was delivered, and the server has hung up */
	SERVER_FAILED
};

/* What a login needs of the session for which it is made; borrowed until it is over. */
struct server_login {
	const char *const
		*pairs;	    /* of the startup packet, but user and database; name, value, ... */
	size_t pairs_count; /* both together */
	const char *user;
	const uint8_t *client_key, *server_key; /* SCRAM_KEY_BYTES each */
};

struct server {
	struct gateway *gateway;
	struct leg *leg; /* NULL = this struct is not in use */
	enum control_side side;
	enum server_phase phase;
	int64_t epoch; /* of its register, as it was read in this login; 0 = not yet */
	uint32_t pid, secret;
	bool cancelling, park;
	struct server_login login;
	struct scram_client scram;
	char answer[SCRAM_TEXT_MAX]; /* the last message, while it is parked */
	struct params params;
	struct err err; /* of SERVER_FAILED: the server's words and SQLSTATE where it spoke */
	void (*changed)(struct server *server); /* PARKED, IN, CANCELLED or FAILED was reached */
	void *owner;
};

/* Connects; `changed` comes later, never from inside.  Fails only when no connection can be begun.
 */
int server_open(struct server *s, struct gateway *gateway, enum control_side side,
	const struct server_login *login, struct err *err) MUST_CHECK;
/* Delivers a cancel for the backend of `of`, which is in. */
int server_cancel(struct server *s, const struct server *of, struct err *err) MUST_CHECK;
/* From PARKED. */
void server_go_on(struct server *s);
/* Says goodbye where it is in.  Nothing happens when it is not in use. */
void server_close(struct server *s);
static inline bool server_is_open(const struct server *s)
{
	return s->leg != NULL;
}

#endif
