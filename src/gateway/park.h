/*
 * park.h - logins that wait at the shut side's door: everything up to, but not including, the last
 * message of SCRAM is done before the hold, so that a flip only has to finish them.
 *
 * The store itself refuses a parked login while its door is shut: admission is checked when it is
 * finished, not when it was begun.  No more are parked than the controller's share says; they are
 * made anew before the server's authentication_timeout ends them, and given up when no hold comes.
 *
 * Thread: the loop's.
 */
#ifndef AIRLOCK_GATEWAY_PARK_H
#define AIRLOCK_GATEWAY_PARK_H

#include "gateway/session.h"

struct park;

/* Returns owned: park_free, after park_stop and the loop's last turn. */
struct park *park_new(struct gateway *gateway);
void park_stop(struct park *p);
void park_free(struct park *p); /* accepts NULL */

/* Parks up to `share` sessions at `side`, a few at a time; 0 = none. */
void park_begin(struct park *p, enum control_side side, int64_t share);
/* Closes what is left. */
void park_end(struct park *p);
/* Are some still on their way there? */
bool park_is_busy(const struct park *p);
int64_t park_count(const struct park *p);
/* Of those, who have come to where they wait. */
int64_t park_there(const struct park *p);
/* The session's parked login becomes its server and goes on, if it has one at `side`. */
bool park_take(struct session *s, enum control_side side);
/* The session is gone, or another can be parked in its place. */
void park_leave(struct session *s);
/* A session has logged in here: it is parked too if the share allows. */
void park_join(struct park *p, struct session *s);

#endif
