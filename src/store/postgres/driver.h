/*
 * driver.h - one PostgreSQL store of a plan: two sides, each with a control connection (database
 * airlock: the register) and a data connection (the migrated database: guard and effects).
 *
 * Connections are opened on demand and again when they broke; after `arm` all of them are there and
 * the statements of the window are prepared.
 */
#ifndef AIRLOCK_STORE_POSTGRES_DRIVER_H
#define AIRLOCK_STORE_POSTGRES_DRIVER_H

#include "plan/plan.h"
#include "port/store.h"
#include "store/postgres/pg.h"

#define CONTROL_DATABASE "airlock"
#define CONTROL_ROLE "airlock"
/* How far sequences are moved past the source's: one WAL prefetch of a sequence (SEQ_LOG_VALS),
 * what a crashed source may skip by itself. */
#define SEQUENCE_MARGIN 32
#define LINK_NAME_BYTES 24 /* airlock_f_1a2b3c4d */
#define TRY_PATHS 2	   /* try.c: the canary roles */

struct side_pg {
	const char *conninfo; /* borrowed from the plan */
	char *dbname;	      /* of the migrated database; owned */
	struct pg *control, *data;
	struct pg *beside; /* to the migrated database as well: for what runs beside the rest */
	bool prepared;	   /* the window's statements are prepared on `data` */
};

/* The marker that was set early, by its attempt; marker.c. */
struct marker_pg {
	int64_t attempt; /* 0 = none yet */
	enum side src;
	int64_t xid;
	bool alone;   /* nobody else's transaction was in progress */
	bool follows; /* and no other came to an end before the source was empty */
	bool taken;   /* it is the marker of its attempt */
	bool durable; /* at the destination */
};

struct store_pg {
	struct store store; /* first */
	const struct plan *plan;
	const struct plan_store *plan_store;
	struct side_pg side[SIDE_COUNT];
	char link[SIDE_COUNT][LINK_NAME_BYTES];	 /* by publisher: subscription, publication, slot */
	char audit[SIDE_COUNT][LINK_NAME_BYTES]; /* the audit slot of each side */
	struct pg *parked[TRY_PATHS]; /* logins on the source, begun by arm; NULL = none */
	char *sequence_sql;	      /* reads every sequence in one UNION ALL; owned */
	char *sequence_values;	      /* what it read, from the marker on; owned; NULL = nothing yet */
	int64_t sequence_attempt;     /* whose marker that was */
	struct marker_pg marker;
	char who[96];		      /* user@host pid, for the registers */
};

/* `plan` and `env` must outlive the store.  Connects to nobody yet.  Free with store_free. */
int store_pg_new(const struct plan *plan, size_t store_index, struct env *env,
	struct store_pg **ret_store, struct err *err) MUST_CHECK;

static inline struct store_pg *store_pg(struct store *store)
{
	return (struct store_pg *)store;
}

/* The connection, opened if needed.  Borrowed. */
int pg_control(struct store_pg *s, enum side side, int64_t deadline_ms, struct pg **ret_pg,
	struct err *err) MUST_CHECK;
int pg_data(struct store_pg *s, enum side side, int64_t deadline_ms, struct pg **ret_pg,
	struct err *err) MUST_CHECK;
/* Another one.  Of the destination only: the fence would end it on the source. */
int pg_beside(struct store_pg *s, enum side side, int64_t deadline_ms, struct pg **ret_pg,
	struct err *err) MUST_CHECK;
/* A string constant (kept prepared) in the migrated database whose first two parameters are
 * ($1 plan, $2 store). */
int pg_data_exec(struct store_pg *s, enum side side, int64_t deadline_ms, const char *sql,
	size_t nparams, const char *const *params, struct pg_rows *ret_rows,
	struct err *err) MUST_CHECK;
int pg_beside_exec(struct store_pg *s, enum side side, int64_t deadline_ms, const char *sql,
	size_t nparams, const char *const *params, struct pg_rows *ret_rows,
	struct err *err) MUST_CHECK;

