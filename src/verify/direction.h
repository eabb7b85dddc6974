/*
 * direction.h - which side is open, and so which one the other is judged by.  A cutover may happen
 * while both sides are compared: the direction is read again wherever an answer depends on it.
 */
#ifndef AIRLOCK_VERIFY_DIRECTION_H
#define AIRLOCK_VERIFY_DIRECTION_H

#include <signal.h>

#include "store/postgres/driver.h"

struct direction {
	enum side src;	    /* its register is open */
	int64_t epoch;	    /* of that opening; another one means that a hold lies between */
	bool shut_was_open; /* the other side has been in use: old ever, new once it was promoted */
	bool undone;	    /* an attempt that came to nothing lies behind the last crossing */
};

/*
 * Waits for a side that is open, while a cutover is under way.  ERR_UNKNOWN when none opens within
 * `wait_ms` (0 = one look), ERR_REFUSED when there is no link yet.  `stop` may be NULL.
 * Uses the store's control connections: one thread at a time.
 */
int direction_read(struct store_pg *store, int64_t wait_ms, const volatile sig_atomic_t *stop,
	struct direction *ret, struct err *err) MUST_CHECK;

#endif
