#include "journal/db.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"

#define APPLICATION_ID 0x41524c4b /* "ARLK" */
#define SCHEMA_VERSION 1
#define BUSY_MS 5000
#define TRIES 50

/* Strict: a column cannot hold what its type does not say. */
static const char entry_table[] =
	"CREATE TABLE entry("
	"seq INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, run TEXT NOT NULL, "
	"wave INTEGER NOT NULL, attempt INTEGER NOT NULL, store TEXT NOT NULL, "
	"kind TEXT NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL, detail TEXT NOT NULL, "
	"hash TEXT NOT NULL) STRICT";
static const char key_index[] = "CREATE INDEX entry_key ON entry(kind, key) WHERE key <> ''";
static const char meta_table[] =
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID";
/* What journal_ready fills and empties. */
static const char room_table[] = "CREATE TABLE room(id INTEGER PRIMARY KEY, filler BLOB) STRICT";

static const char *const schema[] = {entry_table, key_index, meta_table, room_table};

static enum err_code code_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_BLOCKED;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR: /* our statements are right: the schema is not the one we made */
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
		return ERR_CORRUPT;
	case SQLITE_NOMEM:
		return ERR_NOMEM;
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_NOLFS:
	case SQLITE_PROTOCOL:
		return ERR_IO;
	default:
		return ERR_INTERNAL;
	}
}

int db_fail(sqlite3 *db, const char *doing, struct err *err)
{
	enum err_code code = code_of(sqlite3_extended_errcode(db));
	int sys = sqlite3_system_errno(db);
	const char *remedy = "", *file = sqlite3_db_filename(db, "main");

	if ((sqlite3_errcode(db) & 0xff) == SQLITE_FULL)
		remedy = "; make room on that disk";
	else if (code == ERR_BLOCKED)
		remedy = "; another process holds the file";
	else if (code == ERR_CORRUPT)
		remedy = "; move the state directory away: the registers have what matters";
	err_set(err, code, "journal%s%s: cannot %s: %s%s%s%s", file && *file ? " " : "",
		file ? file : "", doing, sqlite3_errmsg(db), code == ERR_IO && sys ? ": " : "",
		code == ERR_IO && sys ? strerror(sys) : "", remedy);
	err->sys = sys;
	return -1;
}

int db_exec(sqlite3 *db, const char *sql, const char *doing, struct err *err)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_fail(db, doing, err);
}

int db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_stmt, struct err *err)
{
	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_stmt, NULL) != SQLITE_OK)
		return db_fail(db, "prepare a statement", err);
	return 0;
}

