/*
 * ready.c - before the hold: connections, prepared statements, idle positions brought forward; and
 * the last look that refuses an attempt which would fail.
 *
 * Everything here runs while clients work, takes the time it needs, and changes nothing but
 * positions of idle slots on the shut side: what is rehearsed is taken back.
 */
#include "base/check.h"
#include "store/postgres/driver.h"
#include "store/postgres/early.h"
#include "store/postgres/rehearse.h"
#include "store/postgres/visit.h"
#include "store/postgres/warm.h"

#define LAG_PAUSE_US 100000

/*
 * How far restart_lsn of a *streaming* slot may be behind: what an abort or a turn has to decode
 * again, at about 13 s/GB.  It moves only with the server's own snapshots (every 15 s), so the
 * plan's lag budget, which is for what has not been sent, cannot apply to it.
 */
#define RESTART_LAG_MAX (256 * 1024 * 1024)

/* After a turn the next hold waits until what is now the active link has caught up. */
static int wait_caught_up(struct store_pg *s, const struct store_call *call, struct err *err)
{
	const char *slot = s->link[call->src];
	struct slot_look seen;

	for (;;) {
		if (slot_usable(s, call->src, slot, call->deadline_ms, &seen, err))
			return err_wrap(err, "waiting for link %s to catch up", slot);
		if (seen.active && seen.unsent_bytes <= s->plan->budgets.lag_bytes)
			break;
		if (env_now_ms(s->store.env) >= call->deadline_ms - LAST_LOOK_MS)
			return err_set(err, ERR_BLOCKED, "link %s is %lld bytes behind%s", slot,
				(long long)seen.unsent_bytes,
				seen.active ? "" : " and not running");
		env_pause(s->store.env, LAG_PAUSE_US);
	}
	if (seen.kept_bytes > RESTART_LAG_MAX)
		return err_set(err, ERR_BLOCKED,
			"link %s would have to decode %lld bytes again after an abort; "
			"CHECKPOINT on %s moves it",
			slot, (long long)seen.kept_bytes, side_name(call->src));
	return 0;
}

/* A finalized migration has no attempts; one that was left in sync for too long must be looked at
 * again before its first. */
static int may_begin(struct store_pg *s, const struct store_call *call, struct err *err)
{
	const char *params[] = {s->plan->name, s->plan_store->name, side_name(call->src)};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_control(s, call->src, call->deadline_ms, &pg, err) ||
		pg_exec(pg, call->deadline_ms,
			"SELECT finalized IS NOT NULL, promoted,"
			" (extract(epoch FROM clock_timestamp() - enrolled) * 1000)::bigint"
			" FROM airlock.register WHERE plan = $1 AND store = $2 AND side = $3",
			3, params, &rows, err))
		return -1;
	if (rows.rows == 0)
		return err_set(err, ERR_REFUSED, "no register on %s: run `airlock sync`",
			side_name(call->src));
	if (pg_bool(&rows, 0, 0))
		return err_set(err, ERR_REFUSED,
			"this migration was finalized: there is no way back any more");
	if (pg_int(&rows, 0, 1) == 0 && call->src == SIDE_OLD &&
		pg_int(&rows, 0, 2) > s->plan->budgets.sync_age_ms)
		return err_set(err, ERR_REFUSED,
			"in sync since %lld hours, longer than budgets.sync_age: what was checked "
			"then may have changed; `airlock abandon`, then sync again",
			(long long)pg_int(&rows, 0, 2) / 3600000);
	return 0;
}

int pg_arm(struct store *store, const struct store_call *call, struct err *err)
{
	struct store_pg *s = store_pg(store);
	struct pg *pg;

	for (int side = 0; side < SIDE_COUNT; side++)
		if (pg_control(s, (enum side)side, call->deadline_ms, &pg, err) ||
			pg_data(s, (enum side)side, call->deadline_ms, &pg, err))
			return -1;
	if (may_begin(s, call, err) || visit_before_hold(s, call->src, call->deadline_ms, err) ||
		wait_caught_up(s, call, err))
		return -1;
	if (pg_sequences_arm(s, call->src, call->deadline_ms, err) ||
		pg_fence_arm(s, call->src, call->deadline_ms, err) ||
		pg_link_arm(s, call->src, call->deadline_ms, err) ||
		pg_marker_arm(s, call->src, call->deadline_ms, err) ||
		pg_register_arm(s, call->src, call->deadline_ms, err) ||
		pg_try_arm(s, call->src, call->deadline_ms, err))
		return -1;
	return pg_warm(s, call->src, call->deadline_ms, err) || pg_rehearse(s, call, err) ? -1 : 0;
}

/* Ours to both sides are open by now.  Ten are left to whoever else comes meanwhile; of a limit that
 * is the database's own, those who are there are taken off. */
static const char spare_sql[] =
	"SELECT greatest(0, least(current_setting('max_connections')::int"
	"  - current_setting('superuser_reserved_connections')::int - 10 - count(*),"
	"  (SELECT CASE WHEN datconnlimit < 0 THEN 262143 ELSE datconnlimit END FROM pg_database"
	"   WHERE datname = $1) - count(*) FILTER (WHERE datname = $1)))"
	" FROM pg_stat_activity WHERE backend_type = 'client backend'";

