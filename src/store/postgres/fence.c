/*
 * fence.c - after CONNECT has been revoked: end all sessions, then prove that none is left.
 *
 * Two looks, in this order and in separate transactions.  A backend that is starting up takes a
 * lock on the database object, then reads admission, then becomes visible in pg_stat_activity, then
 * drops the lock.  So one that is not yet locked at the first look will be refused; one that holds
 * the lock is in the first look; one that dropped it is in the second.  In the other order, or as
 * one UNION, it can be missed.
 */
#include <string.h>

#include "base/check.h"
#include "store/postgres/driver.h"

#define PROOF_PAUSE_US 1000

/* Exempt are pids, never names: our own sessions, the walsenders of our slots, the apply workers of
 * our enabled links, autovacuum. */
#define OURS                                                                                       \
	"pid <> pg_backend_pid()"                                                                  \
	" AND pid NOT IN (SELECT active_pid FROM pg_replication_slots"                             \
	"                 WHERE active_pid IS NOT NULL AND slot_name IN ($1, $2))"                 \
	" AND pid NOT IN (SELECT t.pid FROM pg_stat_subscription t JOIN pg_subscription u"         \
	"                 ON u.oid = t.subid WHERE t.pid IS NOT NULL AND u.subenabled"             \
	"                 AND u.subname IN ($1, $2))"

static const char starting_sql[] =
	"SELECT pid, pg_terminate_backend(pid) FROM pg_locks"
	" WHERE locktype = 'object' AND classid = 'pg_database'::regclass"
	"  AND objid = (SELECT oid FROM pg_database WHERE datname = current_database())"
	"  AND pid IS NOT NULL AND " OURS;

static const char session_sql[] =
	"SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity"
	" WHERE datname = current_database() AND backend_type <> 'autovacuum worker' AND " OURS;

static const char prepared_sql[] =
	"SELECT gid FROM pg_prepared_xacts WHERE database = current_database() LIMIT 1";

int pg_fence_arm(struct store_pg *s, enum side src, int64_t deadline_ms, struct err *err)
{
	struct pg *pg;

	if (pg_data(s, src, deadline_ms, &pg, err) ||
		pg_keep(pg, deadline_ms, starting_sql, 2, err) ||
		pg_keep(pg, deadline_ms, session_sql, 2, err) ||
		pg_keep(pg, deadline_ms, prepared_sql, 0, err))
		return -1;
	return 0;
}

/* One look: ends what it finds.  *ret_found = how many it found. */
static int look(struct store_pg *s, enum side side, int64_t deadline_ms, const char *sql,
	size_t *ret_found, struct err *err)
{
	const char *links[] = {s->link[SIDE_OLD], s->link[SIDE_NEW]};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_data(s, side, deadline_ms, &pg, err) ||
		pg_exec_kept(pg, deadline_ms, sql, 2, links, &rows, err))
		return -1;
	*ret_found = rows.rows;
	return 0;
}

static int refuse_prepared(struct store_pg *s, enum side side, int64_t deadline_ms, struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_data(s, side, deadline_ms, &pg, err) ||
		pg_exec_kept(pg, deadline_ms, prepared_sql, 0, NULL, &rows, err))
		return -1;
	if (rows.rows > 0)
		return err_set(err, ERR_REFUSED,
			"%s holds the prepared transaction '%s', which may commit at any time: "
			"COMMIT PREPARED or ROLLBACK PREPARED it",
			side_name(side), pg_text(&rows, 0, 0));
	return 0;
}

/* Ending sessions is the one effect that no guard admits, so the register is read right before each
 * round: a controller that slept must not end the sessions of a door that was opened again. */
static int still_shut(struct store_pg *s, const struct store_call *call, struct err *err)
{
	struct reg reg;

	if (pg_register(s, call->src, call->deadline_ms, &reg, err))
		return -1;
	if (reg.state == REG_SEALED && reg.attempt == call->attempt)
		return 0;
	if (call->attempt == 0 && reg.state == REG_STANDBY)
		return 0; /* sync shuts the new side before any attempt */
	return err_set(err, ERR_LOST, "%s is %s(%lld), not sealed at %lld", side_name(call->src),
		reg_state_name(reg.state), (long long)reg.attempt, (long long)call->attempt);
}

/* One round, in this order.  *ret_found = how many were told to end. */
static int round_of_looks(
	struct store_pg *s, const struct store_call *call, size_t *ret_found, struct err *err)
{
	size_t starting, running;

	if (still_shut(s, call, err) ||
		look(s, call->src, call->deadline_ms, starting_sql, &starting, err) ||
		look(s, call->src, call->deadline_ms, session_sql, &running, err)) {
		if (err->code == ERR_RIGHTS)
			return err_wrap(err,
				"a session on %s cannot be ended with the rights given "
				"(a superuser's)",
				side_name(call->src));
		return -1;
	}
	*ret_found = starting + running;
	return 0;
}

int pg_end_sessions(struct store *store, const struct store_call *call, struct err *err)
{
	struct store_pg *s = store_pg(store);
	size_t found = 0;

	/* sync's has attempt 0, and no marker travels for it. */
	if (call->attempt > 0 && (still_shut(s, call, err) || pg_marker_early(s, call, err)))
		return -1;
	for (;;) {
		if (round_of_looks(s, call, &found, err))
			return -1;
		if (found == 0)
			break;
		if (pg_marker_follow(s, call, err))
			return -1;
		if (env_now_ms(store->env) >= call->deadline_ms)
			return err_set(err, ERR_BLOCKED,
				"%s: %zu session(s) did not end in time (a stopped process?)",
				side_name(call->src), found);
		env_pause(store->env, PROOF_PAUSE_US);
	}
	return refuse_prepared(s, call->src, call->deadline_ms, err) ||
			       pg_marker_settle(s, call, err)
		       ? -1
		       : 0;
}
