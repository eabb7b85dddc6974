/*
 * marker.c - caught up, without lag arithmetic: a row that was committed on the source after the
 * proof, seen on the destination, then made durable there.
 */
#include "base/check.h"
#include "store/postgres/driver.h"

#define MARKER_PAUSE_US 500

int pg_marker(struct store *store, const struct store_call *call, struct err *err)
{
	char a[INT_TEXT_BYTES];
	const char *params[] = {int_text(a, call->attempt), side_name(call->src)};

	if (pg_data_exec(store_pg(store), call->src, call->deadline_ms,
		    "SELECT airlock.mark($1, $2, $3, $4)", 2, params, NULL, err))
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
		pg_exec_kept(pg, call->deadline_ms,
			"SELECT FROM airlock.marker WHERE attempt = $1 AND side = $2", 2, params,
			&rows, err))
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
			return err_wrap(err, "waiting for the marker of attempt %lld on %s",
				(long long)call->attempt, side_name(side_other(call->src)));
		if (there)
			break;
		if (env_now_ms(store->env) >= call->deadline_ms)
			return err_set(err, ERR_TIMEOUT,
				"the marker of attempt %lld has not arrived on %s",
				(long long)call->attempt, side_name(side_other(call->src)));
		env_pause(store->env, MARKER_PAUSE_US);
	}
	return pg_data_exec(s, side_other(call->src), call->deadline_ms,
		"SELECT airlock.barrier($1, $2, $3)", 1, params, NULL, err);
}
