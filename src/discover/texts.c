#include "discover/texts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/grow.h"
#include "base/clock.h"

void texts_fini(struct texts *t)
{
	free(t->rows);
	functions_fini(&t->functions);
	*t = (struct texts){0};
}

const struct text *texts_find(struct texts *t, int64_t hash)
{
	for (size_t i = t->count; i-- > 0;) /* the newest are asked for most */
		if (t->rows[i].hash == hash)
			return &t->rows[i];
	for (size_t i = 0; i < t->wanted_count; i++)
		if (t->wanted[i] == hash)
			return NULL;
	if (t->wanted_count < ARRAY_LEN(t->wanted) && t->count < TEXTS_MAX)
		t->wanted[t->wanted_count++] = hash;
	return NULL;
}

static const char texts_sql[] =
	"SELECT DISTINCT ON (1) hashtextextended(q.text, 0)::text, left(q.text, 32769)"
	" FROM pg_stat_activity a, LATERAL (SELECT " TEXTS_BARE " AS text) q"
	" WHERE a.datname = current_database() AND hashtextextended(q.text, 0) = ANY "
	"($1::bigint[])";

/* Is one of them not the server's own?  Most statements call count() or now(), and reading all
 * functions for that would be dear.  In doubt, yes. */
static bool calls_own(struct pg *pg, int64_t deadline_ms, const struct sql_verdict *verdict)
{
	static const char sql[] =
		"SELECT EXISTS (SELECT FROM pg_proc p WHERE p.proname = $1"
		" AND p.pronamespace <> 'pg_catalog'::regnamespace AND p.provolatile = 'v')";
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct err err = ERR_INIT;
	bool own = false;

	for (size_t i = 0; !own && i < verdict->calls_count; i++) {
		const char *params[] = {verdict->calls[i]};

		pg_rows_fini(&rows);
		own = pg_exec_kept(pg, deadline_ms, sql, 1, params, &rows, &err) != 0 ||
		      pg_bool(&rows, 0, 0);
	}
	return own;
}

/* Without the functions (one was dropped while they were read) there is less evidence and no error.
 */
static void load_functions(struct texts *t, struct pg *pg, int64_t deadline_ms)
{
	struct err err = ERR_INIT;
	int64_t began_ms = clock_now_ms();

	if (functions_load(pg, deadline_ms, &t->functions, &err))
		t->functions.loaded = true;
	t->load_ms += clock_now_ms() - began_ms;
}

static void read_calls(struct texts *t, struct pg *pg, int64_t deadline_ms,
	const struct sql_verdict *verdict, struct text *row)
{
	const struct function *called;

	if (verdict->calls_count == 0)
		return;
	if (!t->functions.loaded && !calls_own(pg, deadline_ms, verdict))
		return;
	if (!t->functions.loaded)
		load_functions(t, pg, deadline_ms);
	called = functions_called(&t->functions, verdict);
	if (called == NULL)
		return;
	FIELD(row->calls, "%s", called->name);
	row->definer = called->definer;
}

int texts_fetch(struct texts *t, struct pg *pg, int64_t deadline_ms, struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	BUF_AUTO array = BUF_INIT;
	const char *params[1];

	if (t->wanted_count == 0)
		return 0;
	for (size_t i = 0; i < t->wanted_count; i++)
		buf_printf(&array, "%c%" PRId64, i == 0 ? '{' : ',', t->wanted[i]);
	buf_putc(&array, '}');
	t->wanted_count = 0;
	params[0] = buf_str(&array);
	if (pg_exec_kept(pg, deadline_ms, texts_sql, 1, params, &rows, err))
		return -1;
	for (size_t i = 0; i < rows.rows; i++) {
		const char *sql = pg_text(&rows, i, 1);
		struct text row = {.hash = pg_int(&rows, i, 0)};
		struct sql_verdict verdict;

		classify_sql(sql, strlen(sql), &verdict);
		row.cls = verdict.cls;
		memcpy(row.verb, verdict.verb, sizeof row.verb);
		read_calls(t, pg, deadline_ms, &verdict, &row);
		t->rows = grow(t->rows, t->count, &t->room, sizeof *t->rows);
		t->rows[t->count++] = row;
	}
	return 0;
}
