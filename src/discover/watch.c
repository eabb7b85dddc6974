/* watch.c - writers_watch: looks at the sessions of a side, again and again, and what they show. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/grow.h"
#include "base/clock.h"
#include "discover/texts.h"
#include "discover/writers.h"

#define XIDS_MAX 1024
/* A session that began shortly before the server's counters were read may be counted after. */
#define COUNTED_LATE_US 1000000

/* Transaction ids that were counted already, oldest overwritten first. */
struct xids {
	char seen[XIDS_MAX][16];
	size_t count;
};

/* A backend, known by its process id and its start. */
struct session {
	int64_t pid, begin_us;
	size_t row; /* of writers; SIZE_MAX = Airlock's own */
};

struct counts {
	int64_t sessions, transactions, rows;
	int64_t at_us; /* by the server's clock */
};

struct watch {
	struct store_pg *store;
	enum side side;
	int64_t deadline_ms;
	struct writers *w;
	struct xids xids;
	struct texts texts;
	struct session *sessions; /* owned */
	size_t sessions_count, sessions_room;
	struct counts begun;
};

static void watch_fini(struct watch *watch)
{
	texts_fini(&watch->texts);
	free(watch->sessions);
}

/* ---- what the server counts ------------------------------------------------------------------ */

/* Sessions are counted since 14. */
#define COUNTS(sessions)                                                                           \
	"SELECT " sessions ", d.xact_commit, coalesce((SELECT sum(t.n_tup_ins + t.n_tup_upd"       \
	" + t.n_tup_del) FROM pg_stat_user_tables t WHERE t.schemaname NOT LIKE 'airlock%'), 0),"  \
	" (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"                               \
	" FROM pg_stat_database d WHERE d.datname = current_database()"

static int read_counts(struct watch *watch, struct counts *ret, struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_data(watch->store, watch->side, watch->deadline_ms, &pg, err))
		return -1;
	watch->w->counted.known = pg_server_version(pg) >= 140000;
	if (pg_exec(pg, watch->deadline_ms,
		    watch->w->counted.known ? COUNTS("d.sessions") : COUNTS("0"), 0, NULL, &rows,
		    err))
		return err_wrap(err, "the counters of %s", side_name(watch->side));
	*ret = (struct counts){
		pg_int(&rows, 0, 0), pg_int(&rows, 0, 1), pg_int(&rows, 0, 2), pg_int(&rows, 0, 3)};
	return 0;
}

/* Never more than really were: a session that may have been counted before counts as seen. */
static int compare_counts(struct watch *watch, struct err *err)
{
	struct counts now;
	int64_t seen = 0;

	if (read_counts(watch, &now, err))
		return -1;
	for (size_t i = 0; i < watch->sessions_count; i++)
		seen += watch->sessions[i].begin_us > watch->begun.at_us - COUNTED_LATE_US;
	watch->w->counted.sessions = now.sessions - watch->begun.sessions;
	watch->w->counted.unseen =
		watch->w->counted.sessions > seen ? watch->w->counted.sessions - seen : 0;
	watch->w->counted.transactions = now.transactions - watch->begun.transactions;
	watch->w->counted.rows = now.rows > watch->begun.rows ? now.rows - watch->begun.rows : 0;
	return 0;
}

/* ---- one look -------------------------------------------------------------------------------- */

/* What the server hides is NULL. */
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
	" current_setting('port'), (extract(epoch FROM a.backend_start) * 1000000)::bigint,"
	" a.usename IN"
	"  ('airlock', 'airlock_repl', 'airlock_probe', 'airlock_probe_owner', 'airlock_gateway'),"
	" hashtextextended(q.text, 0)::text"
	" FROM pg_stat_activity a, LATERAL (SELECT " TEXTS_BARE " AS text) q"
	" WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()"
	"  AND a.backend_type NOT IN ('walsender', 'autovacuum worker', 'parallel worker')"
	"  AND a.usename IS NOT NULL";

enum { USER, APPLICATION, ADDRESS, PORT, XID, TEXT, PID, AGE_MS, SOCKET, BEGIN_US, OURS, HASH };

