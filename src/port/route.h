/*
 * route.h - the contract of what carries clients to a store.
 *
 * A route that cannot hold says so by its capability bits; the engine then relies on the fence
 * alone and clients reconnect by themselves.
 *
 * Thread: one call at a time per route.
 */
#ifndef AIRLOCK_PORT_ROUTE_H
#define AIRLOCK_PORT_ROUTE_H

#include <stdint.h>

#include "base/err.h"
#include "core/door.h"

enum route_can { ROUTE_CAN_HOLD = 1 };

struct route;

struct route_ops {
	const char *name;
	unsigned can; /* ROUTE_CAN_* */
	/* Outside the hold: whatever can be prepared for sending clients to `dst`. */
	int (*arm)(struct route *route, enum side dst, int64_t deadline_ms, struct err *err);
	/* Clients wait at their next transaction boundary; returns when all do (drained).  The hold
	 * ends by itself after hold_ms. */
	int (*hold)(struct route *route, int64_t attempt, int64_t hold_ms, int64_t deadline_ms,
		struct err *err);
	/* Sends clients to `side`, whose register was read open at `epoch`, and lets them go. */
	int (*release)(struct route *route, enum side side, int64_t epoch, int64_t deadline_ms,
		struct err *err);
	void (*free)(struct route *route);
};

struct route {
	const struct route_ops *ops;
	const char *name; /* borrowed */
};

int route_arm(struct route *route, enum side dst, int64_t deadline_ms, struct err *err) MUST_CHECK;
int route_hold(struct route *route, int64_t attempt, int64_t hold_ms, int64_t deadline_ms,
	struct err *err) MUST_CHECK;
int route_release(struct route *route, enum side side, int64_t epoch, int64_t deadline_ms,
	struct err *err) MUST_CHECK;
void route_free(struct route *route); /* accepts NULL */

#endif
