/*
 * ending.h - sessions that a hold ends with 57P01 because the plan wants that of what they hold
 * (control/policy.h); kept, to be named in the answer.
 *
 * Thread: the loop's.
 */
#ifndef AIRLOCK_GATEWAY_ENDING_H
#define AIRLOCK_GATEWAY_ENDING_H

#include "gateway/blockers.h"

struct ending {
	struct gateway *gateway;
	int64_t attempt;
	bool overtime; /* transactions were ended; who was being looked at then may come still */
	struct control_reply reply; /* blockers and hold.disconnected: whom it has ended */
};

/* Nobody has been ended for this attempt. */
void ending_begin(struct ending *e, struct gateway *gateway, int64_t attempt);
/* When all are held, so that nobody else can make the drain fail: those who may not go along. */
void ending_what_cannot_go(struct ending *e);
/* The drain's time is up: is it for transactions alone, and does the plan want them ended?  Once. */
bool ending_would_help(const struct ending *e);
void ending_transactions(struct ending *e);

#endif
