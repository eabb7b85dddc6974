#include "discover/writers.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"

#define XIDS_MAX 1024

/* ---- rows ------------------------------------------------------------------------------------ */

void writers_fini(struct writers *w)
{
	free(w->rows);
	*w = (struct writers){0};
}

static bool same(const struct writer *row, const struct writer *wanted)
{
	return row->side == wanted->side && strcmp(row->store, wanted->store) == 0 &&
	       strcmp(row->user, wanted->user) == 0 &&
	       strcmp(row->application, wanted->application) == 0 &&
	       strcmp(row->address, wanted->address) == 0;
}

static void grow(struct writers *w)
{
	w->room = w->room ? w->room * 2 : 16;
	w->rows = realloc(w->rows, w->room * sizeof *w->rows);
	ENSURE(w->rows != NULL); /* as buf.h: nothing is held by us alone */
}

struct writer *writers_at(struct writers *w, const char *store, enum side side, const char *user,
	const char *application, const char *address)
{
	struct writer wanted = {.side = side};

	snprintf(wanted.store, sizeof wanted.store, "%s", store);
	snprintf(wanted.user, sizeof wanted.user, "%s", user);
	snprintf(wanted.application, sizeof wanted.application, "%s", application);
	snprintf(wanted.address, sizeof wanted.address, "%s", address);
	for (size_t i = 0; i < w->count; i++)
		if (same(&w->rows[i], &wanted))
			return &w->rows[i];
	if (w->count == w->room)
		grow(w);
	w->rows[w->count] = wanted;
	return &w->rows[w->count++];
}

/* ---- one look -------------------------------------------------------------------------------- */

/* Comments before a statement are skipped; what the server hides is NULL. */
static const char sessions_sql[] =
	"SELECT a.usename, coalesce(a.application_name, ''), coalesce(host(a.client_addr), "
	"'local'),"
	" coalesce(a.client_port, 0), coalesce(a.backend_xid::text, ''),"
	" CASE WHEN a.query = '<insufficient privilege>' THEN NULL ELSE coalesce("
	"  upper(substring(q.text FROM '(?i)^(insert|update|delete|merge|truncate|call|do)\\M')),"
	"  CASE WHEN q.text ~* '^copy\\s+[^(\\s][^;]*\\mfrom\\M' THEN 'COPY FROM'"
	"   WHEN q.text ~* '^with\\M' AND q.text ~*"
	"    '\\m(insert\\s+into|update\\s+\\S+\\s+set|delete\\s+from|merge\\s+into)\\M'"
	"   THEN 'WITH that writes' ELSE '' END) END,"
	" a.pid, (extract(epoch FROM clock_timestamp() - a.backend_start) * 1000)::bigint,"
	" current_setting('port')"
	" FROM pg_stat_activity a, LATERAL (SELECT regexp_replace(a.query,"
	"  '^(\\s|/\\*([^*]|\\*+[^*/])*\\*+/|--[^\\n]*(\\n|$))+', '') AS text) q"
	" WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()"
	"  AND a.backend_type NOT IN ('walsender', 'autovacuum worker', 'parallel worker')"
	"  AND a.usename IS NOT NULL AND a.usename NOT IN"
	"   ('airlock', 'airlock_repl', 'airlock_probe', 'airlock_probe_owner', 'airlock_gateway')";

/* Transaction ids that were counted already, oldest overwritten first. */
struct xids {
	char seen[XIDS_MAX][16];
	size_t count;
};

static bool is_new(struct xids *xids, const char *xid)
{
	size_t stored = xids->count < XIDS_MAX ? xids->count : XIDS_MAX;

	for (size_t i = 0; i < stored; i++)
		if (strcmp(xids->seen[i], xid) == 0)
			return false;
	snprintf(xids->seen[xids->count++ % XIDS_MAX], sizeof xids->seen[0], "%s", xid);
	return true;
}

static void take_evidence(struct writer *row, struct xids *xids, const char *xid, const char *text)
{
	bool holds_xid = *xid != '\0';

	if (!holds_xid && *text == '\0')
		return;
	row->wrote = true;
	row->wrote_s = row->last_s;
	if (holds_xid || row->evidence[0] == '\0')
		snprintf(row->evidence, sizeof row->evidence, "%s",
			holds_xid ? "transaction id" : text);
	if (holds_xid && is_new(xids, xid))
		row->writes++;
}

/* Port -1 is a socket in the file system. */
static bool process_of_session(
	const struct pg_rows *rows, size_t i, const char *address, struct process *ret)
{
	int64_t port = pg_int(rows, i, 3);

	if (port > 0)
		return process_of_peer(address, (unsigned)port, ret);
	return port == -1 && !pg_is_null(rows, i, 7) &&
	       process_of_backend((pid_t)pg_int(rows, i, 6), pg_int(rows, i, 7),
		       (unsigned)pg_int(rows, i, 8), ret);
}

static void take_session(struct writers *w, const struct store_pg *store, enum side side,
	const struct pg_rows *rows, size_t i, struct xids *xids)
{
	const char *address = pg_text(rows, i, 2);
	struct writer *row = writers_at(w, store->plan_store->name, side, pg_text(rows, i, 0),
		pg_text(rows, i, 1), address);
	struct process process;

	row->last_s = (int64_t)time(NULL);
	if (row->first_s == 0) {
		row->first_s = row->last_s;
		row->fresh = true;
	}
	if (!row->here && process_of_session(rows, i, address, &process))
		snprintf(row->process, sizeof row->process, "%s", process.text);
	row->here = true;
	if (pg_is_null(rows, i, 5))
		w->blind = true;
	else
		take_evidence(row, xids, pg_text(rows, i, 4), pg_text(rows, i, 5));
}