int pg_spare(struct store *store, enum side side, int64_t deadline_ms, int64_t *ret_logins,
	struct err *err)
{
	struct store_pg *s = store_pg(store);
	const char *params[] = {s->side[side].dbname};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_control(s, side, deadline_ms, &pg, err) ||
		pg_exec(pg, deadline_ms, spare_sql, 1, params, &rows, err))
		return -1;
	*ret_logins = pg_int(&rows, 0, 0);
	return 0;
}

/* Each row is one reason against the hold: (may go away by itself, sentence). */
static const char ready_sql[] =
	/* a session that cannot be ended below superuser */
	"SELECT false, format('superuser %s is connected (pid %s, %s): it cannot be ended with the"
	" rights given', usename, pid, application_name) FROM pg_stat_activity"
	" WHERE datname = current_database() AND backend_type = 'client backend'"
	"  AND pid <> pg_backend_pid()"
	"  AND (SELECT rolsuper FROM pg_roles WHERE rolname = usename)"
	"  AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"
	" UNION ALL"
	" SELECT false, format('prepared transaction %s may commit at any time', gid)"
	" FROM pg_prepared_xacts WHERE database = current_database()"
	" UNION ALL"
	" SELECT true, format('transaction of %s (pid %s, %s) is open for %s ms, longer than the"
	" drain budget', usename, pid, application_name,"
	" round(extract(epoch FROM clock_timestamp() - xact_start) * 1000))"
	" FROM pg_stat_activity WHERE datname = current_database()"
	"  AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
	"  AND backend_xid IS NOT NULL AND clock_timestamp() - xact_start >"
	"   $1::bigint * interval '1 millisecond'";

static int no_blockers(struct store_pg *s, const struct store_call *call, struct err *err)
{
	char drain[INT_TEXT_BYTES];
	const char *params[] = {int_text(drain, s->plan->budgets.drain_ms)};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_data(s, call->src, call->deadline_ms, &pg, err) ||
		pg_exec(pg, call->deadline_ms, ready_sql, 1, params, &rows, err))
		return -1;
	if (rows.rows == 0)
		return 0;
	return err_set(err, pg_bool(&rows, 0, 0) ? ERR_BLOCKED : ERR_REFUSED, "%s: %s%s",
		side_name(call->src), pg_text(&rows, 0, 1), rows.rows > 1 ? " (and others)" : "");
}

/* Every table of a link must have been copied and stream ('r'), on both subscriptions. */
static int tables_ready(
	struct store_pg *s, enum side publisher, int64_t deadline_ms, struct err *err)
{
	struct tables_look tables;

	if (tables_look(s, publisher, deadline_ms, &tables, err))
		return -1;
	if (tables.total == 0)
		return err_set(err, ERR_REFUSED, "link %s has no tables: run `airlock sync`",
			s->link[publisher]);
	if (tables.ready < tables.total)
		return err_set(err, ERR_BLOCKED, "link %s: %lld table(s) are not in sync yet",
			s->link[publisher], (long long)(tables.total - tables.ready));
	return 0;
}

static int links_stand(struct store_pg *s, const struct store_call *call, struct err *err)
{
	enum side dst = side_other(call->src);
	enum link_seen active, back;
	struct slot_look slot;

	if (pg_link_seen(&s->store, call->src, call->deadline_ms, &active, err) ||
		pg_link_seen(&s->store, dst, call->deadline_ms, &back, err))
		return -1;
	if (active == LINK_OFF)
		return err_set(err, ERR_REFUSED, "link %s is cut: `airlock resume` repairs it",
			s->link[call->src]);
	if (back == LINK_ON)
		return err_set(err, ERR_REFUSED,
			"both links are enabled: %s must be off while %s is open", s->link[dst],
			side_name(call->src));
	if (active != LINK_ON || back != LINK_OFF)
		return err_set(err, ERR_REFUSED, "a link is missing: run `airlock sync`");
	if (slot_usable(s, dst, s->link[dst], call->deadline_ms, &slot, err))
		return -1;
	if (slot.active)
		return err_set(err, ERR_REFUSED, "slot %s on %s is in use by somebody else",
			s->link[dst], side_name(dst));
	return 0;
}

/* The last thing before the hold, so that the number is the one that the hold met. */
static int measure_lag(struct store_pg *s, const struct store_call *call, struct err *err)
{
	struct slot_look slot;

	if (slot_usable(s, call->src, s->link[call->src], call->deadline_ms, &slot, err))
		return -1;
	s->store.lag_seen = true;
	s->store.lag_bytes = slot.unsent_bytes > 0 ? slot.unsent_bytes : 0;
	return 0;
}

int pg_check(struct store *store, const struct store_call *call, struct err *err)
{
	struct store_pg *s = store_pg(store);

	if (links_stand(s, call, err) || tables_ready(s, SIDE_OLD, call->deadline_ms, err) ||
		tables_ready(s, SIDE_NEW, call->deadline_ms, err) || no_blockers(s, call, err) ||
		(call->src == SIDE_OLD && early_check(s, call->deadline_ms, err)))
		return -1;
	return measure_lag(s, call, err);
}
