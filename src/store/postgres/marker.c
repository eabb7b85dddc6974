/*
 * marker.c - caught up, without lag arithmetic: a row that was committed on the source after the
 * proof, seen on the destination, then made durable there.
 */
#include "base/check.h"
#include "store/postgres/driver.h"

#define MARKER_PAUSE_US 500

static const char mark_sql[] = "SELECT airlock.mark($1, $2, $3, $4)";
static const char there_sql[] = "SELECT FROM airlock.marker WHERE attempt = $1 AND side = $2";
static const char barrier_sql[] = "SELECT airlock.barrier($1, $2, $3)";

int pg_marker_arm(struct store_pg *s, enum side src, int64_t deadline_ms, struct err *err)
{
	struct pg *pg;

	if (pg_data(s, src, deadline_ms, &pg, err) || pg_keep(pg, deadline_ms, mark_sql, 4, err) ||
		pg_data(s, side_other(src), deadline_ms, &pg, err) ||
		pg_keep(pg, deadline_ms, there_sql, 2, err) ||
		pg_keep(pg, deadline_ms, barrier_sql, 3, err))
		return -1;
	return 0;
}

int pg_marker(struct store *store, const struct store_call *call, struct err *err)
{
	char a[INT_TEXT_BYTES];
	const char *params[] = {int_text(a, call->attempt), side_name(call->src)};

	if (pg_data_exec(store_pg(store), call->src, call->deadline_ms, mark_sql, 2, params, NULL,
		    err))
		return -1;
	return pg_sequences_read(store_pg(store), call, err);
}

static int marker_is_there(
	struct store_pg *s, const struct store_call *call, bool *ret_there, struct err *err)
{
	char a[INT_TEXT_BYTES];
	const char *params[] = {int_text(a, call->attempt), side_name(call->src)};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_data(s, side_other(call->src), call->deadline_ms, &pg, err) ||
		pg_exec_kept(pg, call->deadline_ms, there_sql, 2, params, &rows, err))
		return -1;
	*ret_there = rows.rows > 0;
	return 0;
}

int pg_reached(struct store *store, const struct store_call *call, struct err *err)
{
	struct store_pg *s = store_pg(store);
	char a[INT_TEXT_BYTES];
	const char *params[] = {int_text(a, call->attempt)};
	bool there = false;

	for (;;) {
		if (marker_is_there(s, call, &there, err))
			return -1;
		if (there)
			break;
		if (env_now_ms(store->env) >= call->deadline_ms)
			return err_set(err, ERR_TIMEOUT,
				"the marker of attempt %lld has not arrived on %s",
				(long long)call->attempt, side_name(side_other(call->src)));
		env_pause(store->env, MARKER_PAUSE_US);
	}
	return pg_data_exec(s, side_other(call->src), call->deadline_ms, barrier_sql, 1, params,
		NULL, err);
}
