#include "verify/commits.h"

#include "base/clock.h"
#include "port/env.h"

#define ANSWER_MS 20000
#define PAUSE_US 1000
#define SHOWN_MS 2000 /* what is in the log for so long is shown, or waits for a standby */

/* A statement that runs may be the one that commits, by itself or as COMMIT. */
#define COMMITS "backend_xid IS NOT NULL AND coalesce(state, '') NOT LIKE 'idle%'"

static const char now_sql[] =
	"SELECT coalesce(string_agg(backend_xid::text, ','), '') FROM pg_stat_activity"
	" WHERE " COMMITS " AND datname = current_database() AND pid <> pg_backend_pid()";

static const char left_sql[] =
	"SELECT count(*), count(*) FILTER (WHERE wait_event = 'SyncRep') FROM pg_stat_activity"
	" WHERE " COMMITS " AND backend_xid::text = ANY (string_to_array($1, ','))";

static int64_t answer_by(void)
{
	return clock_now_ms() + ANSWER_MS;
}

int commits_settle(struct pg *src, struct env *env, bool *ret_all_shown, struct err *err)
{
	int64_t until_ms = clock_now_ms() + SHOWN_MS, left = 1, wait_for_standby = 0;
	PG_ROWS_AUTO now = PG_ROWS_INIT;
	const char *params[1];

	if (pg_exec(src, answer_by(), now_sql, 0, NULL, &now, err))
		return -1;
	params[0] = pg_text(&now, 0, 0);
	while (params[0][0] != '\0' && left > 0) {
		PG_ROWS_AUTO rows = PG_ROWS_INIT;

		if (pg_exec(src, answer_by(), left_sql, 1, params, &rows, err))
			return -1;
		left = pg_int(&rows, 0, 0);
		wait_for_standby = pg_int(&rows, 0, 1);
		if (clock_now_ms() > until_ms)
			break;
		env_pause(env, PAUSE_US);
	}
	*ret_all_shown = wait_for_standby == 0; /* which may be away for hours */
	return 0;
}
