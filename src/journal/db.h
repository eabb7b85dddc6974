/*
 * db.h - SQLite with our errors and our settings.
 */
#ifndef AIRLOCK_JOURNAL_DB_H
#define AIRLOCK_JOURNAL_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/err.h"

/*
 * Opens path, which must exist, and brings it to our schema when it is empty and `write` is set.
 * ERR_REFUSED: it belongs to another program or a newer version.
 */
int db_open(const char *path, bool write, sqlite3 **ret_db, struct err *err) MUST_CHECK;
void db_close(sqlite3 *db); /* accepts NULL */

/* Sets err from what SQLite said last, and returns -1. */
int db_fail(sqlite3 *db, const char *doing, struct err *err);
int db_exec(sqlite3 *db, const char *sql, const char *doing, struct err *err) MUST_CHECK;
int db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_stmt, struct err *err) MUST_CHECK;
/* Undoes an open transaction, if there is one; keeps quiet about it. */
void db_rollback(sqlite3 *db);

/* The random id that was drawn when the journal was made. */
int db_id(sqlite3 *db, char ret_id[33], struct err *err) MUST_CHECK;
/* False and a reason when the schema is not the one we made (a trigger, another table). */
bool db_schema_is_ours(sqlite3 *db, char *ret_why, size_t why_size);

void stmt_finalizep(sqlite3_stmt **stmt);
#define STMT_AUTO __attribute__((cleanup(stmt_finalizep))) sqlite3_stmt *

#endif