void db_rollback(sqlite3 *db)
{
	if (!sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

void stmt_finalizep(sqlite3_stmt **stmt)
{
	sqlite3_finalize(*stmt);
	*stmt = NULL;
}

static int read_number(sqlite3 *db, const char *sql, int64_t *ret, struct err *err)
{
	STMT_AUTO stmt = NULL;

	if (db_prepare(db, sql, &stmt, err))
		return -1;
	if (sqlite3_step(stmt) != SQLITE_ROW)
		return db_fail(db, "read the file", err);
	*ret = sqlite3_column_int64(stmt, 0);
	return 0;
}

/* SQLite does not wait for its busy handler when the mode changes, so we do. */
static int set_wal(sqlite3 *db, struct err *err)
{
	int rc = SQLITE_BUSY;

	for (int i = 0; i < TRIES && rc != SQLITE_OK; i++) {
		rc = sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
		if (rc != SQLITE_OK && rc != SQLITE_BUSY)
			break;
		if (rc == SQLITE_BUSY)
			sqlite3_sleep(BUSY_MS / TRIES);
	}
	return rc == SQLITE_OK ? 0 : db_fail(db, "switch to the write-ahead log", err);
}

static int schema_make(sqlite3 *db, struct err *err)
{
	char sql[160];

	for (size_t i = 0; i < ARRAY_LEN(schema); i++)
		if (db_exec(db, schema[i], "make its tables", err))
			return -1;
	snprintf(sql, sizeof sql,
		"INSERT INTO meta VALUES ('id', lower(hex(randomblob(16))));"
		"PRAGMA application_id = %d; PRAGMA user_version = %d",
		APPLICATION_ID, SCHEMA_VERSION);
	return db_exec(db, sql, "make its tables", err);
}

static int version_check(sqlite3 *db, int64_t *ret_version, struct err *err)
{
	int64_t application, version, objects;

	if (read_number(db, "PRAGMA application_id", &application, err) ||
		read_number(db, "PRAGMA user_version", &version, err) ||
		read_number(db, "SELECT count(*) FROM sqlite_schema", &objects, err))
		return -1;
	if (application != APPLICATION_ID && (application || version || objects))
		return err_set(err, ERR_REFUSED,
			"the file journal.sqlite is not an airlock journal: name another directory "
			"with --state DIR");
	if (version > SCHEMA_VERSION)
		return err_set(err, ERR_REFUSED,
			"the journal has version %lld, made by a newer airlock (this one knows "
			"%d): "
			"use that one",
			(long long)version, SCHEMA_VERSION);
	*ret_version = version;
	return 0;
}

/* One snapshot: another process may just be making the tables. */
static int version_look(sqlite3 *db, int64_t *ret_version, struct err *err)
{
	int rc;

	if (db_exec(db, "BEGIN", "read the file", err))
		return -1;
	rc = version_check(db, ret_version, err);
	db_rollback(db);
	return rc;
}

/* Another process may be doing the same: the version is read again inside the transaction. */
static int schema_ensure(sqlite3 *db, struct err *err)
{
	int64_t version;

	if (version_look(db, &version, err))
		return -1;
	if (version == SCHEMA_VERSION)
		return 0;
	if (db_exec(db, "BEGIN IMMEDIATE", "make its tables", err))
		return -1;
	if (version_check(db, &version, err) == 0 &&
		(version == SCHEMA_VERSION || schema_make(db, err) == 0) &&
		db_exec(db, "COMMIT", "make its tables", err) == 0)
		return 0;
	db_rollback(db);
	return -1;
}

static int settings(sqlite3 *db, bool write, struct err *err)
{
	int64_t version;

	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_timeout(db, BUSY_MS);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	if (db_exec(db, "PRAGMA cell_size_check = ON", "read the file", err))
		return -1;
	if (!write) {
		if (version_look(db, &version, err))
			return -1;
		if (version == 0)
			return err_set(err, ERR_USAGE,
				"there is no journal yet: the file is empty (--state DIR names "
				"another)");
		return 0;
	}
	if (version_look(db, &version, err) || set_wal(db, err) ||
		db_exec(db, "PRAGMA synchronous = FULL", "ask for durable commits", err))
		return -1;
	return schema_ensure(db, err);
}

/*
 * A write-ahead log needs a file beside the database even for reading.  Where none can be made, and
 * none is waiting to be read, the file cannot change under us either: read it as it is.
 */
static int open_immutable(const char *path, sqlite3 **ret_db)
{
	BUF_AUTO uri = BUF_INIT;
	BUF_AUTO wal = BUF_INIT;

	buf_printf(&wal, "%s-wal", path);
	if (access(buf_str(&wal), F_OK) == 0)
		return SQLITE_CANTOPEN;
	buf_puts(&uri, "file:");
	for (const char *s = path; *s; s++)
		buf_printf(&uri, strchr("%?#", *s) ? "%%%02x" : "%c", (unsigned char)*s);
	buf_puts(&uri, "?immutable=1");
	return sqlite3_open_v2(buf_str(&uri), ret_db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
}

static bool is_unwritable(int rc)
{
	return (rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_READONLY;
}

static int open_reading(const char *path, sqlite3 **ret_db)
{
	int rc = sqlite3_open_v2(path, ret_db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(*ret_db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
	if (is_unwritable(rc)) {
		sqlite3_close(*ret_db);
		rc = open_immutable(path, ret_db);
	}
	return rc;
}

int db_open(const char *path, bool write, sqlite3 **ret_db, struct err *err)
{
	sqlite3 *db = NULL;
	int rc;

	if (write)
		rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL);
	else
		rc = open_reading(path, &db);
	if (!db)
		return err_set(err, ERR_NOMEM, "journal: out of memory");
	if (rc != SQLITE_OK)
		db_fail(db, "open the file", err);
	else
		rc = settings(db, write, err);
	if (rc) {
		sqlite3_close(db);
		return -1;
	}
	*ret_db = db;
	return 0;
}

void db_close(sqlite3 *db)
{
	int rc = sqlite3_close(db);

	ENSURE(rc == SQLITE_OK); /* a statement was forgotten */
}

int db_id(sqlite3 *db, char ret_id[33], struct err *err)
{
	STMT_AUTO stmt = NULL;
	const char *text;

	if (db_prepare(db, "SELECT value FROM meta WHERE name = 'id'", &stmt, err))
		return -1;
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		text = (const char *)sqlite3_column_text(stmt, 0);
		if (text && strlen(text) == 32) {
			memcpy(ret_id, text, 33);
			return 0;
		}
		break;
	case SQLITE_DONE:
		break;
	default:
		return db_fail(db, "read its id", err);
	}
	return err_set(err, ERR_CORRUPT, "journal: its id is missing or damaged");
}

bool db_schema_is_ours(sqlite3 *db, char *ret_why, size_t why_size)
{
	struct err err = ERR_INIT;
	STMT_AUTO stmt = NULL;
	int objects = 0, rc;

	if (db_prepare(
		    db, "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL", &stmt, &err)) {
		snprintf(ret_why, why_size, "%s", err.msg);
		return false;
	}
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(stmt, 0);
		const char *sql = (const char *)sqlite3_column_text(stmt, 1);
		size_t i = 0;

		while (i < ARRAY_LEN(schema) && sql && strcmp(sql, schema[i]))
			i++;
		if (!sql || i == ARRAY_LEN(schema)) {
			snprintf(ret_why, why_size, "the file's schema was changed: '%.60s'",
				name ? name : "");
			return false;
		}
		objects++;
	}
	if (rc == SQLITE_DONE && objects == ARRAY_LEN(schema))
		return true;
	snprintf(ret_why, why_size, "the file's schema is damaged");
	return false;
}
