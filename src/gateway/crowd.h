/*
 * crowd.h - what is asked of, or done to, all sessions at once, whatever a hold is doing.
 *
 * Thread: the loop's.
 */
#ifndef AIRLOCK_GATEWAY_CROWD_H
#define AIRLOCK_GATEWAY_CROWD_H

#include "gateway/session.h"

/* Has this gateway itself seen a session let in at another side than src? */
bool crowd_is_elsewhere(const struct gateway *gateway, enum control_side src);
/* How many are not at a boundary. */
size_t crowd_at_work(const struct gateway *gateway);
/* How many a probe is under way of. */
size_t crowd_looked_at(const struct gateway *gateway);
/* How many one is still to be begun of, or a renewal. */
size_t crowd_to_look_at(const struct gateway *gateway);
/* Not heard for longer than a hold lasts. */
bool crowd_is_idle(const struct session *s);
/* What has been idle will hardly be missed in the window, which then pays for active sessions alone. */
void crowd_detach_idle(struct gateway *gateway);
/* Have all whom a hold's end let go been served since? */
bool crowd_is_calm(const struct gateway *gateway);
/* Has none of those who are in a hold's way been at work for longer than this? */
bool crowd_is_quick(const struct gateway *gateway, int64_t ms);
/* The seal ends all sessions of the side that is left, and a process needs a while to end; so those
 * of the held begin to.  An abort then opens servers anew, as a flip does.  While not everybody is
 * held yet: only of those who would be the same again. */
void crowd_end_those_who_lose_nothing(struct gateway *gateway);
/* False when nobody who is held has a server any more, but those who listen: they may hear more. */
bool crowd_end_one(struct gateway *gateway);
/* What is wanted has changed for all. */
void crowd_settle(struct gateway *gateway);
/* No hold has come after an arm: one more look is wanted, which leaves nothing in anybody's session.
 */
void crowd_put_away(struct gateway *gateway);

#endif