/* A statement that was refused leaves its text as well: it is no evidence of a role that may not
 * write to any table. */
static const char may_write_sql[] =
	"SELECT EXISTS (SELECT FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'f')"
	" AND c.relnamespace NOT IN (SELECT oid FROM pg_namespace"
	"  WHERE nspname IN ('pg_catalog', 'information_schema', 'pg_toast'))"
	" AND has_table_privilege($1, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))";

static int weigh_texts(struct store_pg *store, enum side side, int64_t deadline_ms,
	struct writers *w, struct err *err)
{
	for (size_t i = 0; i < w->count; i++) {
		struct writer *row = &w->rows[i];
		const char *params[] = {row->user};
		PG_ROWS_AUTO rows = PG_ROWS_INIT;
		struct pg *pg;

		if (!row->here || !row->wrote || row->writes > 0 || row->side != side ||
			strcmp(row->store, store->plan_store->name) != 0)
			continue;
		if (pg_data(store, side, deadline_ms, &pg, err) ||
			pg_exec_kept(pg, deadline_ms, may_write_sql, 1, params, &rows, err))
			return -1;
		if (pg_bool(&rows, 0, 0))
			continue;
		row->wrote = false;
		row->wrote_s = 0;
		row->evidence[0] = '\0';
	}
	return 0;
}

int writers_watch(struct store_pg *store, enum side side, int64_t watch_ms, int64_t pause_ms,
	int64_t deadline_ms, struct writers *w, struct err *err)
{
	int64_t began_ms = clock_now_ms();
	struct xids xids = {.count = 0};

	for (;;) {
		int64_t asked_us = env_now_us(store->store.env);
		PG_ROWS_AUTO rows = PG_ROWS_INIT;
		struct pg *pg;

		if (pg_data(store, side, deadline_ms, &pg, err) ||
			pg_exec_kept(pg, deadline_ms, sessions_sql, 0, NULL, &rows, err))
			return err_wrap(err, "the sessions of %s", side_name(side));
		w->looks++;
		w->cost_us += env_now_us(store->store.env) - asked_us;
		for (size_t i = 0; i < rows.rows; i++)
			take_session(w, store, side, &rows, i, &xids);
		if (clock_now_ms() - began_ms + pause_ms > watch_ms)
			break;
		env_pause(store->store.env, pause_ms * 1000);
	}
	w->watched_ms += clock_now_ms() - began_ms;
	return weigh_texts(store, side, deadline_ms, w, err);
}

/* ---- what the plan says of it ---------------------------------------------------------------- */

static bool glob(const char *pattern, const char *text)
{
	return pattern == NULL || fnmatch(pattern, text, 0) == 0;
}

static bool stands_for(const struct plan_service *service, const struct writer *writer)
{
	for (size_t i = 0; i < service->matches_count; i++) {
		const struct plan_match *m = &service->matches[i];

		if (glob(m->user, writer->user) && glob(m->application_name, writer->application) &&
			glob(m->address, writer->address))
			return true;
	}
	return false;
}

static bool holds_store(const size_t *stores, size_t count, size_t store)
{
	for (size_t i = 0; i < count; i++)
		if (stores[i] == store)
			return true;
	return false;
}

const struct plan_service *writer_service(
	const struct plan *plan, size_t store, const struct writer *writer, bool *ret_writes)
{
	const struct plan_service *reader = NULL;

	*ret_writes = false;
	for (size_t i = 0; i < plan->services_count; i++) {
		const struct plan_service *s = &plan->services[i];

		if (!stands_for(s, writer))
			continue;
		if (holds_store(s->writes, s->writes_count, store)) {
			*ret_writes = true;
			return s;
		}
		if (holds_store(s->reads, s->reads_count, store))
			reader = s;
	}
	return reader;
}

bool writer_is_undeclared(
	const struct plan *plan, size_t store, const struct writer *writer, int64_t since_s)
{
	bool writes;

	REQUIRE(store < plan->stores_count);
	if (!writer->wrote || writer->wrote_s < since_s ||
		strcmp(writer->store, plan->stores[store].name) != 0)
		return false;
	writer_service(plan, store, writer, &writes);
	return !writes;
}

void writer_describe(const struct writer *writer, struct buf *out)
{
	buf_printf(out, "%s (%s) from %s", writer->user,
		writer->application[0] ? writer->application : "no application name",
		writer->address);
	if (writer->process[0])
		buf_printf(out, ", %s", writer->process);
	if (writer->evidence[0])
		buf_printf(out, ": %s", writer->evidence);
}

/* A name for a service made of what is known: letters, digits and '-'. */
static void service_name(const struct writer *writer, char ret[64])
{
	const char *from = writer->application[0] ? writer->application : writer->user;
	size_t n = 0;

	for (; *from != '\0' && n < 60; from++)
		ret[n++] = isalnum((unsigned char)*from) && (unsigned char)*from < 0x80
				   ? (char)tolower((unsigned char)*from)
				   : '-';
	ret[n] = '\0';
	if (n == 0 || ret[0] == '-')
		snprintf(ret, 64, "writer");
}

void writer_quote(const char *text, struct buf *out)
{
	buf_putc(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_putc(out, '\\');
		if ((unsigned char)*text >= ' ')
			buf_putc(out, *text);
	}
	buf_putc(out, '"');
}

void writer_plan_lines(const struct writer *writer, struct buf *out)
{
	char name[64];

	service_name(writer, name);
	buf_printf(out, "services: {%s: {writes: [%s], match: {user: ", name, writer->store);
	writer_quote(writer->user, out);
	if (writer->application[0]) {
		buf_puts(out, ", application_name: ");
		writer_quote(writer->application, out);
	}
	buf_puts(out, "}}}");
}