static bool is_new(struct xids *xids, const char *xid)
{
	size_t stored = xids->count < XIDS_MAX ? xids->count : XIDS_MAX;

	for (size_t i = 0; i < stored; i++)
		if (strcmp(xids->seen[i], xid) == 0)
			return false;
	snprintf(xids->seen[xids->count++ % XIDS_MAX], sizeof xids->seen[0], "%s", xid);
	return true;
}

/* Is there any? */
static bool take_evidence(struct writer *row, struct xids *xids, const char *xid, const char *text)
{
	bool holds_xid = *xid != '\0';

	if (!holds_xid && *text == '\0')
		return false;
	row->fresh = row->fresh || row->wrote_s == 0;
	row->wrote = true;
	row->wrote_s = row->last_s;
	if (holds_xid || row->evidence[0] == '\0')
		snprintf(row->evidence, sizeof row->evidence, "%s",
			holds_xid ? "transaction id" : text);
	if (holds_xid && is_new(xids, xid))
		row->writes++;
	return true;
}

/* The newest statement, by the grammar where it is known: it knows better than its first word. */
static bool take_text(struct watch *watch, struct writer *row, const struct pg_rows *rows, size_t i)
{
	const struct text *text = texts_find(&watch->texts, pg_int(rows, i, HASH));
	const char *xid = pg_text(rows, i, XID), *first_word = pg_text(rows, i, TEXT);
	char calls[48];
	bool called = false;

	if (text == NULL || text->cls == SQL_MAY_WRITE) {
		return take_evidence(row, &watch->xids, xid, first_word);
	}
	if (text->calls[0]) {
		snprintf(calls, sizeof calls, "calls %.24s, which writes", text->calls);
		row->definer = row->definer || text->definer;
		called = take_evidence(row, &watch->xids, "", calls);
	}
	if (text->cls == SQL_READS)
		first_word = "";
	else if (*first_word == '\0')
		first_word = text->verb;
	return take_evidence(row, &watch->xids, xid, first_word) || called;
}

/* Port -1 is a socket in the file system. */
static bool process_of_session(
	const struct pg_rows *rows, size_t i, const char *address, struct process *ret)
{
	int64_t port = pg_int(rows, i, PORT);

	if (port > 0)
		return process_of_peer(address, (unsigned)port, ret);
	return port == -1 && !pg_is_null(rows, i, AGE_MS) &&
	       process_of_backend((pid_t)pg_int(rows, i, PID), pg_int(rows, i, AGE_MS),
		       (unsigned)pg_int(rows, i, SOCKET), ret);
}

/* The session, noted when it is new: *ret_new. */
static struct session *session_of(
	struct watch *watch, const struct pg_rows *rows, size_t i, bool *ret_new)
{
	struct session wanted = {pg_int(rows, i, PID),
		pg_is_null(rows, i, BEGIN_US) ? 0 : pg_int(rows, i, BEGIN_US), SIZE_MAX};

	*ret_new = false;
	for (size_t s = 0; s < watch->sessions_count; s++)
		if (watch->sessions[s].pid == wanted.pid &&
			watch->sessions[s].begin_us == wanted.begin_us)
			return &watch->sessions[s];
	watch->sessions = grow(watch->sessions, watch->sessions_count, &watch->sessions_room,
		sizeof *watch->sessions);
	*ret_new = true;
	watch->sessions[watch->sessions_count] = wanted;
	return &watch->sessions[watch->sessions_count++];
}

/* A session that changed its name since the last look is still the writer that it was. */
static struct writer *row_of(struct watch *watch, const struct pg_rows *rows, size_t i)
{
	bool is_new_session;
	struct session *session = session_of(watch, rows, i, &is_new_session);
	const char *application = pg_text(rows, i, APPLICATION);
	struct writer *row;

	if (pg_bool(rows, i, OURS))
		return NULL;
	if (session->row != SIZE_MAX)
		return &watch->w->rows[session->row];
	row = writers_at(watch->w, watch->store->plan_store->name, watch->side,
		pg_text(rows, i, USER), application, pg_text(rows, i, ADDRESS));
	session->row = (size_t)(row - watch->w->rows);
	return row;
}

