#include "store/postgres/pg.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"

#define KEYWORDS_MAX 64
#define KEPT_MAX 64

struct pg {
	PGconn *conn; /* NULL once broken: a socket whose outcome is unknown is closed at once */
	int backend_pid;
	int server_version;
	bool replication;
	const char *kept[KEPT_MAX]; /* statements that are prepared here, by address */
	size_t kept_count;
	char name[160]; /* for messages: where and as whom, never how */
};

/*
 * What ALTER ROLE and ALTER DATABASE may have set for us is set back: a statement_timeout of the
 * application's must not end ours, and read-only by default must not make a register unmovable.
 */
static const char session_options[] =
	"-c search_path=pg_catalog -c DateStyle=ISO,YMD -c TimeZone=UTC -c IntervalStyle=postgres "
	"-c bytea_output=hex -c extra_float_digits=1 -c standard_conforming_strings=on "
	"-c client_min_messages=warning -c statement_timeout=0 -c lock_timeout=0 "
	"-c idle_in_transaction_session_timeout=0 -c default_transaction_read_only=off "
	"-c default_transaction_deferrable=off "
	"-c default_transaction_isolation=read\\ committed "
	/* What is kept prepared is small and always the same: it is planned once, before the hold.
	 */
	"-c plan_cache_mode=force_generic_plan";

/* ---- connecting ---------------------------------------------------------------------------- */

struct keywords {
	const char *names[KEYWORDS_MAX + 1];
	const char *values[KEYWORDS_MAX + 1];
	size_t count;
};

/* The last one of a name wins in libpq, so what is ours is added after what was given. */
static void keyword_add(struct keywords *kw, const char *name, const char *value)
{
	REQUIRE(kw->count < KEYWORDS_MAX);
	kw->names[kw->count] = name;
	kw->values[kw->count] = value;
	kw->count++;
}

static const char *given(const PQconninfoOption *options, const char *name)
{
	for (; options->keyword != NULL; options++)
		if (strcmp(options->keyword, name) == 0)
			return options->val;
	return NULL;
}

static void keyword_default(
	struct keywords *kw, const PQconninfoOption *options, const char *name, const char *value)
{
	if (given(options, name) == NULL)
		keyword_add(kw, name, value);
}

static void keywords_fill(struct keywords *kw, const PQconninfoOption *options,
	const struct pg_target *target, struct buf *session)
{
	const char *theirs = given(options, "options");

	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
		if (o->val != NULL)
			keyword_add(kw, o->keyword, o->val);
	if (target->dbname != NULL)
		keyword_add(kw, "dbname", target->dbname);
	if (target->user != NULL)
		keyword_add(kw, "user", target->user);
	if (target->replication)
		keyword_add(kw, "replication", "database");
	keyword_default(kw, options, "keepalives", "1");
	keyword_default(kw, options, "keepalives_idle", "5");
	keyword_default(kw, options, "keepalives_interval", "2");
	keyword_default(kw, options, "keepalives_count", "3");
	keyword_default(kw, options, "tcp_user_timeout", "10000");
	keyword_add(kw, "application_name", "airlock");
	keyword_add(kw, "client_encoding", "UTF8");
	buf_printf(session, "%s%s%s", theirs != NULL ? theirs : "", theirs != NULL ? " " : "",
		session_options);
	keyword_add(kw, "options", buf_str(session));
}

static void quiet(void *arg, const PGresult *notice)
{
	(void)arg;
	(void)notice;
}

static PGconn *connect_start(const struct pg_target *target, struct err *err)
{
	/* libpq's own words about a string it cannot read quote parts of it: a password, at worst.
	 */
	PQconninfoOption *options = PQconninfoParse(target->conninfo, NULL);
	struct keywords kw = {.count = 0};
	BUF_AUTO session = BUF_INIT;
	PGconn *conn;

	if (options == NULL) {
		err_set(err, ERR_USAGE, "the connection string is not one that libpq understands");
		return NULL;
	}
	keywords_fill(&kw, options, target, &session);
	/* Name resolution inside is the system's and knows no deadline; addresses need none. */
	conn = PQconnectStartParams(kw.names, kw.values, 0);
	PQconninfoFree(options);
	if (conn == NULL)
		err_set(err, ERR_NOMEM, "out of memory for a connection");
	return conn;
}

/* ---- waiting ------------------------------------------------------------------------------- */

