/*
 * account.h - who each client is and what the gateway has seen of it, for whoever asks the server
 * and is told the gateway's own address.
 *
 * An account is a part of its session and counts in passing, from message headers and the servers'
 * command tags; nothing is asked of anybody.  Of sessions that ended the last ACCOUNTS_KEPT are
 * kept, so that a job that comes for 50 ms is not gone before somebody looks.
 *
 * Thread: the loop's.
 */
#ifndef AIRLOCK_GATEWAY_ACCOUNT_H
#define AIRLOCK_GATEWAY_ACCOUNT_H

#include <stdint.h>

#include "control/control.h"
#include "pgwire/tag.h"

#define ACCOUNTS_KEPT 1024u

struct gateway;
struct session;
struct controld_request;

/* Where a socket is, without its 128 bytes; "local" without a port is one of the file system. */
struct account_end {
	char address[64];
	uint16_t port;
};

struct account {
	uint64_t number;
	struct account_end client;
	int64_t came_ms; /* the loop's clock, as those below */
	uint64_t transactions, bytes_in, bytes_out, writes, rows;
	int64_t wrote_ms;
	char wrote[TAG_VERB_BYTES];
};

struct accounts {
	uint64_t numbered, ended; /* sessions that came, and that ended after their login */
	struct control_account *kept; /* the last ones, a ring; each by its number; ages at its end */
};

/* Allocates what is ever needed; aborts when there is no memory. */
void accounts_init(struct accounts *a);
void accounts_fini(struct accounts *a);

/* A client came by this socket. */
void account_begin(struct session *s, int fd);
/* It is about to lose its server and its client, for good. */
void account_end(struct session *s);
/* Its second login (renew.h), or the server that it had before, is there for a moment: whoever sees it
 * is told whose it is, as of one that ended, and that it has done nothing. */
void account_second(struct session *s);
/* A CommandComplete of its server's, whole; before the tracker has seen it. */
void account_command(struct session *s, const uint8_t *body, uint32_t len);

/* To be given to controld_open with the gateway as ctx. */
void accounts_answer(
	void *gateway, struct controld_request *request, const struct control_accounts *asked);

#endif
