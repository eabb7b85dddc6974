/*
 * pace.h - how many servers are opened at a time when a hold ends.
 *
 * Too many at once and a small server works on all of them together, so that the client who has
 * waited longest gets his at the same late time as everybody; too few and a large server is idle.
 * The gateway does not know how large it is, so it watches what an opening takes: while it takes
 * about as long as the quickest of its kind, one more is begun with each that is done; when it
 * takes longer than twice that, the server has enough to do.
 *
 * Pure.  Thread: the owner's.
 */
#ifndef AIRLOCK_GATEWAY_PACE_H
#define AIRLOCK_GATEWAY_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACE_MAX 32u /* more make each other slower on any server */

struct pace {
	size_t least, room;
	int64_t best_us[2]; /* the quickest so far, of whole logins and of parked ones; 0 = none */
};

/* `least`: never fewer than this are let in at a time; at most PACE_MAX. */
void pace_begin(struct pace *p, size_t least);
/* How many may be under way. */
size_t pace_room(const struct pace *p);
/* One is done, after so long. */
void pace_done(struct pace *p, bool was_parked, int64_t us);

#endif
