#include "store/postgres/audit.h"

#include <string.h>

#include "base/buf.h"

struct audit_result {
	int64_t changes;  /* local changes of application tables since the door was proven shut */
	struct buf first; /* the first of them without its values; owned, buf_fini */
};

/* $1 slot, $2 plan, $3 store, $4 up to.  A change's line is "table public.orders: INSERT: ...". */
static const char look_sql[] =
	"SELECT count(*), min(split_part(c.data, ':', 1) || ':' || split_part(c.data, ':', 2))"
	" FROM pg_logical_slot_peek_changes($1, $4::pg_lsn, NULL, 'only-local', '1',"
	"  'skip-empty-xacts', '1') c"
	" WHERE c.data LIKE 'table %' AND c.data NOT LIKE 'table airlock.%'"
	"  AND c.lsn > (SELECT coalesce(g.shut_lsn, pg_current_wal_lsn()) FROM airlock.guard g"
	"   WHERE g.plan = $2 AND g.store = $3)";

static int slot_exists(struct store_pg *s, enum side side, int64_t deadline_ms, bool *ret_exists,
	char ret_now[INT_TEXT_BYTES], struct err *err)
{
	const char *params[] = {s->audit[side]};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_data(s, side, deadline_ms, &pg, err) ||
		pg_exec(pg, deadline_ms,
			"SELECT pg_current_wal_lsn()::text FROM pg_replication_slots"
			" WHERE slot_name = $1 AND wal_status IN ('reserved', 'extended')",
			1, params, &rows, err))
		return -1;
	*ret_exists = rows.rows > 0;
	if (rows.rows > 0)
		strncpy(ret_now, pg_text(&rows, 0, 0), INT_TEXT_BYTES - 1);
	return 0;
}

static int audit_to(struct store_pg *s, enum side shut, int64_t deadline_ms, const char *to,
	struct audit_result *ret, struct err *err)
{
	const char *params[] = {s->audit[shut], s->plan->name, s->plan_store->name, to};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_data(s, shut, deadline_ms, &pg, err) ||
		pg_exec(pg, deadline_ms, look_sql, 4, params, &rows, err))
		return err_wrap(err, "audit of %s", side_name(shut));
	ret->changes = pg_int(&rows, 0, 0);
	if (!pg_is_null(&rows, 0, 1))
		buf_puts(&ret->first, pg_text(&rows, 0, 1));
	return 0;
}

static int advance(
	struct store_pg *s, enum side side, const char *to, int64_t deadline_ms, struct err *err)
{
	const char *params[] = {s->audit[side], to};
	struct pg *pg;

	if (pg_data(s, side, deadline_ms, &pg, err))
		return -1;
	return pg_exec(pg, deadline_ms,
		"SELECT pg_replication_slot_advance($1, greatest($2::pg_lsn, confirmed_flush_lsn))"
		" FROM pg_replication_slots WHERE slot_name = $1",
		2, params, NULL, err);
}

static int visit_shut(struct store_pg *s, enum side shut, int64_t deadline_ms, struct err *err)
{
	struct audit_result seen = {0};
	char now[INT_TEXT_BYTES] = "";
	bool exists;
	int rc = 0;

	if (slot_exists(s, shut, deadline_ms, &exists, now, err))
		return -1;
	if (!exists)
		return 0; /* `check` says NOT PROVEN */
	if (audit_to(s, shut, deadline_ms, now, &seen, err))
		return -1;
	if (seen.changes > 0)
		rc = err_set(err, ERR_REFUSED,
			"%lld stray write(s) on %s, which is shut: first %s; that data is on no "
			"other side",
			(long long)seen.changes, side_name(shut), buf_str(&seen.first));
	else
		rc = advance(s, shut, now, deadline_ms, err);
	buf_fini(&seen.first);
	return rc;
}

int pg_audit_visit(struct store_pg *s, enum side shut, int64_t deadline_ms, struct err *err)
{
	enum side open = side_other(shut);
	char now[INT_TEXT_BYTES] = "";
	bool exists;

	if (visit_shut(s, shut, deadline_ms, err) ||
		slot_exists(s, open, deadline_ms, &exists, now, err))
		return -1;
	/* The open side's own writes are nobody's business. */
	return exists ? advance(s, open, now, deadline_ms, err) : 0;
}
