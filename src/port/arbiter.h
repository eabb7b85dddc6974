/*
 * arbiter.h - the contract of a store's registers and guards.
 *
 * Every store has one, whatever its engine.  All calls are idempotent, have a deadline (absolute,
 * env_now_ms), and answer with what was observed.  A move that the register's state does not allow
 * is no error: ret_moved is false and ret_reg says what is there.
 *
 *   SEAL      ACTIVE(< a)            -> SEALED(a)        closes admission, starts the hold's clock
 *   COMMIT    SEALED(a)              -> COMMITTING(a)    only while admission is still closed and
 *                                                        enough of the hold is left
 *   PROMOTE   STANDBY, revoked < a   -> ACTIVE(a)        fixes the way back, opens admission
 *   REVOKE    STANDBY, promoted < a  -> STANDBY, revoked >= a
 *   RETIRE    COMMITTING(a)          -> STANDBY, revoked >= a
 *   REOPEN    `from`(a)              -> ACTIVE(a)        restores admission; from SEALED(a), or,
 * only after REVOKE(a) on the other side, from COMMITTING(a): the caller names which, for another
 * controller may commit meanwhile
 *
 * Each move and its change of admission are one transaction, durable when the call returns.
 */
#ifndef AIRLOCK_PORT_ARBITER_H
#define AIRLOCK_PORT_ARBITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/door.h"

struct store;

enum arbiter_move {
	MOVE_SEAL,
	MOVE_COMMIT,
	MOVE_PROMOTE,
	MOVE_REVOKE,
	MOVE_RETIRE,
	MOVE_REOPEN,
	MOVE_COUNT
};

struct arbiter_call {
	enum side side;
	int64_t attempt;
	int64_t epoch;	 /* PROMOTE: the new epoch, above every epoch seen */
	int64_t hold_ms; /* SEAL: how long, by the side's own clock; COMMIT: how much must be left
			  */
	enum reg_state from; /* REOPEN: REG_SEALED or REG_COMMITTING */
	int64_t deadline_ms;
};

struct arbiter_ops {
	/* Guard first, then register (two reads, in this order). */
	int (*read)(struct store *store, enum side side, int64_t deadline_ms, struct door *ret_door,
		struct err *err);
	/* Compare-and-swap of the guard row; waits for a transaction that holds it. */
	int (*guard)(struct store *store, enum side side, struct guard from, struct guard to,
		int64_t deadline_ms, bool *ret_moved, struct err *err);
	int (*move)(struct store *store, enum arbiter_move move, const struct arbiter_call *call,
		bool *ret_moved, struct reg *ret_reg, struct err *err);
};

/* The checking wrappers: callers never touch ->ops.  Defined in port.c. */
int arbiter_read(struct store *store, enum side side, int64_t deadline_ms, struct door *ret_door,
	struct err *err) MUST_CHECK;
int arbiter_guard(struct store *store, enum side side, struct guard from, struct guard to,
	int64_t deadline_ms, bool *ret_moved, struct err *err) MUST_CHECK;
int arbiter_move(struct store *store, enum arbiter_move move, const struct arbiter_call *call,
	bool *ret_moved, struct reg *ret_reg, struct err *err) MUST_CHECK;
const char *arbiter_move_name(enum arbiter_move move); /* "seal" */

#endif
