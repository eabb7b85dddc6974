/*
 * marker.c - caught up, without lag arithmetic: a row that was committed on the source after the
 * last write there, seen on the destination, then made durable there.
 *
 * It is set *early*, before sessions are told to end, so that it travels while they do.  It counts
 * only if nobody committed after it, which is read from transaction ids when the source is empty:
 * none was in progress when the marker took its own, and none has come to an end since.  (Ids are
 * the cluster's: other databases' transactions make it fail, and then, as for a late commit, it is
 * set again.  See docs/decisions/0035.)
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "store/postgres/driver.h"

#define MARKER_PAUSE_US 500

static const char mark_sql[] = "SELECT airlock.mark($1, $2, $3, $4)";
/* The snapshot is older than the marker's own id: with nobody in progress the next id was that.  A
 * row that was there already, of a controller that died, says nothing of now. */
static const char early_sql[] =
	"SELECT pg_current_xact_id()::text, airlock.mark($1, $2, $3, $4),"
	" pg_snapshot_xmin(v) = pg_snapshot_xmax(v) AND pg_snapshot_xmax(v) = pg_current_xact_id()"
	" AND NOT EXISTS (SELECT FROM airlock.marker WHERE attempt = $3 AND side = $4)"
	" FROM pg_current_snapshot() v";
/* Behind the newest id whose transaction has come to an end. */
static const char ended_sql[] = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text";
/* Who may no longer mark may not take what was marked early, either. */
static const char held_sql[] =
	"SELECT FROM airlock.guard"
	" WHERE plan = $1 AND store = $2 AND attempt = $3 AND phase = 'held'";
static const char there_sql[] = "SELECT FROM airlock.marker WHERE attempt = $1 AND side = $2";
static const char barrier_sql[] = "SELECT airlock.barrier($1, $2, $3)";

int pg_marker_arm(struct store_pg *s, enum side src, int64_t deadline_ms, struct err *err)
{
	struct pg *pg;

	if (pg_data(s, src, deadline_ms, &pg, err) || pg_keep(pg, deadline_ms, mark_sql, 4, err) ||
		pg_keep(pg, deadline_ms, early_sql, 4, err) ||
		pg_keep(pg, deadline_ms, ended_sql, 0, err) ||
		pg_keep(pg, deadline_ms, held_sql, 3, err) ||
		pg_data(s, side_other(src), deadline_ms, &pg, err) ||
		pg_keep(pg, deadline_ms, there_sql, 2, err) ||
		pg_keep(pg, deadline_ms, barrier_sql, 3, err))
		return -1;
	return 0;
}

static bool is_of(const struct marker_pg *m, const struct store_call *call)
{
	return m->attempt == call->attempt && m->src == call->src;
}

/* Of a row that was set early, which another one may have to follow. */
static const char *early_key(enum side src)
{
	static const char *const keys[] = {[SIDE_OLD] = "old early", [SIDE_NEW] = "new early"};

	return keys[src];
}

int pg_marker_early(struct store_pg *s, const struct store_call *call, struct err *err)
{
	char a[INT_TEXT_BYTES];
	const char *params[] = {int_text(a, call->attempt), early_key(call->src)};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;

	if (is_of(&s->marker, call))
		return 0;
	if (pg_data_exec(s, call->src, call->deadline_ms, early_sql, 2, params, &rows, err))
		return -1;
	s->marker = (struct marker_pg){.attempt = call->attempt,
		.src = call->src,
		.xid = strtoll(pg_text(&rows, 0, 0), NULL, 10),
		.alone = strcmp(pg_text(&rows, 0, 2), "t") == 0};
	return 0;
}

static int is_there(struct store_pg *s, const struct store_call *call, const char *key,
	bool *ret_there, struct err *err)
{
	char a[INT_TEXT_BYTES];
	const char *params[] = {int_text(a, call->attempt), key};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_data(s, side_other(call->src), call->deadline_ms, &pg, err) ||
		pg_exec_kept(pg, call->deadline_ms, there_sql, 2, params, &rows, err))
		return err_wrap(err, "waiting for the marker of attempt %lld on %s",
			(long long)call->attempt, side_name(side_other(call->src)));
	*ret_there = rows.rows > 0;
	return 0;
}

/* What is there is there for good. */
static int make_durable(struct store_pg *s, const struct store_call *call, struct err *err)
{
	char a[INT_TEXT_BYTES];
	const char *params[] = {int_text(a, call->attempt)};

	return pg_data_exec(s, side_other(call->src), call->deadline_ms, barrier_sql, 1, params,
		NULL, err);
}

int pg_marker_follow(struct store_pg *s, const struct store_call *call, struct err *err)
{
	bool there = false;

	if (!is_of(&s->marker, call) || !s->marker.alone || s->marker.durable)
		return 0;
	if (is_there(s, call, early_key(call->src), &there, err) ||
		(there && make_durable(s, call, err)))
		return -1;
	s->marker.durable = there;
	return 0;
}

int pg_marker_settle(struct store_pg *s, const struct store_call *call, struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (!is_of(&s->marker, call) || !s->marker.alone)
		return 0;
	if (pg_data(s, call->src, call->deadline_ms, &pg, err) ||
		pg_exec_kept(pg, call->deadline_ms, ended_sql, 0, NULL, &rows, err))
		return -1;
	s->marker.follows = strtoll(pg_text(&rows, 0, 0), NULL, 10) == s->marker.xid + 1;
	return 0;
}

static int may_take_early(struct store_pg *s, const struct store_call *call, struct err *err)
{
	char a[INT_TEXT_BYTES];
	const char *params[] = {int_text(a, call->attempt)};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;

	if (pg_data_exec(s, call->src, call->deadline_ms, held_sql, 1, params, &rows, err))
		return -1;
	if (rows.rows == 0)
		return err_set(err, ERR_LOST, "the guard of %s does not stand at (%lld, held)",
			side_name(call->src), (long long)call->attempt);
	return 0;
}

static int set_now(struct store_pg *s, const struct store_call *call, struct err *err)
{
	char a[INT_TEXT_BYTES];
	const char *params[] = {int_text(a, call->attempt), side_name(call->src)};

	return pg_data_exec(s, call->src, call->deadline_ms, mark_sql, 2, params, NULL, err);
}

int pg_marker(struct store *store, const struct store_call *call, struct err *err)
{
	struct store_pg *s = store_pg(store);
	bool early = is_of(&s->marker, call) && s->marker.follows;

	if (early ? may_take_early(s, call, err) : set_now(s, call, err))
		return -1;
	s->marker.taken = early;
	return pg_sequences_read(s, call, err);
}

int pg_reached(struct store *store, const struct store_call *call, struct err *err)
{
	struct store_pg *s = store_pg(store);
	bool early = is_of(&s->marker, call) && s->marker.taken;
	bool there = false;

	if (early && s->marker.durable)
		return 0;
	for (;;) {
		if (is_there(s, call, early ? early_key(call->src) : side_name(call->src), &there,
			    err))
			return -1;
		if (there)
			break;
		if (env_now_ms(store->env) >= call->deadline_ms)
			return err_set(err, ERR_TIMEOUT,
				"the marker of attempt %lld has not arrived on %s",
				(long long)call->attempt, side_name(side_other(call->src)));
		env_pause(store->env, MARKER_PAUSE_US);
	}
	return make_durable(s, call, err);
}
