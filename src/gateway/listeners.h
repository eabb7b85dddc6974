/*
 * listeners.h - what sessions that LISTEN need of a hold, so that as few notifications as possible
 * are missed (docs/decisions/0015).
 *
 * Thread: the loop's.
 */
#ifndef AIRLOCK_GATEWAY_LISTENERS_H
#define AIRLOCK_GATEWAY_LISTENERS_H

#include "gateway/session.h"

/* All are held: what was committed before is in the servers' hands, and an empty round trip brings
 * it out to those who listen.  They are not held while that lasts. */
void listeners_flush(struct gateway *gateway);
/* After a release: is one of those not yet where he can listen again? */
bool listeners_are_under_way(const struct gateway *gateway);
/* A door is open again; they would never ask for their server. */
void listeners_wake(struct gateway *gateway);

#endif
