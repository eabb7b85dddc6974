/*
 * hold.h - the gateway as a whole: run, hold, let go; what the controller asks for, and law 6.
 *
 * A hold stops every session at its next boundary, with its state captured, and parks new logins.
 * Their servers are ended before the seal would do it: at once, or one by one when all are held
 * (docs/decisions/0013).  A hold that is given up lets them go on where they were.
 * It ends by a release, or at its deadline toward the side whose register is open: from SEALED of
 * its own attempt by abort_if_expired, and where no door is open by refusing (57P03), nothing
 * executed.  A release counts only after this gateway has read that register open itself; it is
 * answered when those who waited have been served once (or soon, if that takes long).
 *
 * It begins for clients at a good moment, if the controller gives it time to wait for one: lull.h.
 *
 *   RUN --hold--> DRAINING --all at a boundary--> HELD --release, deadline--> FLIPPING --> RUN
 *                    '--drain too long, somebody cannot be carried--> FLIPPING (where they were)
 *   DRAINING, HELD --deadline, no door open--> SHUT --a register reads open--> RUN
 *
 * Thread: the loop's.
 */
#ifndef AIRLOCK_GATEWAY_HOLD_H
#define AIRLOCK_GATEWAY_HOLD_H

#include "gateway/controld.h"
#include "gateway/session.h"

struct hold;

/* Returns owned: hold_free, after its handles have been closed by hold_stop. */
struct hold *hold_new(struct gateway *gateway);
void hold_stop(struct hold *h);
void hold_free(struct hold *h); /* accepts NULL */
/* To be given to controld_open with the hold as ctx. */
const struct controld_ops *hold_ops(void);

/* Are sessions to stop at their next boundary? */
bool hold_stops(const struct hold *h);
/* May its client begin something new?  Not in a hold, and not while others, who have waited since
 * the hold, have not been served yet: release.c. */
bool hold_lets_begin(const struct hold *h, const struct session *s);
/* May this held session go on now?  (After a release they go a few at a time, waiting ones first;
 * who is not let in holds up others for half a second at most.) */
bool hold_lets_go(const struct hold *h, const struct session *s);
/* Where its hold ended while it was flushed: may it go on with the server that it has? */
bool hold_keeps(const struct hold *h, const struct server *server);
/* Are sessions looked at because a hold is to follow? */
bool hold_is_arming(const struct hold *h);
/* Without a hold: may one more session be looked at now? */
bool hold_has_room_to_look(const struct hold *h);
void hold_looks_at_one(struct hold *h);
/* How long a session that was carried may look for an open door. */
int64_t hold_patience_ms(const struct hold *h);
/* A session that the hold's end let go has been served: it is at a boundary again. */
void hold_calmed(struct hold *h, struct session *s);
/* A register read open, and no hold is under way: nobody is shut out any more, and who listens gets
 * his server, for which he would never ask. */
void hold_door_opened(struct hold *h);
/* The session has come to where it is held, has got its server or failed to at its first try, was
 * refused, is gone, or a probe that arm had wanted is over.  What follows from it is done in the
 * loop's next turn. */
void hold_news(struct hold *h, struct session *s);
/* Something may follow from what has come, of no session: in the loop's next turn. */
void hold_look_soon(struct hold *h);

#endif