/* 1 = ready, 0 = the deadline passed. */
static int wait_ready(const PGconn *conn, short events, int64_t deadline_ms)
{
	struct pollfd fd = {.fd = PQsocket(conn), .events = events};

	REQUIRE(fd.fd >= 0);
	for (;;) {
		int64_t left = deadline_ms - clock_now_ms();
		int n;

		if (left <= 0)
			return 0;
		n = poll(&fd, 1, left > INT_MAX ? INT_MAX : (int)left);
		if (n > 0)
			return 1;
		if (n < 0)
			ENSURE(errno == EINTR);
	}
}

/* ---- errors -------------------------------------------------------------------------------- */

static enum err_code code_of(const char *sqlstate)
{
	if (strcmp(sqlstate, "42501") == 0)
		return ERR_RIGHTS;
	if (strcmp(sqlstate, "55P03") == 0)
		return ERR_BLOCKED;
	if (strncmp(sqlstate, "08", 2) == 0 || strncmp(sqlstate, "57P", 3) == 0)
		return ERR_UNREACHABLE;
	return ERR_SQL;
}

/* Everything up to the newline; libpq's messages have several lines. */
static int first_line(const char *text)
{
	return (int)strcspn(text, "\n");
}

/*
 * The SQLSTATE of a refused connection is only in libpq's verbose text: "FATAL:  42501: ...".
 * Returns what follows it, or NULL when no server spoke.
 */
static const char *verbose_sqlstate(const char *text, char ret[6])
{
	static const char code_chars[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *found = NULL;

	for (const char *p = strstr(text, ":  "); p != NULL; p = strstr(p + 1, ":  "))
		if (strspn(p + 3, code_chars) == 5 && strncmp(p + 8, ": ", 2) == 0)
			found = p + 3; /* of several hosts the last one tried */
	if (found == NULL)
		return NULL;
	memcpy(ret, found, 5);
	ret[5] = '\0';
	return found + 7;
}

/* What a login that failed needs, by what the server or libpq said; "" = the words are enough. */
static const char *connect_advice(const char *sqlstate, const char *text)
{
	if (strcmp(sqlstate, "28P01") == 0)
		return "; the role is missing (airlock init-roles) or the passfile has another "
		       "password";
	if (strcmp(sqlstate, "28000") == 0)
		return "; pg_hba.conf on that server has to let it in";
	if (strcmp(sqlstate, "3D000") == 0)
		return "; airlock init-roles makes the control database, pg_dump --create the "
		       "migrated one";
	if (strcmp(sqlstate, "53300") == 0)
		return "; it is up and has no connection left (max_connections, or a CONNECTION "
		       "LIMIT): end sessions that are not needed";
	if (strstr(text, "no password supplied") != NULL)
		return "; the passfile has no line for it, is not there, or can be read by others "
		       "(chmod 600)";
	if (strstr(text, "Connection refused") != NULL)
		return "; nothing listens there (is the server up, are host and port right)";
	return "";
}

/* libpq says again where it was going to; the name has said it. */
static const char *without_address(const char *text)
{
	static const char head[] = "connection to server ", failed[] = " failed: ";
	const char *end = strstr(text, failed);

	return strncmp(text, head, sizeof head - 1) == 0 && end != NULL ? end + sizeof failed - 1
									: text;
}

/* Who is not let in, or asks for what is not there, has to change something: no bug of ours.  Where
 * there is no room just now there may be later, as on a server that starts. */
static enum err_code connect_code(const char *sqlstate)
{
	if (strncmp(sqlstate, "53", 2) == 0)
		return ERR_UNREACHABLE;
	if (strncmp(sqlstate, "28", 2) == 0 || strncmp(sqlstate, "3D", 2) == 0)
		return ERR_REFUSED;
	return code_of(sqlstate);
}

static int connect_failed(const PGconn *conn, const char *name, struct err *err)
{
	const char *text = PQerrorMessage(conn);
	char sqlstate[6] = "";
	const char *said = verbose_sqlstate(text, sqlstate);

	if (said == NULL) {
		const char *words = without_address(text);

		return err_set(err, ERR_UNREACHABLE, "%s: %.*s%s", name, first_line(words), words,
			connect_advice("", text));
	}
	err_set(err, connect_code(sqlstate), "%s: %.*s (SQLSTATE %s)%s", name, first_line(said),
		said, sqlstate, connect_advice(sqlstate, text));
	memcpy(err->sqlstate, sqlstate, sizeof sqlstate);
	return -1;
}

/* DETAIL of these classes shows the application's own values. */
static bool detail_shows_data(const char *sqlstate)
{
	return strncmp(sqlstate, "22", 2) == 0 || strncmp(sqlstate, "23", 2) == 0;
}

static int statement_failed(
	const struct pg *pg, const PGresult *result, const char *sqlstate, struct err *err)
{
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);

	if (detail == NULL || detail_shows_data(sqlstate))
		detail = "";
	err_set(err, code_of(sqlstate), "%s: %s%s%s (SQLSTATE %s)", pg->name,
		primary != NULL ? primary : "error without a message", *detail ? ": " : "", detail,
		sqlstate);
	memcpy(err->sqlstate, sqlstate, sizeof err->sqlstate);
	return -1;
}