static void take_session(struct watch *watch, const struct pg_rows *rows, size_t i)
{
	struct writer *row = row_of(watch, rows, i);
	struct process process;

	if (row == NULL)
		return;
	row->last_s = (int64_t)time(NULL);
	if (row->first_s == 0) {
		row->first_s = row->last_s;
		row->fresh = true;
	}
	if (!row->here && process_of_session(rows, i, pg_text(rows, i, ADDRESS), &process))
		snprintf(row->process, sizeof row->process, "%s", process.text);
	row->here = true;
	if (pg_is_null(rows, i, TEXT))
		watch->w->blind = true;
	else
		writer_called(row, pg_text(rows, i, APPLICATION), take_text(watch, row, rows, i));
}

static int look(struct watch *watch, struct err *err)
{
	int64_t asked_us = env_now_us(watch->store->store.env);
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_data(watch->store, watch->side, watch->deadline_ms, &pg, err) ||
		pg_exec_kept(pg, watch->deadline_ms, sessions_sql, 0, NULL, &rows, err))
		return err_wrap(err, "the sessions of %s", side_name(watch->side));
	for (size_t i = 0; i < rows.rows; i++)
		if (!pg_is_null(&rows, i, TEXT))
			texts_find(&watch->texts, pg_int(&rows, i, HASH));
	if (texts_fetch(&watch->texts, pg, watch->deadline_ms, err))
		return err_wrap(err, "the statements of %s", side_name(watch->side));
	watch->w->looks++;
	watch->w->cost_us += env_now_us(watch->store->store.env) - asked_us;
	for (size_t i = 0; i < rows.rows; i++)
		take_session(watch, &rows, i);
	return 0;
}

/* A statement that was refused leaves its text as well: it is no evidence of a role that may not
 * write to any table, unless a function lent it its owner's rights. */
static const char may_write_sql[] =
	"SELECT EXISTS (SELECT FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'f')"
	" AND c.relnamespace NOT IN (SELECT oid FROM pg_namespace"
	"  WHERE nspname IN ('pg_catalog', 'information_schema', 'pg_toast'))"
	" AND has_table_privilege($1, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))";

static int weigh_texts(struct watch *watch, struct err *err)
{
	for (size_t i = 0; i < watch->w->count; i++) {
		struct writer *row = &watch->w->rows[i];
		const char *params[] = {row->user};
		PG_ROWS_AUTO rows = PG_ROWS_INIT;
		struct pg *pg;

		if (!row->here || !row->wrote || row->writes > 0 || row->definer ||
			row->side != watch->side ||
			strcmp(row->store, watch->store->plan_store->name) != 0)
			continue;
		if (pg_data(watch->store, watch->side, watch->deadline_ms, &pg, err) ||
			pg_exec_kept(pg, watch->deadline_ms, may_write_sql, 1, params, &rows, err))
			return -1;
		if (pg_bool(&rows, 0, 0))
			continue;
		row->wrote = false;
		row->wrote_s = 0;
		row->evidence[0] = '\0';
	}
	return 0;
}

static int look_on(struct watch *watch, int64_t watch_ms, int64_t pause_ms, struct err *err)
{
	int64_t began_ms = clock_now_ms();

	if (read_counts(watch, &watch->begun, err))
		return -1;
	for (;;) {
		if (look(watch, err))
			return -1;
		if (clock_now_ms() - began_ms - watch->texts.load_ms + pause_ms > watch_ms)
			break;
		env_pause(watch->store->store.env, pause_ms * 1000);
	}
	watch->w->watched_ms += clock_now_ms() - began_ms;
	return weigh_texts(watch, err) ? -1 : compare_counts(watch, err);
}

int writers_watch(struct store_pg *store, enum side side, int64_t watch_ms, int64_t pause_ms,
	int64_t deadline_ms, struct writers *w, struct err *err)
{
	struct watch *watch = calloc(1, sizeof *watch);
	int rc;

	ENSURE(watch != NULL);
	*watch = (struct watch){.store = store, .side = side, .deadline_ms = deadline_ms, .w = w};
	rc = look_on(watch, watch_ms, pause_ms, err);
	watch_fini(watch);
	free(watch);
	return rc;
}
