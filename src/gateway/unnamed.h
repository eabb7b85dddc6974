/*
 * unnamed.h - which unnamed prepared statement the server has: that of the newest Parse which it
 * carried out.
 *
 * The newest that was sent is not always that one.  After an error the server throws away what
 * comes until the next Sync, Parses too, and goes on with the statement of before.  So Parses are
 * kept until they are answered: each ParseComplete, found by counting within its sync unit, makes
 * one of them the statement; an error takes those of its unit away.  What else can only end a
 * statement (a Parse that fails, a Query) and is not followed: whether it is still there the
 * capture asks the server.
 *
 * Pure; one struct per session.  Memory: the statement, and the Parses under way; what has more
 * than UNNAMED_MAX bytes is not kept, and the session is `lost` until it has another one.
 */
#ifndef AIRLOCK_GATEWAY_UNNAMED_H
#define AIRLOCK_GATEWAY_UNNAMED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define UNNAMED_MAX (1u << 20)

struct unnamed {
	struct buf parse; /* of the statement, header included; empty = there is none */
	bool lost;	  /* it may have one that was too long to keep */
	bool keeping;	  /* the message that is being handed on is kept */
	/* Parses under way, oldest first: their bytes, and which each is. */
	struct buf bytes, entries;
	size_t bytes_from, entries_from; /* what lies before was answered */
	uint64_t units;			 /* that the client has ended */
	uint32_t sent;			 /* messages of the unit that is being sent, */
	uint32_t parses;		 /* Parses among them */
	uint32_t answered;		 /* ParseCompletes of the unit that is being answered */
};

void unnamed_fini(struct unnamed *u);
/* The header of each message that is handed to the server, with the first byte of its body (0 when
 * it has none); units_owed: track_units_owed() after it. */
void unnamed_client(struct unnamed *u, const uint8_t *head, uint8_t type, uint32_t body,
	uint8_t first_byte, unsigned units_owed);
/* What follows of a message while `keeping`. */
void unnamed_more(struct unnamed *u, const uint8_t *bytes, uint32_t len);
/* Each ParseComplete, ErrorResponse and ReadyForQuery; units_owed: track_units_owed() before it. */
void unnamed_server(struct unnamed *u, uint8_t type, unsigned units_owed);

#endif
