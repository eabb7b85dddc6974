/*
 * classify.h - does a statement write?  By PostgreSQL's own grammar (libpg_query, that of 15).
 *
 * What cannot be parsed (a newer grammar, a text that the server cut off, more than
 * CLASSIFY_BYTES_MAX) MAY WRITE: it is never called a reader.  The limit comes before the parser,
 * which a deeply nested statement can make overflow its stack; it runs on a thread with a big one.
 *
 * Temporary tables, locks, settings, maintenance (VACUUM, ANALYZE) count as reading.
 */
#ifndef AIRLOCK_DISCOVER_CLASSIFY_H
#define AIRLOCK_DISCOVER_CLASSIFY_H

#include <stdbool.h>
#include <stddef.h>

#define CLASSIFY_BYTES_MAX 32768
#define CLASSIFY_CALLS_MAX 16
#define CLASSIFY_NAME_BYTES 64

enum sql_class { SQL_READS, SQL_WRITES, SQL_MAY_WRITE };

struct sql_verdict {
	enum sql_class cls;
	char verb[32]; /* "INSERT", "CREATE TABLE AS"; of what may write: why */
	/* Functions that it calls, without their schemas; the first ones. */
	char calls[CLASSIFY_CALLS_MAX][CLASSIFY_NAME_BYTES];
	size_t calls_count;
};

/* One or several statements. */
void classify_sql(const char *text, size_t len, struct sql_verdict *ret);
/* A CREATE FUNCTION or PROCEDURE of language plpgsql. */
void classify_plpgsql(const char *definition, size_t len, struct sql_verdict *ret);

const char *sql_class_name(enum sql_class cls); /* "reads", "writes", "may write" */

#endif
