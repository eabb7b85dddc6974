/* statements.c - writing statements by role, as pg_stat_statements counted them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "discover/classify.h"
#include "discover/functions.h"
#include "discover/reconcile.h"

struct statement {
	char role[64];
	int64_t id, calls;
};

void statements_fini(struct statements *s)
{
	free(s->rows);
	*s = (struct statements){0};
}

/* Of this database; Airlock's own roles left out. */
static void sql_of(const struct statements *s, bool text, struct buf *out)
{
	buf_printf(out, "SELECT r.rolname, s.queryid::text, sum(s.calls)::bigint%s FROM ",
		text ? ", min(left(s.query, 32769))" : "");
	pg_quote_ident(out, s->schema);
	buf_printf(out,
		".pg_stat_statements(%s) s JOIN pg_roles r ON r.oid = s.userid"
		" JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = current_database()"
		" AND s.queryid IS NOT NULL AND r.rolname NOT LIKE 'airlock%%' GROUP BY 1, 2",
		text ? "true" : "false");
}

static const char schema_sql[] =
	"SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
	" WHERE e.extname = 'pg_stat_statements'";

static int ask(struct store_pg *store, enum side side, int64_t deadline_ms,
	const struct statements *s, bool text, struct pg_rows *ret, struct err *err)
{
	BUF_AUTO sql = BUF_INIT;
	struct pg *pg;

	sql_of(s, text, &sql);
	if (pg_data(store, side, deadline_ms, &pg, err))
		return -1;
	return pg_exec(pg, deadline_ms, buf_str(&sql), 0, NULL, ret, err);
}

int statements_begin(struct store_pg *store, enum side side, int64_t deadline_ms,
	struct statements *ret, struct err *err)
{
	PG_ROWS_AUTO schema = PG_ROWS_INIT;
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct err not_loaded = ERR_INIT;
	struct pg *pg;

	*ret = (struct statements){0};
	if (pg_data(store, side, deadline_ms, &pg, err) ||
		pg_exec(pg, deadline_ms, schema_sql, 0, NULL, &schema, err))
		return -1;
	if (schema.rows == 0)
		return 0;
	FIELD(ret->schema, "%s", pg_text(&schema, 0, 0));
	/* The extension is there, and its library is not loaded: as good as not there. */
	if (ask(store, side, deadline_ms, ret, false, &rows, &not_loaded)) {
		ret->schema[0] = '\0';
		return 0;
	}
	ret->rows = calloc(rows.rows + 1, sizeof *ret->rows);
	ENSURE(ret->rows != NULL);
	for (size_t i = 0; i < rows.rows; i++) {
		struct statement *row = &ret->rows[ret->count++];

		FIELD(row->role, "%s", pg_text(&rows, i, 0));
		row->id = pg_int(&rows, i, 1);
		row->calls = pg_int(&rows, i, 2);
	}
	return 0;
}

static int64_t calls_before(const struct statements *begun, const char *role, int64_t id)
{
	for (size_t i = 0; i < begun->count; i++)
		if (begun->rows[i].id == id && strcmp(begun->rows[i].role, role) == 0)
			return begun->rows[i].calls;
	return 0;
}

/* What one role executed. */
struct tally {
	char role[64], verb[48];
	int64_t now, before;
};

static void fill(const struct writers *w, const char *store, struct finding *f)
{
	for (size_t i = 0; i < w->count; i++) {
		const struct writer *row = &w->rows[i];

		if (!row->here || row->side != f->side || strcmp(row->store, store) != 0 ||
			strcmp(row->user, f->user) != 0)
			continue;
		FIELD(f->application, "%s", row->application);
		FIELD(f->address, "%s", row->address);
		return;
	}
}

static void tell(const struct store_pg *store, enum side side, const struct tally *t,
	const struct writers *w, struct findings *f)
{
	struct finding one = {.kind = FOUND_STATEMENTS,
		.side = side,
		.how = t->now > 0 ? HOW_SEEN : HOW_MENTIONED};

	FIELD(one.store, "%s", store->plan_store->name);
	FIELD(one.place, "role %s", t->role);
	FIELD(one.user, "%s", t->role);
	fill(w, store->plan_store->name, &one);
	if (t->now > 0)
		FIELD(one.what,
			"executed %s and the like %" PRId64 " times while watched, %" PRId64
			" times before",
			t->verb, t->now, t->before);
	else
		FIELD(one.what,
			"executed %s and the like %" PRId64
			" times since the statistics began, and not while watched",
			t->verb, t->before);
	findings_add(f, &one);
}

struct tallies {
	struct tally *rows; /* owned; one for each role */
	size_t count;
};

static struct tally *tally_of(struct tallies *t, const char *role)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->rows[i].role, role) == 0)
			return &t->rows[i];
	FIELD(t->rows[t->count].role, "%s", role);
	return &t->rows[t->count++];
}

static void count(struct tallies *t, const struct pg_rows *rows, size_t i,
	const struct statements *begun, const struct functions *functions)
{
	const char *text = pg_text(rows, i, 3), *role = pg_text(rows, i, 0);
	int64_t calls = pg_int(rows, i, 2), before = calls_before(begun, role, pg_int(rows, i, 1));
	struct sql_verdict verdict;
	const struct function *called;
	struct tally *tally;

	classify_sql(text, strlen(text), &verdict);
	called = functions_called(functions, &verdict);
	if (verdict.cls != SQL_WRITES && called == NULL)
		return;
	tally = tally_of(t, role);
	if (calls > before || tally->verb[0] == '\0')
		FIELD(tally->verb, "%s%s", called != NULL ? "calls of " : "",
			called != NULL ? called->name : verdict.verb);
	tally->now += calls > before ? calls - before : 0;
	tally->before += before < calls ? before : calls;
}

int statements_tell(struct store_pg *store, enum side side, int64_t deadline_ms,
	const struct statements *begun, const struct writers *w, struct findings *f, bool *ret_told,
	struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct functions functions = {0};
	struct tallies tallies = {0};
	struct pg *pg;

	*ret_told = false;
	if (begun->schema[0] == '\0')
		return 0;
	if (ask(store, side, deadline_ms, begun, true, &rows, err) ||
		pg_data(store, side, deadline_ms, &pg, err) ||
		functions_load(pg, deadline_ms, &functions, err))
		return -1;
	tallies.rows = calloc(rows.rows + 1, sizeof *tallies.rows);
	ENSURE(tallies.rows != NULL);
	for (size_t i = 0; i < rows.rows; i++)
		count(&tallies, &rows, i, begun, &functions);
	for (size_t i = 0; i < tallies.count; i++) {
		tell(store, side, &tallies.rows[i], w, f);
		*ret_told = *ret_told || tallies.rows[i].now > 0;
	}
	free(tallies.rows);
	functions_fini(&functions);
	return 0;
}