/* ---- the connection ------------------------------------------------------------------------ */

static void pg_break(struct pg *pg)
{
	PQfinish(pg->conn);
	pg->conn = NULL;
}

static int timed_out(struct pg *pg, const char *what, struct err *err)
{
	pg_break(pg);
	return err_set(err, ERR_TIMEOUT, "%s: the deadline passed %s", pg->name, what);
}

static int lost(struct pg *pg, struct err *err)
{
	const char *text = PQerrorMessage(pg->conn);

	err_set(err, ERR_UNREACHABLE, "%s: the connection was lost: %.*s", pg->name,
		first_line(text), text);
	pg_break(pg);
	return -1;
}

static void name_set(struct pg *pg)
{
	const char *host = PQhost(pg->conn), *port = PQport(pg->conn);
	const char *user = PQuser(pg->conn), *db = PQdb(pg->conn);

	snprintf(pg->name, sizeof pg->name, "database %s as %s on %s:%s", db != NULL ? db : "?",
		user != NULL ? user : "?", host != NULL && *host ? host : "localhost",
		port != NULL ? port : "?");
}

/* One step of the login: waits for what libpq asked for in *status, then lets it go on. */
static int connect_step(
	struct pg *pg, int64_t deadline_ms, PostgresPollingStatusType *status, struct err *err)
{
	if (!wait_ready(pg->conn, *status == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ms))
		return timed_out(pg, "while connecting", err);
	*status = PQconnectPoll(pg->conn);
	return 0;
}

static int connect_finish(
	struct pg *pg, PostgresPollingStatusType status, int64_t deadline_ms, struct err *err)
{
	while (status != PGRES_POLLING_OK) {
		if (status == PGRES_POLLING_FAILED)
			return connect_failed(pg->conn, pg->name, err);
		if (connect_step(pg, deadline_ms, &status, err) != 0)
			return -1;
	}
	PQsetErrorVerbosity(pg->conn, PQERRORS_DEFAULT);
	if (PQsetnonblocking(pg->conn, 1) != 0)
		return lost(pg, err);
	pg->backend_pid = PQbackendPID(pg->conn);
	pg->server_version = PQserverVersion(pg->conn);
	return 0;
}

static int connect_begin(struct pg **ret_pg, const struct pg_target *target, struct err *err)
{
	PG_AUTO pg = calloc(1, sizeof *pg);

	REQUIRE(target->conninfo != NULL);
	if (pg == NULL)
		return err_set(err, ERR_NOMEM, "out of memory for a connection");
	pg->replication = target->replication;
	pg->conn = connect_start(target, err);
	if (pg->conn == NULL)
		return -1;
	name_set(pg);
	if (PQstatus(pg->conn) == CONNECTION_BAD)
		return connect_failed(pg->conn, pg->name, err);
	PQsetErrorVerbosity(pg->conn, PQERRORS_VERBOSE);
	PQsetNoticeReceiver(pg->conn, quiet, NULL);
	*ret_pg = pg;
	pg = NULL;
	return 0;
}

int pg_open(
	struct pg **ret_pg, const struct pg_target *target, int64_t deadline_ms, struct err *err)
{
	PG_AUTO pg = NULL;

	if (connect_begin(&pg, target, err) != 0 ||
		connect_finish(pg, PGRES_POLLING_WRITING, deadline_ms, err) != 0)
		return -1;
	*ret_pg = pg;
	pg = NULL;
	return 0;
}

