/*
 * link.c - one replication direction: publication, slot, origin, subscription, all of one name.
 * While a side is open its link is the active one; the other link is the way back.
 */
#include "base/check.h"
#include "store/postgres/driver.h"

#define CUT_PAUSE_US 1000

/* A plain DISABLE leaves the walsender alive for half a second. */
static const char sender_sql[] = "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots"
				 " WHERE slot_name = $1 AND active_pid IS NOT NULL";

static const char worker_sql[] =
	"SELECT FROM pg_stat_subscription WHERE subname = $1 AND pid IS NOT NULL";

static const char cut_sql[] = "SELECT airlock.cut($1, $2, $3, $4)";

int pg_link_arm(struct store_pg *s, enum side src, int64_t deadline_ms, struct err *err)
{
	struct pg *pg;

	if (pg_data(s, src, deadline_ms, &pg, err) ||
		pg_keep(pg, deadline_ms, sender_sql, 1, err) ||
		pg_data(s, side_other(src), deadline_ms, &pg, err) ||
		pg_keep(pg, deadline_ms, worker_sql, 1, err) ||
		pg_keep(pg, deadline_ms, cut_sql, 4, err))
		return -1;
	return 0;
}

int pg_sender_end(struct store_pg *s, enum side publisher, const char *slot, int64_t deadline_ms,
	bool *ret_was, struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_data(s, publisher, deadline_ms, &pg, err) ||
		pg_exec_kept(pg, deadline_ms, sender_sql, 1, &slot, &rows, err))
		return -1;
	*ret_was = rows.rows > 0;
	return 0;
}

/* Does the publisher still send, or the subscriber still apply? */
static int link_is_alive(
	struct store_pg *s, const struct store_call *call, bool *ret_alive, struct err *err)
{
	const char *params[] = {s->link[call->src]};
	PG_ROWS_AUTO worker = PG_ROWS_INIT;
	bool sends = false;
	struct pg *pg;

	if (pg_sender_end(s, call->src, s->link[call->src], call->deadline_ms, &sends, err))
		return -1;
	if (pg_data(s, side_other(call->src), call->deadline_ms, &pg, err) ||
		pg_exec_kept(pg, call->deadline_ms, worker_sql, 1, params, &worker, err))
		return -1;
	*ret_alive = sends || worker.rows > 0;
	return 0;
}

int pg_cut(struct store *store, const struct store_call *call, struct err *err)
{
	struct store_pg *s = store_pg(store);
	char a[INT_TEXT_BYTES];
	const char *params[] = {int_text(a, call->attempt), s->link[call->src]};
	bool alive = true;

	if (pg_data_exec(s, side_other(call->src), call->deadline_ms, cut_sql, 2, params, NULL,
		    err))
		return -1;
	for (;;) {
		if (link_is_alive(s, call, &alive, err))
			return err_wrap(err, "waiting for link %s to end", s->link[call->src]);
		if (!alive)
			return 0;
		if (env_now_ms(store->env) >= call->deadline_ms)
			return err_set(err, ERR_TIMEOUT, "link %s did not end in time",
				s->link[call->src]);
		env_pause(store->env, CUT_PAUSE_US);
	}
}

int pg_turn(struct store *store, const struct store_call *call, uint64_t wayback, struct err *err)
{
	struct store_pg *s = store_pg(store);
	char a[INT_TEXT_BYTES], lsn[INT_TEXT_BYTES];
	const char *params[] = {int_text(a, call->attempt), s->link[side_other(call->src)], lsn};

	lsn_text(lsn, wayback);
	return pg_data_exec(s, call->src, call->deadline_ms,
		"SELECT airlock.turn($1, $2, $3, $4, $5)", 3, params, NULL, err);
}

int pg_relink(struct store *store, const struct store_call *call, struct guard at, struct err *err)
{
	struct store_pg *s = store_pg(store);
	char a[INT_TEXT_BYTES];
	const char *params[] = {int_text(a, at.attempt), s->link[call->src]};

	return pg_data_exec(s, side_other(call->src), call->deadline_ms,
		"SELECT airlock.relink($1, $2, $3, $4)", 2, params, NULL, err);
}

int pg_link_seen(struct store *store, enum side publisher, int64_t deadline_ms,
	enum link_seen *ret_seen, struct err *err)
{
	struct store_pg *s = store_pg(store);
	const char *params[] = {s->link[publisher]};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_data(s, side_other(publisher), deadline_ms, &pg, err) ||
		pg_exec(pg, deadline_ms,
			"SELECT u.subenabled FROM pg_subscription u"
			" JOIN pg_database d ON d.oid = u.subdbid"
			" WHERE u.subname = $1 AND d.datname = current_database()",
			1, params, &rows, err))
		return -1;
	*ret_seen = rows.rows == 0 ? LINK_UNSEEN : pg_bool(&rows, 0, 0) ? LINK_ON : LINK_OFF;
	return 0;
}
