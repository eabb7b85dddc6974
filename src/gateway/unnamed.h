/*
 * unnamed.h - which unnamed prepared statement the server has: the newest Parse that it carried
 * out.
 *
 * The newest that was sent is not always that one.  After an error the server throws away what
 * comes until the next Sync, Parses too, and goes on with the statement of before; and a Query,
 * which would have destroyed it.  So a Parse counts when its ParseComplete has come, found by
 * counting within its sync unit; where an error came first it is doubtful what there is, and the
 * capture asks.
 *
 * Pure; one struct per session.  Memory: a copy of the newest Parse.
 */
#ifndef AIRLOCK_GATEWAY_UNNAMED_H
#define AIRLOCK_GATEWAY_UNNAMED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define UNNAMED_MAX (1u << 20)

struct unnamed {
	struct buf parse;  /* header included; empty = no Parse since a Query destroyed it */
	bool keeping;	   /* the message that is being handed on is that Parse */
	bool too_long;	   /* it had more than UNNAMED_MAX bytes */
	bool told;	   /* its ParseComplete has come */
	bool doubtful;	   /* the server may have another one, or one at all */
	bool mixed;	   /* a Query was sent in the middle of a unit, and may be thrown away */
	uint32_t parses;   /* of the unit that is being sent */
	uint32_t nth;	   /* it among those of its unit */
	uint32_t units;	   /* that ended since it was sent, its own included */
	uint32_t answered; /* ParseCompletes of the unit that is being answered */
};

void unnamed_fini(struct unnamed *u);
/* The header of each message that is handed to the server, with the first byte of its body (0 when
 * it has none). */
void unnamed_client(
	struct unnamed *u, const uint8_t *head, uint8_t type, uint32_t body, uint8_t first_byte);
/* What follows of a message while `keeping`. */
void unnamed_more(struct unnamed *u, const uint8_t *bytes, uint32_t len);
/* Each ParseComplete, ErrorResponse and ReadyForQuery; units_owed: track_units_owed() before it. */
void unnamed_server(struct unnamed *u, uint8_t type, unsigned units_owed);

#endif