/*
 * The server's first message names SCRAM and is answered in the step that reads it; the second one
 * is left unread.  After any other first message libpq has gone on, or given up, in that same step.
 */
int pg_park(
	struct pg **ret_pg, const struct pg_target *target, int64_t deadline_ms, struct err *err)
{
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;
	PG_AUTO pg = NULL;
	bool answered = false;

	*ret_pg = NULL;
	if (connect_begin(&pg, target, err) != 0)
		return -1;
	while (status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING) {
		answered = PQstatus(pg->conn) == CONNECTION_AWAITING_RESPONSE;
		if (connect_step(pg, deadline_ms, &status, err) != 0)
			return -1;
		if (answered)
			break;
	}
	if (status != PGRES_POLLING_READING || PQstatus(pg->conn) != CONNECTION_AWAITING_RESPONSE)
		return 0;
	*ret_pg = pg;
	pg = NULL;
	return 0;
}

int pg_unpark(struct pg *pg, int64_t deadline_ms, struct err *err)
{
	REQUIRE(pg->conn != NULL);
	REQUIRE(PQstatus(pg->conn) == CONNECTION_AWAITING_RESPONSE);
	return connect_finish(pg, PGRES_POLLING_READING, deadline_ms, err);
}

void pg_close(struct pg *pg)
{
	if (pg == NULL)
		return;
	PQfinish(pg->conn);
	free(pg);
}

void pg_closep(struct pg **pg)
{
	pg_close(*pg);
	*pg = NULL;
}

bool pg_is_broken(const struct pg *pg)
{
	return pg->conn == NULL;
}

int pg_backend_pid(const struct pg *pg)
{
	return pg->backend_pid;
}

int pg_server_version(const struct pg *pg)
{
	return pg->server_version;
}

/* ---- statements ---------------------------------------------------------------------------- */

static bool is_success(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK ||
	       status == PGRES_EMPTY_QUERY;
}

static bool is_copy(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

/* 0 = sent whole. */
static int flush(struct pg *pg, int64_t deadline_ms, struct err *err)
{
	for (;;) {
		int left = PQflush(pg->conn);

		if (left == 0)
			return 0;
		if (left < 0)
			return lost(pg, err);
		/* The server may stop reading until we read, so both directions are served. */
		if (!wait_ready(pg->conn, POLLIN | POLLOUT, deadline_ms))
			return timed_out(pg, "while sending a statement", err);
		if (!PQconsumeInput(pg->conn))
			return lost(pg, err);
	}
}

/*
 * *ret_result is NULL after the last one.  So it is when the connection ends in between: what came
 * before the end counts, for a FATAL says why.
 */
static int next_result(struct pg *pg, int64_t deadline_ms, PGresult **ret_result, struct err *err)
{
	*ret_result = NULL;
	while (PQisBusy(pg->conn)) {
		if (PQstatus(pg->conn) == CONNECTION_BAD)
			return 0;
		if (!wait_ready(pg->conn, POLLIN, deadline_ms))
			return timed_out(pg, "while waiting for an answer", err);
		if (!PQconsumeInput(pg->conn) && PQisBusy(pg->conn))
			return 0;
	}
	*ret_result = PQgetResult(pg->conn);
	return 0;
}

/* The results of what was sent: the first failure, else the last success; NULL = none came. */
static int collect(struct pg *pg, int64_t deadline_ms, PGresult **ret_result, struct err *err)
{
	PGresult *kept = NULL, *result;

	if (flush(pg, deadline_ms, err) != 0)
		return -1;
	for (;;) {
		if (next_result(pg, deadline_ms, &result, err) != 0) {
			PQclear(kept);
			return -1;
		}
		if (result == NULL)
			break;
		if (kept != NULL && !is_success(kept)) {
			PQclear(result);
			continue;
		}
		PQclear(kept);
		kept = result;
		if (is_copy(kept))
			break;
	}
	*ret_result = kept;
	return 0;
}

static int refused(struct pg *pg, const PGresult *result, struct err *err)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (is_copy(result)) {
		pg_break(pg);
		return err_set(err, ERR_INTERNAL, "%s: COPY is not for this interface", pg->name);
	}
	if (sqlstate == NULL)
		return lost(pg, err);
	statement_failed(pg, result, sqlstate, err);
	if (PQstatus(pg->conn) == CONNECTION_BAD)
		err->code = ERR_UNREACHABLE;
	if (err->code == ERR_UNREACHABLE)
		pg_break(pg);
	return -1;
}

