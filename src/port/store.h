/*
 * store.h - the contract of a store's data: sessions, marker, links, sequences.
 *
 * `src` is always the side that is being left, `dst` the other one.  A *link* is one replication
 * direction, named by its publisher: while src is open the link of src is the active one and the
 * link of dst is the way back.  Every effect inside a migrated database happens in one transaction
 * that first locks that side's guard at exactly the pair the call names; where it stands elsewhere
 * the call fails with ERR_LOST and nothing happened.
 *
 * Every call is idempotent at its attempt and returns only after its effect was read back.
 * "Cannot" is a function that fails with ERR_CANNOT.
 *
 * Thread: one call at a time per store, except that `try_write` and `sequences` may run beside each
 * other and any other of the window.
 */
#ifndef AIRLOCK_PORT_STORE_H
#define AIRLOCK_PORT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/core.h"
#include "port/arbiter.h"
#include "port/env.h"

struct store_call {
	enum side src;
	int64_t attempt;
	int64_t deadline_ms; /* absolute, env_now_ms */
};

/* What a tried write proved.  A path that cannot work in any case proves nothing, and that is no
 * failure: it is told as NOT PROVEN (laws 3 and 13). */
struct store_tried {
	int refused;   /* paths that were tried and refused */
	int unproven;  /* paths that prove nothing */
	char why[128]; /* the first of those, by name */
};

/* A position that nobody moves while it is not used, and the log that is kept for it. */
struct store_idle {
	enum side side;
	const char *what; /* "way back", "audit" */
	bool usable;	  /* it is there, and its log is too */
	int64_t kept_bytes;
	int64_t strays; /* changes that somebody made behind the shut door */
};

#define STORE_IDLE_MAX 4

/* What a round over a settled store found. */
struct store_tended {
	enum side open;
	bool follows; /* the shut side is connected to the open one */
	/* In bytes of the open side's log: where it ends, and how far the shut side has confirmed.
	 */
	uint64_t log_end, log_confirmed;
	struct store_idle idle[STORE_IDLE_MAX];
	size_t idle_count;
};

struct store_ops {
	const char *name;
	/* Refuses (ERR_REFUSED, ERR_BLOCKED) what would make the attempt fail: a link that is cut
	 * or behind, a lost slot, a session that cannot be ended.  Changes nothing. */
	int (*check)(struct store *store, const struct store_call *call, struct err *err);
	/* Outside the hold: connects, prepares every statement of the window, brings the idle
	 * positions of the shut side forward.  May do what the window does where it takes all of
	 * it back unseen; refuses what cannot be done (ERR_BLOCKED, ERR_REFUSED). */
	int (*arm)(struct store *store, const struct store_call *call, struct err *err);
	/* How many logins `side` can take beside the sessions that it has, with some left over for
	 * its administrators and for us.  Never negative. */
	int (*spare)(struct store *store, enum side side, int64_t deadline_ms, int64_t *ret_logins,
		struct err *err);
	/* Ends every session on src and proves that none is left and none can come. */
	int (*end_sessions)(struct store *store, const struct store_call *call, struct err *err);
	/* Writes the marker on src at (attempt, held); remembers the shut position there.  A driver
	 * may have done it during end_sessions, if it knows that nothing was committed since. */
	int (*marker)(struct store *store, const struct store_call *call, struct err *err);
	/* Returns when the marker is on dst and durable there. */
	int (*reached)(struct store *store, const struct store_call *call, struct err *err);
	/* Cuts the active link at dst's (attempt, held) and waits until both of its ends are dead.
	 */
	int (*cut)(struct store *store, const struct store_call *call, struct err *err);
	/* Tries a write on src through every known path; fails when one was let in. */
	int (*try_write)(struct store *store, const struct store_call *call,
		struct store_tried *ret_tried, struct err *err);
	/* Moves dst's sequences to or past src's, at dst's (attempt, held).  After this attempt's
	 * `marker`, from when on src's do not move. */
	int (*sequences)(struct store *store, const struct store_call *call, struct err *err);
	/* At src's (attempt, turn): advances the way back's origin to `wayback`, enables it, moves
	 * the guard to (attempt, turned), all in one.  At (attempt, turned): nothing. */
	int (*turn)(struct store *store, const struct store_call *call, uint64_t wayback,
		struct err *err);
	/* Enables the active link again at dst's guard `at`, never touching its origin. */
	int (*relink)(struct store *store, const struct store_call *call, struct guard at,
		struct err *err);
	int (*link_seen)(struct store *store, enum side publisher, int64_t deadline_ms,
		enum link_seen *ret_seen, struct err *err);
	/* Outside attempts: brings idle positions forward and looks behind the shut door.  ERR_LOST
	 * when the store is not at rest; never a register, a guard or a link is moved. */
	int (*tend)(struct store *store, int64_t deadline_ms, struct store_tended *ret_tended,
		struct err *err);
	/* Gives up the way back of a settled store: links, slots, freeze; src is the shut side. */
	int (*finalize)(struct store *store, const struct store_call *call, struct err *err);
	void (*free)(struct store *store);
};

/* Drivers embed it first. */
struct store {
	const struct store_ops *ops;
	const struct arbiter_ops *arbiter;
	struct env *env;  /* borrowed */
	const char *name; /* borrowed */
	/* What the destination had not confirmed at the newest check, the last look before a hold;
	 * false: nobody looked yet. */
	bool lag_seen;
	int64_t lag_bytes;
};

int store_check(struct store *store, const struct store_call *call, struct err *err) MUST_CHECK;
int store_arm(struct store *store, const struct store_call *call, struct err *err) MUST_CHECK;
int store_spare(struct store *store, enum side side, int64_t deadline_ms, int64_t *ret_logins,
	struct err *err) MUST_CHECK;
int store_end_sessions(
	struct store *store, const struct store_call *call, struct err *err) MUST_CHECK;
int store_marker(struct store *store, const struct store_call *call, struct err *err) MUST_CHECK;
int store_reached(struct store *store, const struct store_call *call, struct err *err) MUST_CHECK;
int store_cut(struct store *store, const struct store_call *call, struct err *err) MUST_CHECK;
int store_try_write(struct store *store, const struct store_call *call,
	struct store_tried *ret_tried, struct err *err) MUST_CHECK;
int store_sequences(struct store *store, const struct store_call *call, struct err *err) MUST_CHECK;
int store_turn(struct store *store, const struct store_call *call, uint64_t wayback,
	struct err *err) MUST_CHECK;
int store_relink(struct store *store, const struct store_call *call, struct guard at,
	struct err *err) MUST_CHECK;
int store_link_seen(struct store *store, enum side publisher, int64_t deadline_ms,
	enum link_seen *ret_seen, struct err *err) MUST_CHECK;
int store_tend(struct store *store, int64_t deadline_ms, struct store_tended *ret_tended,
	struct err *err) MUST_CHECK;
int store_finalize(struct store *store, const struct store_call *call, struct err *err) MUST_CHECK;
void store_free(struct store *store); /* accepts NULL */

#endif
