/*
 * pg.h - one control connection to one PostgreSQL database, over libpq, with deadlines.
 *
 * Every call takes an absolute deadline on clock_now_ms(); when it passes the connection is broken
 * (its outcome is unknown, so it is never reused) and the error is ERR_TIMEOUT.  A lost connection
 * is ERR_UNREACHABLE: the statement may or may not have been executed, and the caller must observe
 * (law 3).  A statement that the server refused is ERR_SQL with its SQLSTATE, except
 * 42501 -> ERR_RIGHTS and 55P03 (lock_timeout) -> ERR_BLOCKED.  Passwords come from where libpq
 * finds them (passfile, service file) and never appear in an error message.
 *
 * Not thread-safe: one connection, one thread at a time.
 */
#ifndef AIRLOCK_STORE_POSTGRES_PG_H
#define AIRLOCK_STORE_POSTGRES_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct pg;

/* NULL means "as the conninfo says". */
struct pg_target {
	const char *conninfo; /* key=value list or URI */
	const char *dbname;
	const char *user;
	bool replication; /* a replication=database session */
};

/* Rows of text, as libpq returned them; owned by the caller, pg_rows_fini. */
struct pg_rows {
	void *result; /* PGresult */
	size_t rows;
	size_t columns;
};

#define PG_ROWS_INIT ((struct pg_rows){0})
#define PG_ROWS_AUTO __attribute__((cleanup(pg_rows_fini))) struct pg_rows

/* The session has search_path = pg_catalog, pinned formats, application_name = airlock. */
int pg_open(struct pg **ret_pg, const struct pg_target *target, int64_t deadline_ms,
	struct err *err) MUST_CHECK;
/*
 * The two halves of pg_open, for a login whose answer is wanted quickly: pg_park leaves the server
 * waiting for the last message of the SCRAM exchange (it knows neither database nor session yet),
 * pg_unpark finishes as pg_open would.  A login that cannot be parked, because it is refused early
 * or not by SCRAM, is given up: *ret_pg is NULL and the call succeeds.  The server ends a parked
 * login after its authentication_timeout; pg_unpark then says ERR_UNREACHABLE.
 */
int pg_park(struct pg **ret_pg, const struct pg_target *target, int64_t deadline_ms,
	struct err *err) MUST_CHECK;
int pg_unpark(struct pg *pg, int64_t deadline_ms, struct err *err) MUST_CHECK;
void pg_close(struct pg *pg); /* accepts NULL */
void pg_closep(struct pg **pg);
#define PG_AUTO __attribute__((cleanup(pg_closep))) struct pg *

bool pg_is_broken(const struct pg *pg);
int pg_backend_pid(const struct pg *pg);
int pg_server_version(const struct pg *pg); /* 150018 */

/*
 * Executes one statement with text parameters (NULL = SQL null).  `ret_rows` may be NULL.
 * With nparams == 0 and no ret_rows, `sql` may hold several statements (one implicit transaction).
 */
int pg_exec(struct pg *pg, int64_t deadline_ms, const char *sql, size_t nparams,
	const char *const *params, struct pg_rows *ret_rows, struct err *err) MUST_CHECK;
/* As pg_exec, for a string constant that is executed again and again: its address is its identity,
 * and it is prepared at its first use on this connection. */
int pg_exec_kept(struct pg *pg, int64_t deadline_ms, const char *constant_sql, size_t nparams,
	const char *const *params, struct pg_rows *ret_rows, struct err *err) MUST_CHECK;
/* Prepares and plans for pg_exec_kept without executing. */
int pg_keep(struct pg *pg, int64_t deadline_ms, const char *constant_sql, size_t nparams,
	struct err *err) MUST_CHECK;
/* Prepares `sql` under `name`, for statements of the window; pg_exec_prepared runs it. */
int pg_prepare(struct pg *pg, int64_t deadline_ms, const char *name, const char *sql,
	struct err *err) MUST_CHECK;
int pg_exec_prepared(struct pg *pg, int64_t deadline_ms, const char *name, size_t nparams,
	const char *const *params, struct pg_rows *ret_rows, struct err *err) MUST_CHECK;

/* COPY (...) TO STDOUT: each message of the server's (one row) goes to `row`, whose bytes are
 * borrowed for the call.  No parameters: COPY takes none. */
int pg_copy_out(struct pg *pg, int64_t deadline_ms, const char *sql,
	void (*row)(void *arg, const char *bytes, size_t len), void *arg, struct err *err) MUST_CHECK;

void pg_rows_fini(struct pg_rows *rows);
/* Borrowed from rows; NULL for SQL null.  Aborts when out of range. */
const char *pg_text(const struct pg_rows *rows, size_t row, size_t column);
int64_t pg_int(
	const struct pg_rows *rows, size_t row, size_t column); /* null or no number: aborts */
bool pg_bool(const struct pg_rows *rows, size_t row, size_t column);
bool pg_is_null(const struct pg_rows *rows, size_t row, size_t column);

/* Appends the quoted form: "ident" and 'literal' (standard_conforming_strings). */
struct buf;
void pg_quote_ident(struct buf *out, const char *ident);
void pg_quote_literal(struct buf *out, const char *literal);

#endif
