#include "store/postgres/look.h"

#include <stdio.h>

int slot_look(struct store_pg *s, enum side side, const char *slot, int64_t deadline_ms,
	struct slot_look *ret_look, struct err *err)
{
	const char *params[] = {slot};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct slot_look look = {0};
	struct pg *pg;

	if (pg_data(s, side, deadline_ms, &pg, err) ||
		pg_exec(pg, deadline_ms,
			"SELECT coalesce(wal_status, 'lost') NOT IN ('reserved', 'extended'), "
			"active,"
			" coalesce(pg_current_wal_lsn() - confirmed_flush_lsn, 0)::bigint,"
			" coalesce(pg_current_wal_lsn() - restart_lsn, 0)::bigint,"
			" coalesce(confirmed_flush_lsn - '0/0', 0)::bigint,"
			" (pg_current_wal_lsn() - '0/0')::bigint"
			" FROM pg_replication_slots WHERE slot_name = $1",
			1, params, &rows, err))
		return -1;
	if (rows.rows > 0) {
		look.exists = true;
		look.lost = pg_bool(&rows, 0, 0);
		look.active = pg_bool(&rows, 0, 1);
		look.unsent_bytes = pg_int(&rows, 0, 2);
		look.kept_bytes = pg_int(&rows, 0, 3);
		look.confirmed = (uint64_t)pg_int(&rows, 0, 4);
		look.end = (uint64_t)pg_int(&rows, 0, 5);
	}
	*ret_look = look;
	return 0;
}

int tables_look(struct store_pg *s, enum side publisher, int64_t deadline_ms,
	struct tables_look *ret_look, struct err *err)
{
	const char *params[] = {s->link[publisher]};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	/* The subscription lives on the other side. */
	if (pg_data(s, side_other(publisher), deadline_ms, &pg, err) ||
		pg_exec(pg, deadline_ms,
			"SELECT count(*), count(*) FILTER (WHERE r.srsubstate = 'r'),"
			" coalesce(min(r.srrelid::regclass::text)"
			"  FILTER (WHERE r.srsubstate <> 'r'), '')"
			" FROM pg_subscription_rel r JOIN pg_subscription u ON u.oid = r.srsubid"
			" WHERE u.subname = $1",
			1, params, &rows, err))
		return -1;
	ret_look->total = pg_int(&rows, 0, 0);
	ret_look->ready = pg_int(&rows, 0, 1);
	snprintf(ret_look->first, sizeof ret_look->first, "%s", pg_text(&rows, 0, 2));
	return 0;
}
