/*
 * renew.h - a session is made again before it has to be: at arm, on its own side.
 *
 * Who loses nothing by it (state.h) gets a second login beside its server.  At its next boundary
 * its state is captured, the register is read, the state is made again on the new server and read
 * back, and the old one is closed: the path of a flip, gone once while nobody is held.  So
 *
 * - a session that cannot be made again is named before the hold, and keeps the server that it has;
 * - the servers that the hold ends are young: the longer one has run, the more of the shared memory
 *   its end gives back, page by page, while everybody waits (docs/decisions/0036).
 *
 * It costs its client what a look costs, and one replay.  Nobody is waited for longer than for a
 * look: who does not come to a boundary meanwhile stays as he is.
 *
 * Thread: the loop's.
 */
#ifndef AIRLOCK_GATEWAY_RENEW_H
#define AIRLOCK_GATEWAY_RENEW_H

#include <stdbool.h>
#include <stddef.h>

struct gateway;
struct session;

enum renew_step {
	RENEW_NOT,
	RENEW_WANTED,
	RENEW_COMING,  /* the second login is on its way */
	RENEW_READING, /* its side's register is being read, and what the first one is to find */
	RENEW_THERE,   /* it waits for the session's next boundary */
	RENEW_TRYING   /* it is the session's server, and the old one is kept aside */
};

struct renewals;

/* Returns owned: renew_free, after renew_stop and the loop's last turn. */
struct renewals *renew_new(struct gateway *gateway);
void renew_stop(struct renewals *r);
void renew_free(struct renewals *r); /* accepts NULL */

/* Every session is to be looked at at its next boundary, and renewed there where it can be. */
void renew_begin(struct renewals *r);
/* Nobody is to be renewed; only what the database reads of settings is found, on a second login. */
void renew_scout(struct renewals *r);
/* Nobody can be looked at yet: what to ask for is being found. */
bool renew_is_scouting(const struct renewals *r);
/* Begins the next one when its time has come: one after the other, with pauses, for clients are at
 * work and keep the processors.  True while somebody is still to be renewed. */
bool renew_some(struct renewals *r);
/* Whoever has not begun stays as he is. */
void renew_end(struct renewals *r);
/* From PROBE, captured, at a boundary: true when the session goes on with its second login, from
 * where it comes back by renew_done() or renew_put_back(). */
bool renew_take(struct session *s);
/* It has been made again.  True when there was a renewal under way. */
bool renew_done(struct session *s);
/* It has not, or not in time: it goes on, RUN, with the server that it had.  False when no renewal
 * was under way, and then nothing has changed. */
bool renew_put_back(struct session *s);
/* The same, because its replay said no: `why`.  The session counts as one that cannot be carried,
 * until it is looked at again. */
bool renew_refused(struct session *s, const char *why);
/* The session is over, or stays as it is: its second login is closed. */
void renew_leave(struct session *s);

#endif