/* Takes the result. */
static int judge(struct pg *pg, PGresult *result, struct pg_rows *ret_rows, struct err *err)
{
	/* A success whose end was not seen is none: a transaction may still fail at its end. */
	if (result == NULL || (is_success(result) && PQstatus(pg->conn) == CONNECTION_BAD)) {
		PQclear(result);
		return lost(pg, err);
	}
	if (!is_success(result)) {
		refused(pg, result, err);
		PQclear(result);
		return -1;
	}
	if (ret_rows == NULL) {
		PQclear(result);
		return 0;
	}
	*ret_rows = (struct pg_rows){.result = result,
		.rows = (size_t)PQntuples(result),
		.columns = (size_t)PQnfields(result)};
	return 0;
}

static int usable(struct pg *pg, int64_t deadline_ms, struct err *err)
{
	if (pg->conn == NULL)
		return err_set(err, ERR_UNREACHABLE, "%s: the connection was given up", pg->name);
	/* An open transaction must not outlive its deadline with its locks. */
	if (clock_now_ms() >= deadline_ms)
		return timed_out(pg, "before the statement was sent", err);
	return 0;
}

static int finish(
	struct pg *pg, int sent, int64_t deadline_ms, struct pg_rows *ret_rows, struct err *err)
{
	PGresult *result = NULL;

	if (!sent)
		return lost(pg, err);
	if (collect(pg, deadline_ms, &result, err) != 0)
		return -1;
	return judge(pg, result, ret_rows, err);
}

int pg_exec(struct pg *pg, int64_t deadline_ms, const char *sql, size_t nparams,
	const char *const *params, struct pg_rows *ret_rows, struct err *err)
{
	int sent;

	REQUIRE(nparams < 1000);
	/* A walsender speaks the simple protocol alone. */
	REQUIRE(!pg->replication || nparams == 0);
	if (usable(pg, deadline_ms, err) != 0)
		return -1;
	if (pg->replication || (nparams == 0 && ret_rows == NULL))
		sent = PQsendQuery(pg->conn, sql);
	else
		sent = PQsendQueryParams(pg->conn, sql, (int)nparams, NULL, params, NULL, NULL, 0);
	return finish(pg, sent, deadline_ms, ret_rows, err);
}

int pg_prepare(
	struct pg *pg, int64_t deadline_ms, const char *name, const char *sql, struct err *err)
{
	REQUIRE(!pg->replication);
	if (usable(pg, deadline_ms, err) != 0)
		return -1;
	return finish(pg, PQsendPrepare(pg->conn, name, sql, 0, NULL), deadline_ms, NULL, err);
}

int pg_exec_prepared(struct pg *pg, int64_t deadline_ms, const char *name, size_t nparams,
	const char *const *params, struct pg_rows *ret_rows, struct err *err)
{
	REQUIRE(nparams < 1000);
	if (usable(pg, deadline_ms, err) != 0)
		return -1;
	return finish(pg, PQsendQueryPrepared(pg->conn, name, (int)nparams, params, NULL, NULL, 0),
		deadline_ms, ret_rows, err);
}

static size_t kept_at(const struct pg *pg, const char *sql)
{
	size_t i = 0;

	while (i < pg->kept_count && pg->kept[i] != sql)
		i++;
	return i;
}

static const char *kept_name(char buf[16], size_t at)
{
	snprintf(buf, 16, "kept_%zu", at);
	return buf;
}

static int keep(struct pg *pg, int64_t deadline_ms, const char *sql, char name[16], struct err *err)
{
	size_t at = kept_at(pg, sql);

	kept_name(name, at);
	if (at < pg->kept_count)
		return 0;
	REQUIRE(at < KEPT_MAX);
	if (pg_prepare(pg, deadline_ms, name, sql, err) != 0)
		return -1;
	pg->kept[pg->kept_count++] = sql;
	return 0;
}

int pg_exec_kept(struct pg *pg, int64_t deadline_ms, const char *constant_sql, size_t nparams,
	const char *const *params, struct pg_rows *ret_rows, struct err *err)
{
	char name[16];

	if (keep(pg, deadline_ms, constant_sql, name, err) != 0)
		return -1;
	return pg_exec_prepared(pg, deadline_ms, name, nparams, params, ret_rows, err);
}