/* register.c */
extern const struct arbiter_ops pg_arbiter_ops;
/* The register alone, without the guard: for a look that moves nothing. */
int pg_register(struct store_pg *s, enum side side, int64_t deadline_ms, struct reg *ret_reg,
	struct err *err) MUST_CHECK;

int pg_register_arm(
	struct store_pg *s, enum side src, int64_t deadline_ms, struct err *err) MUST_CHECK;
/* Somebody else's lock or grant was in the way, and may be gone by now. */
bool pg_move_may_retry(const struct err *err);

/* fence.c */
int pg_fence_arm(
	struct store_pg *s, enum side src, int64_t deadline_ms, struct err *err) MUST_CHECK;
int pg_end_sessions(struct store *store, const struct store_call *call, struct err *err);
/* try.c */
int pg_try_arm(struct store_pg *s, enum side src, int64_t deadline_ms, struct err *err) MUST_CHECK;
void pg_try_disarm(struct store_pg *s);
int pg_try_write(struct store *store, const struct store_call *call, struct store_tried *ret_tried,
	struct err *err);
/* marker.c */
int pg_marker_arm(
	struct store_pg *s, enum side src, int64_t deadline_ms, struct err *err) MUST_CHECK;
/* Before sessions are ended; pg_marker_follow meanwhile; pg_marker_settle when none is left, and then
 * pg_marker. */
int pg_marker_early(
	struct store_pg *s, const struct store_call *call, struct err *err) MUST_CHECK;
int pg_marker_follow(
	struct store_pg *s, const struct store_call *call, struct err *err) MUST_CHECK;
int pg_marker_settle(
	struct store_pg *s, const struct store_call *call, struct err *err) MUST_CHECK;
int pg_marker(struct store *store, const struct store_call *call, struct err *err);
int pg_reached(struct store *store, const struct store_call *call, struct err *err);
/* link.c */
int pg_link_arm(struct store_pg *s, enum side src, int64_t deadline_ms, struct err *err) MUST_CHECK;
/* Ends the walsender of `slot`; *ret_was is false when there was none any more. */
int pg_sender_end(struct store_pg *s, enum side publisher, const char *slot, int64_t deadline_ms,
	bool *ret_was, struct err *err) MUST_CHECK;
int pg_cut(struct store *store, const struct store_call *call, struct err *err);
int pg_turn(struct store *store, const struct store_call *call, uint64_t wayback, struct err *err);
int pg_relink(struct store *store, const struct store_call *call, struct guard at, struct err *err);
int pg_link_seen(struct store *store, enum side publisher, int64_t deadline_ms,
	enum link_seen *ret_seen, struct err *err);
/* ready.c */
int pg_check(struct store *store, const struct store_call *call, struct err *err);
int pg_arm(struct store *store, const struct store_call *call, struct err *err);
int pg_spare(struct store *store, enum side side, int64_t deadline_ms, int64_t *ret_logins,
	struct err *err);
/* sequence.c */
/* On src, by the marker: when nobody can draw any more. */
int pg_sequences_read(
	struct store_pg *s, const struct store_call *call, struct err *err) MUST_CHECK;
/* On dst, with what was read. */
int pg_sequences(struct store *store, const struct store_call *call, struct err *err);
int pg_sequences_arm(
	struct store_pg *s, enum side src, int64_t deadline_ms, struct err *err) MUST_CHECK;
/* sync.c */
int pg_finalize(struct store *store, const struct store_call *call, struct err *err);

/* declare.c: opens `side` without the other side's answer, because a person vouches that the other
 * one is lost.  The register is finalized by it: there is nothing to go back to. */
int pg_open_alone(
	struct store_pg *s, enum side side, int64_t deadline_ms, struct err *err) MUST_CHECK;

/* Numbers and positions of a log as text for parameters. */
#define INT_TEXT_BYTES 24
const char *int_text(char buf[INT_TEXT_BYTES], int64_t value);
const char *lsn_text(char buf[INT_TEXT_BYTES], uint64_t position);

#endif
