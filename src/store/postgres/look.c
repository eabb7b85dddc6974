#include "store/postgres/look.h"

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
			" coalesce(pg_current_wal_lsn() - restart_lsn, 0)::bigint"
			" FROM pg_replication_slots WHERE slot_name = $1",
			1, params, &rows, err))
		return -1;
	if (rows.rows > 0) {
		look.exists = true;
		look.lost = pg_bool(&rows, 0, 0);
		look.active = pg_bool(&rows, 0, 1);
		look.unsent_bytes = pg_int(&rows, 0, 2);
		look.kept_bytes = pg_int(&rows, 0, 3);
	}
	*ret_look = look;
	return 0;
}