int pg_keep(struct pg *pg, int64_t deadline_ms, const char *constant_sql, size_t nparams,
	struct err *err)
{
	char name[16], plan[160];
	size_t len;

	REQUIRE(nparams <= 8);
	if (keep(pg, deadline_ms, constant_sql, name, err) != 0)
		return -1;
	/* EXPLAIN plans the generic plan that EXECUTE and Bind then find. */
	len = (size_t)snprintf(plan, sizeof plan, "EXPLAIN EXECUTE %s", name);
	for (size_t i = 0; i < nparams; i++)
		len += (size_t)snprintf(plan + len, sizeof plan - len, i == 0 ? "(NULL" : ", NULL");
	snprintf(plan + len, sizeof plan - len, nparams ? ")" : "");
	return pg_exec(pg, deadline_ms, plan, 0, NULL, NULL, err);
}

/* 1 = a row, 0 = the stream has ended, for good or not: the result that follows says which. */
static int copy_row(
	struct pg *pg, int64_t deadline_ms, char **ret_bytes, int *ret_len, struct err *err)
{
	for (;;) {
		*ret_len = PQgetCopyData(pg->conn, ret_bytes, 1);
		if (*ret_len > 0)
			return 1;
		if (*ret_len < 0)
			return 0;
		if (!wait_ready(pg->conn, POLLIN, deadline_ms))
			return timed_out(pg, "while rows were copied", err);
		if (!PQconsumeInput(pg->conn))
			return lost(pg, err);
	}
}

int pg_copy_out(struct pg *pg, int64_t deadline_ms, const char *sql,
	void (*row)(void *arg, const char *bytes, size_t len), void *arg, struct err *err)
{
	PGresult *result = NULL;
	char *bytes = NULL;
	int len, more;

	if (usable(pg, deadline_ms, err) != 0)
		return -1;
	if (!PQsendQuery(pg->conn, sql))
		return lost(pg, err);
	if (collect(pg, deadline_ms, &result, err) != 0)
		return -1;
	if (result == NULL || PQresultStatus(result) != PGRES_COPY_OUT)
		return judge(pg, result, NULL, err);
	PQclear(result);
	while ((more = copy_row(pg, deadline_ms, &bytes, &len, err)) > 0) {
		row(arg, bytes, (size_t)len);
		PQfreemem(bytes);
	}
	if (more < 0)
		return -1;
	return finish(pg, 1, deadline_ms, NULL, err);
}

/* ---- rows ---------------------------------------------------------------------------------- */

void pg_rows_fini(struct pg_rows *rows)
{
	PQclear(rows->result);
	*rows = PG_ROWS_INIT;
}

bool pg_is_null(const struct pg_rows *rows, size_t row, size_t column)
{
	REQUIRE(row < rows->rows);
	REQUIRE(column < rows->columns);
	return PQgetisnull(rows->result, (int)row, (int)column);
}

const char *pg_text(const struct pg_rows *rows, size_t row, size_t column)
{
	if (pg_is_null(rows, row, column))
		return NULL;
	return PQgetvalue(rows->result, (int)row, (int)column);
}

int64_t pg_int(const struct pg_rows *rows, size_t row, size_t column)
{
	const char *text = pg_text(rows, row, column);
	char *end;
	long long value;

	REQUIRE(text != NULL);
	errno = 0;
	value = strtoll(text, &end, 10);
	REQUIRE(errno == 0);
	REQUIRE(end != text && *end == '\0');
	return value;
}

bool pg_bool(const struct pg_rows *rows, size_t row, size_t column)
{
	const char *text = pg_text(rows, row, column);

	REQUIRE(text != NULL);
	REQUIRE(strcmp(text, "t") == 0 || strcmp(text, "f") == 0);
	return *text == 't';
}

/* ---- quoting ------------------------------------------------------------------------------- */

static void quote(struct buf *out, const char *text, char mark)
{
	buf_putc(out, mark);
	for (; *text != '\0'; text++) {
		if (*text == mark)
			buf_putc(out, mark);
		buf_putc(out, *text);
	}
	buf_putc(out, mark);
}

void pg_quote_ident(struct buf *out, const char *ident)
{
	quote(out, ident, '"');
}

void pg_quote_literal(struct buf *out, const char *literal)
{
	quote(out, literal, '\'');
}
