#include "discover/catalog.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"

enum where { OWN = 1, OTHERS = 2, BOTH = OWN | OTHERS };

static const struct probe {
	enum finding_kind kind;
	enum where where;
	const char *needs, *sql;
} probes[] = {
#define PROBE(kind, where, needs, sql) {FOUND_##kind, where, needs, sql},
#include "discover/catalog.def"
#undef PROBE
};

/* Columns of every question. */
enum { NAME, PLACE, WHAT, USER, APPLICATION, ADDRESS, PORT, TEXT, HOW, SCHEDULE, PID, AGE_MS, SOCKET };

struct look {
	struct store_pg *store;
	enum side side;
	struct targets *targets;
	int64_t deadline_ms;
	struct findings *f;
	struct pg *pg;
	bool own; /* `pg` is the store's own database */
};

static enum finding_how how_of(const char *word)
{
	for (int h = HOW_SEEN; h < HOW_UNOBSERVABLE; h++)
		if (strcmp(finding_how_name((enum finding_how)h), word) == 0)
			return (enum finding_how)h;
	return HOW_UNOBSERVABLE;
}

/* Strings of a server lead from its own host: what it calls localhost is that side, not this
 * machine. */
static void from_the_server(const struct look *look, struct dsn *dsn)
{
	size_t store = (size_t)(look->store->plan_store - look->store->plan->stores);
	const char *own = targets_host(look->targets, store, look->side);

	if (own == NULL || (dsn->hosts_count > 0 && !target_is_local(dsn->hosts[0].name)))
		return;
	dsn->hosts_count = 1;
	FIELD(dsn->hosts[0].name, "%s", own);
}

static const char *target_words(const struct target *target)
{
	return !target->by_name && !target->database
		       ? " (same address by another name; which database is not said)"
	       : !target->by_name  ? " (same address by another name)"
	       : !target->database ? " (which database is not said)"
				   : "";
}

/* Each connection string in the row's text that leads to a store of the plan; how many. */
static size_t tell_targets(struct look *look, struct finding *row, const char *text)
{
	size_t told = 0;
	struct dsn dsn;

	for (size_t at = 0; dsn_next(text, strlen(text), at, &dsn); at = dsn.start + dsn.len) {
		struct finding one = *row;
		BUF_AUTO shown = BUF_INIT;
		struct target target;

		from_the_server(look, &dsn);
		if (!targets_find(look->targets, &dsn, &target))
			continue;
		dsn_show(&dsn, &shown);
		FIELD(one.target, "%s", buf_str(&shown));
		FIELD(one.store, "%s", look->store->plan->stores[target.store].name);
		one.side = target.side;
		if (dsn.user[0])
			FIELD(one.user, "%s", dsn.user);
		FIELD(one.what, "%s%s", row->what, target_words(&target));
		findings_add(look->f, &one);
		told++;
	}
	return told;
}

/* The first string of a text, wherever it leads; false when there is none. */
static bool first_target(const char *text, struct buf *out)
{
	struct dsn dsn;

	if (!dsn_next(text, strlen(text), 0, &dsn))
		return false;
	dsn_show(&dsn, out);
	return true;
}

/* pg_cron goes by a clock of its own: GMT, unless its setting says another. */
static void set_times(struct look *look, struct finding *row)
{
	static const char sql[] = "SELECT coalesce(current_setting('cron.timezone', true), 'GMT')";
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct err none = ERR_INIT;
	struct schedule schedule;
	size_t len;

	if (row->schedule[0] == '\0')
		return;
	if (row->how == HOW_MENTIONED) {
		row->runs.state = RUNS_NONE; /* not active */
		return;
	}
	if (!schedule_cron(row->schedule, &schedule, &len)) {
		runs_unknown(&row->runs, "'%s' is not understood here", row->schedule);
		return;
	}
	if (pg_exec(look->pg, look->deadline_ms, sql, 0, NULL, &rows, &none) ||
		(strcmp(pg_text(&rows, 0, 0), "GMT") != 0 &&
			strcmp(pg_text(&rows, 0, 0), "UTC") != 0)) {
		runs_unknown(&row->runs, "cron.timezone names another clock");
		return;
	}
	schedule.utc = true;
	row->next_s = schedule_next(&schedule, (int64_t)time(NULL));
	runs_add(&row->runs, &look->f->window, &schedule, 0);
}

/* Of a session: whose it is, or why that cannot be known. */
static void set_process(const struct pg_rows *r, size_t i, struct finding *row)
{
	struct process_session session = {.address = row->address, .port = pg_int(r, i, PORT)};
	struct process process;

	if (r->columns <= SOCKET || pg_int(r, i, PID) == 0)
		return;
	if (row->address[0] == '\0') {
		FIELD(row->process_why, "a session of the server reads it by SQL");
		return;
	}
	session.backend = (pid_t)pg_int(r, i, PID);
	session.age_ms = pg_int(r, i, AGE_MS);
	session.socket = (unsigned)pg_int(r, i, SOCKET);
	if (process_of_session(&session, &process))
		FIELD(row->process, "%s", process.text);
	else
		FIELD(row->process_why, "%s", process.why);
}

static void tell_row(
	struct look *look, const struct probe *probe, const struct pg_rows *r, size_t i)
{
	struct finding row = {
		.kind = probe->kind, .side = look->side, .how = how_of(pg_text(r, i, HOW))};
	const char *text = pg_text(r, i, TEXT);
	BUF_AUTO shown = BUF_INIT;

