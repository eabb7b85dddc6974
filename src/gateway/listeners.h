/*
 * listeners.h - what sessions that LISTEN need of a hold, so that as few notifications as possible
 * are missed (docs/decisions/0015).
 *
 * Thread: the loop's.
 */
#ifndef AIRLOCK_GATEWAY_LISTENERS_H
#define AIRLOCK_GATEWAY_LISTENERS_H

#include "gateway/session.h"

/* Looks for an open door while somebody who listens is without a server and no hold is under way:
 * he would never ask, so he would be deaf without an error.  Belongs to the hold. */
struct listeners {
	struct gateway *gateway;
	uv_timer_t timer;
	bool looking; /* a register has been asked for */
	unsigned looks;
	enum control_side aim;
};

void listeners_begin(struct listeners *l, struct gateway *gateway);
/* `l` must outlive the loop's last turn. */
void listeners_stop(struct listeners *l);

/* All are held: what was committed before is in the servers' hands, and an empty round trip brings
 * it out to those who listen.  They are not held while that lasts. */
void listeners_flush(struct gateway *gateway);
/* After a release: is one of those not yet where he can listen again? */
bool listeners_are_under_way(const struct gateway *gateway);
/* A door is open again; they would never ask for their server. */
void listeners_wake(struct gateway *gateway);

#endif
