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
#include "discover/writers_behind.h"

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
	struct behind behind;
	int64_t began_ms, told; /* told: sessions that only the gateway has told of */
	struct xids xids;
	struct texts texts;
	struct session *sessions; /* owned */
	size_t sessions_count, sessions_room;
	struct counts begun;
};

static void watch_fini(struct watch *watch)
{
	behind_fini(&watch->behind);
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
	int64_t seen = watch->told;

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
	" hashtextextended(q.text, 0)::text"
	" FROM pg_stat_activity a, LATERAL (SELECT " TEXTS_BARE " AS text) q"
	" WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()"
	"  AND a.backend_type NOT IN ('walsender', 'autovacuum worker', 'parallel worker')"
	"  AND a.usename IS NOT NULL";

enum { USER, APPLICATION, ADDRESS, PORT, XID, TEXT, PID, AGE_MS, SOCKET, BEGIN_US, HASH };

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

/* Who is at the other end, for the server; port -1 is a socket in the file system. */
static struct behind_session session_at(const struct pg_rows *rows, size_t i)
{
	int64_t port = pg_int(rows, i, PORT);

	return (struct behind_session){pg_int(rows, i, PID), pg_text(rows, i, USER),
		pg_text(rows, i, ADDRESS), port > 0 ? (unsigned)port : 0};
}

/* client: whose it is, when it came through a gateway. */
static void look_for_process(const struct pg_rows *rows, size_t i,
	const struct route_account *client, struct writer *row)
{
	const struct process_session session = {.address = pg_text(rows, i, ADDRESS),
		.port = pg_int(rows, i, PORT),
		.backend = (pid_t)pg_int(rows, i, PID),
		.age_ms = pg_is_null(rows, i, AGE_MS) ? -1 : pg_int(rows, i, AGE_MS),
		.socket = (unsigned)pg_int(rows, i, SOCKET)};
	struct process found;

	if (client != NULL)
		process_of_peer(client->address, client->port, &found);
	else
		process_of_session(&session, &found);
	behind_process(row, &found);
}

static struct session session_seen(const struct pg_rows *rows, size_t i)
{
	return (struct session){pg_int(rows, i, PID),
		pg_is_null(rows, i, BEGIN_US) ? 0 : pg_int(rows, i, BEGIN_US), SIZE_MAX};
}

/* NULL when it was not seen before. */
static struct session *find_session(struct watch *watch, const struct session *wanted)
{
	for (size_t s = 0; s < watch->sessions_count; s++)
		if (watch->sessions[s].pid == wanted->pid &&
			watch->sessions[s].begin_us == wanted->begin_us)
			return &watch->sessions[s];
	return NULL;
}

/* The session, noted when it is new: *ret_new. */
static struct session *session_of(
	struct watch *watch, const struct pg_rows *rows, size_t i, bool *ret_new)
{
	struct session wanted = session_seen(rows, i), *found = find_session(watch, &wanted);

	*ret_new = found == NULL;
	if (found != NULL)
		return found;
	watch->sessions = grow(watch->sessions, watch->sessions_count, &watch->sessions_room,
		sizeof *watch->sessions);
	watch->sessions[watch->sessions_count] = wanted;
	return &watch->sessions[watch->sessions_count++];
}

/* A session that changed its name since the last look is still the writer that it was. */
static struct writer *row_of(struct watch *watch, const struct pg_rows *rows, size_t i)
{
	bool is_new_session;
	struct session *session = session_of(watch, rows, i, &is_new_session);
	struct behind_session at = session_at(rows, i);
	const struct route_account *client;
	struct writer *row;

	if (writers_are_ours(at.user))
		return NULL;
	if (session->row != SIZE_MAX)
		return &watch->w->rows[session->row];
	client = behind_find(&watch->behind, &at);
	row = writers_at(watch->w, watch->store->plan_store->name, watch->side, at.user,
		pg_text(rows, i, APPLICATION), client != NULL ? client->address : at.address);
	session->row = (size_t)(row - watch->w->rows);
	behind_note(&watch->behind, client, row);
	if (!row->here || row->gateway.told)
		look_for_process(rows, i, client, row);
	row->gateway.told = false;
	return row;
}

static void take_session(struct watch *watch, const struct pg_rows *rows, size_t i)
{
	struct writer *row = row_of(watch, rows, i);

	if (row == NULL)
		return;
	row->last_s = (int64_t)time(NULL);
	if (row->first_s == 0) {
		row->first_s = row->last_s;
		row->fresh = true;
	}
	row->here = true;
	if (pg_is_null(rows, i, TEXT))
		watch->w->blind = true;
	else
		writer_called(row, pg_text(rows, i, APPLICATION), take_text(watch, row, rows, i));
}

static size_t row_of_pid(void *ctx, int64_t pid)
{
	const struct watch *watch = ctx;

	for (size_t s = watch->sessions_count; s-- > 0;)
		if (watch->sessions[s].pid == pid)
			return watch->sessions[s].row;
	return SIZE_MAX;
}

static void hear_accounts(struct watch *watch, bool last)
{
	watch->told += behind_tell(&watch->behind, row_of_pid, watch, last,
		clock_now_ms() - watch->began_ms);
}

/* Whoever is new may have come through the gateway, which is asked then and not before.  False when
 * nobody is. */
static bool ask_gateway(struct watch *watch, const struct pg_rows *rows)
{
	bool asked = false;

	for (size_t i = 0; i < rows->rows; i++) {
		struct session wanted = session_seen(rows, i);
		struct behind_session at = session_at(rows, i);

		if (writers_are_ours(at.user) || find_session(watch, &wanted))
			continue;
		behind_meet(&watch->behind, &at, &asked);
	}
	return asked;
}

static int look(struct watch *watch, struct err *err)
{
	bool heard;

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
	heard = ask_gateway(watch, &rows);
	for (size_t i = 0; i < rows.rows; i++)
		take_session(watch, &rows, i);
	if (heard)
		hear_accounts(watch, false);
	return 0;
}

/* A statement that was refused leaves its text as well: it is no evidence of a role that may not
 * write to any table, unless a function lent it its owner's rights. */
static const char may_write_sql[] =
	"SELECT EXISTS (SELECT FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'f')"
	" AND c.relpersistence <> 't'"
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
	int64_t began_ms = watch->began_ms = clock_now_ms();

	watch->w->counted.since_s = (int64_t)time(NULL);
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
	behind_ask(&watch->behind, true);
	hear_accounts(watch, true);
	return weigh_texts(watch, err) ? -1 : compare_counts(watch, err);
}

int writers_watch(struct store_pg *store, struct route *route, enum side side, int64_t watch_ms,
	int64_t pause_ms, int64_t deadline_ms, struct writers *w, struct err *err)
{
	struct watch *watch = calloc(1, sizeof *watch);
	int rc;

	ENSURE(watch != NULL);
	*watch = (struct watch){.store = store,
		.side = side,
		.deadline_ms = deadline_ms,
		.w = w,
		.behind = behind_init(route, w, store->plan_store->name, side, deadline_ms)};
	rc = look_on(watch, watch_ms, pause_ms, err);
	watch_fini(watch);
	free(watch);
	return rc;
}
