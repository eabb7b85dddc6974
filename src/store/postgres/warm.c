#include "store/postgres/warm.h"

/* What needs more than this is rehearsed (rehearse.c). */
static const char control_sql[] = "SELECT airlock.retire('', '', 'old', 0, ''),"
				  " airlock.revoke('', '', 'old', 0, '')";

/* It stops at the guard; the error is caught where it is raised, so no log shows it. */
static const char beside_sql[] =
	"DO $$ BEGIN PERFORM airlock.setvals('', '', 0, '[]', 0);"
	" EXCEPTION WHEN SQLSTATE 'AL001' THEN END $$";

static int warm_beside(struct store_pg *s, enum side dst, int64_t deadline_ms, struct err *err)
{
	struct pg *pg;

	return pg_beside(s, dst, deadline_ms, &pg, err) ||
			       pg_exec(pg, deadline_ms, beside_sql, 0, NULL, NULL, err)
		       ? -1
		       : 0;
}

int pg_warm(struct store_pg *s, enum side src, int64_t deadline_ms, struct err *err)
{
	for (int i = 0; i < SIDE_COUNT; i++) {
		enum side side = i == 0 ? src : side_other(src);
		PG_ROWS_AUTO rows = PG_ROWS_INIT;
		struct pg *pg;

		if (pg_control(s, side, deadline_ms, &pg, err) ||
			pg_exec(pg, deadline_ms, control_sql, 0, NULL, &rows, err))
			return err_wrap(err, "preparing the window on %s", side_name(side));
	}
	if (warm_beside(s, side_other(src), deadline_ms, err))
		return err_wrap(
			err, "preparing the window on %s", side_name(side_other(src)));
	return 0;
}