	FIELD(row.store, "%s", look->store->plan_store->name);
	FIELD(row.name, "%s", pg_text(r, i, NAME));
	FIELD(row.place, "%s", pg_text(r, i, PLACE));
	FIELD(row.what, "%s", pg_text(r, i, WHAT));
	FIELD(row.user, "%s", pg_text(r, i, USER));
	FIELD(row.application, "%s", pg_text(r, i, APPLICATION));
	FIELD(row.address, "%s", pg_text(r, i, ADDRESS));
	FIELD(row.schedule, "%s", pg_text(r, i, SCHEDULE));
	set_times(look, &row);
	set_process(r, i, &row);
	if (tell_targets(look, &row, text) > 0)
		return;
	if (!look->own && row.how == HOW_CONFIGURED)
		return; /* it leads elsewhere, and is no affair of this store */
	if (first_target(text, &shown)) {
		/* The store reaches out; nobody comes to it by that. */
		FIELD(row.target, "%s", buf_str(&shown));
		if (row.how == HOW_CONFIGURED && row.kind != FOUND_SUBSCRIPTION)
			row.how = HOW_MENTIONED;
	} else if (row.kind == FOUND_DBLINK) {
		row.how = HOW_UNOBSERVABLE;
		FIELD(row.what, "%s; where to is put together when it runs", pg_text(r, i, WHAT));
	} else if (row.kind == FOUND_FOREIGN_SERVER) {
		row.how = HOW_MENTIONED;
	}
	findings_add(look->f, &row);
}

static int ask(struct look *look, const char *sql, struct pg_rows *ret, struct err *err)
{
	const char *params[] = {look->store->side[look->side].dbname};
	int64_t began_us = clock_now_us();
	int rc = pg_exec(
		look->pg, look->deadline_ms, sql, strstr(sql, "$1") != NULL, params, ret, err);

	look->f->queries++;
	look->f->query_us += clock_now_us() - began_us;
	return rc;
}

/* By the catalogs: to_regclass() fails where the schema may not be used. */
static bool is_there(struct look *look, const char *relation)
{
	static const char sql[] = "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON "
				  "n.oid = c.relnamespace"
				  " WHERE n.nspname || '.' || c.relname = $1)";
	const char *params[] = {relation};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct err none = ERR_INIT;

	if (*relation == '\0')
		return true;
	return pg_exec(look->pg, look->deadline_ms, sql, 1, params, &rows, &none) == 0 &&
	       pg_bool(&rows, 0, 0);
}

static void tell_hidden(struct look *look, const char *name, const char *place, const char *why)
{
	struct finding row = {.kind = FOUND_HIDDEN, .side = look->side, .how = HOW_UNOBSERVABLE};

	FIELD(row.store, "%s", look->store->plan_store->name);
	FIELD(row.name, "%s", name);
	FIELD(row.place, "%s", place);
	FIELD(row.what, "%s", why);
	findings_add(look->f, &row);
}

static void ask_all(struct look *look, enum where where)
{
	for (size_t p = 0; p < ARRAY_LEN(probes); p++) {
		PG_ROWS_AUTO rows = PG_ROWS_INIT;
		struct err err = ERR_INIT;

		if (!(probes[p].where & where) || !is_there(look, probes[p].needs))
			continue;
		if (ask(look, probes[p].sql, &rows, &err)) {
			BUF_AUTO place = BUF_INIT;

			buf_printf(&place, "%s in a database of %s", finding_id(probes[p].kind),
				side_name(look->side));
			tell_hidden(look, finding_id(probes[p].kind), buf_str(&place), err.msg);
			continue;
		}
		for (size_t i = 0; i < rows.rows; i++)
			tell_row(look, &probes[p], &rows, i);
	}
}

static const char databases_sql[] =
	"SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate"
	" AND datname NOT IN ($1, '" CONTROL_DATABASE
	"') AND has_database_privilege(oid, 'CONNECT')"
	" ORDER BY datname LIMIT 65";

static void look_into(struct look *look, const char *database)
{
	struct pg_target target = {
		.conninfo = look->store->side[look->side].conninfo, .dbname = database};
	struct err err = ERR_INIT;
	PG_AUTO pg = NULL;

	if (pg_open(&pg, &target, look->deadline_ms, &err)) {
		BUF_AUTO place = BUF_INIT;

		buf_printf(&place, "database %s", database);
		tell_hidden(look, database, buf_str(&place), err.msg);
		return;
	}
	look->pg = pg;
	look->own = false;
	ask_all(look, OTHERS);
}

int catalog_look(struct store_pg *store, enum side side, struct targets *targets,
	int64_t deadline_ms, struct findings *f, struct err *err)
{
	struct look look = {store, side, targets, deadline_ms, f, NULL, true};
	PG_ROWS_AUTO databases = PG_ROWS_INIT;

	if (pg_data(store, side, deadline_ms, &look.pg, err))
		return -1;
	ask_all(&look, OWN);
	if (ask(&look, databases_sql, &databases, err))
		return err_wrap(err, "the other databases of %s", side_name(side));
	for (size_t i = 0; i < databases.rows && i < CATALOG_DATABASES_MAX; i++)
		look_into(&look, pg_text(&databases, i, 0));
	if (databases.rows > CATALOG_DATABASES_MAX)
		tell_hidden(&look, "databases", "further databases",
			"this cluster has more databases than are looked into (64)");
	return 0;
}
