/*
 * hold.h - the gateway as a whole: run, hold, let go; what the controller asks for, and law 6.
 *
 * A hold stops every session at its next boundary, with its state captured, and parks new logins.
 * It ends by a release, or at its deadline toward the side whose register is open: from SEALED of
 * its own attempt by abort_if_expired, and where no door is open by refusing (57P03), nothing
 * executed.  A release counts only after this gateway has read that register open itself.
 *
 * Thread: the loop's.
 */
#ifndef AIRLOCK_GATEWAY_HOLD_H
#define AIRLOCK_GATEWAY_HOLD_H

#include "gateway/session.h"

struct hold;

/* Returns owned: hold_free, after its timers are closed by hold_stop. */
struct hold *hold_new(struct gateway *gateway);
void hold_stop(struct hold *h);
void hold_free(struct hold *h);
/* Are sessions to stop at their next boundary? */
bool hold_stops(const struct hold *h);
/* May this held session go on now?  (After a release they go a few at a time, waiting ones first.)
 */
bool hold_lets_go(struct hold *h, struct session *s);
/* The session has come to where it is held, has got its server, was refused, or is gone. */
void hold_news(struct hold *h);

#endif
