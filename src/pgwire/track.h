/*
 * track.h - where one session stands, counted exactly from message headers.
 *
 * Two trackers share one ring of pending requests: track_client() sees each message that goes to
 * the server, track_server() each that comes back.  Between them they know how many answers are
 * owed, so that "nothing is under way" is a fact and not a guess from the last message seen.
 *
 *   ring codes  e  one or more of Parse/Bind/Describe/Execute/Close since the last sync unit, and
 *                  how many of them are not answered yet
 *               S  Sync        Q  Query        F  FunctionCall        c  CopyDone or CopyFail
 *   CopyData and Flush add nothing.  A lone c (CopyDone outside a copy) is ignored by the server.
 *
 * What the server does with them, verified on the wire (reference: the state machine, 1.1):
 *   ReadyForQuery   after an error in the extended protocol: everything before the next S is gone,
 *                   and that S is answered.  Otherwise leading e and c, then exactly one of Q S F.
 *   ErrorResponse   ends a copy-in.  Where an unanswered e is in front it is that one's, and all is
 *                   skipped until S, a Query too; otherwise it is the Q's, F's or S's behind it.
 *   CommandComplete ends a copy-in: Syncs sent during it were ignored, up to the client's c: two
 *                   Syncs, one ReadyForQuery.
 *
 * One thing the server does not tell: a copy that fails has read some of the Syncs that were sent
 * before the client's c, or none (a trigger refuses it before it has read anything).  Those that it
 * has not read are answered.  So many ReadyForQuery may still come, each with nothing before it;
 * the first answer to a later request says that no more will.  Such a session is safe, and whoever
 * asks its server something of his own tells track_is_late() what comes first.
 *
 * Pure; one struct per session; no allocation.
 */
#ifndef AIRLOCK_PGWIRE_TRACK_H
#define AIRLOCK_PGWIRE_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACK_RING 256u /* pending codes; e and c collapse, so these are sync units */

struct track {
	uint8_t ring[TRACK_RING];
	uint32_t owed[TRACK_RING]; /* of an e: messages without an answer; of a c: how many */
	uint16_t head, count;
	uint16_t doubtful; /* Syncs that a failed copy may have read, or not */
	bool answered;	   /* something has come since the last ReadyForQuery */
	char tx;       /* 'I', 'T' or 'E', from the last ReadyForQuery */
	bool skipping; /* after an error in the extended protocol, until Sync */
	bool copy_in;
	bool copy_both; /* replication: never at a boundary again */
	bool lost;	/* the two sides contradict each other: never safe again */
};

/* What a message from the server means for who relays it. */
enum track_event {
	TRACK_NOTHING,
	TRACK_READY,   /* ReadyForQuery: a boundary may have been reached */
	TRACK_ASYNC,   /* Notice, Notification, ParameterStatus */
	TRACK_UNASKED, /* an ErrorResponse that nobody waits for: the server ends the session */
};

void track_init(struct track *t); /* logged in and idle */
/* May another request be taken?  Otherwise read no more from the client until the server answers.
 */
bool track_has_room(const struct track *t);
/* A message of this type is handed to the server.  Needs room.  False when the server will throw it
 * away, since it waits for a Sync. */
bool track_client(struct track *t, uint8_t type);
/* A message of this type came; first_byte: of its body, only looked at for ReadyForQuery. */
enum track_event track_server(struct track *t, uint8_t type, uint8_t first_byte);
/* Is nothing under way: no answer owed, no transaction open?  (That no message is cut in half and
 * no byte waits is the relay's to know.) */
bool track_is_safe(const struct track *t);
/* Before an answer to somebody else's question, sent while the session was safe: true when this is
 * a ReadyForQuery that the client is still to hear. */
bool track_is_late(struct track *t, uint8_t type);
/* Are answers owed?  Less than !track_is_safe(): an idle open transaction owes nothing. */
bool track_is_owed(const struct track *t);
/*
 * While a session is being brought to a boundary: may the client's next message be handed on?  Yes
 * for what completes the unit it has begun, for the data of a copy, and for one more unit of an
 * open transaction; no at a boundary, and no while a whole unit waits for its ReadyForQuery.
 */
bool track_may_go_on(const struct track *t);
/* Sync units that have been sent whole and not answered yet. */
unsigned track_units_owed(const struct track *t);
/* Does this message of a client end a sync unit, that is, will it be answered by ReadyForQuery? */
bool track_ends_unit(uint8_t type);

#endif
