/*
 * scratch.h - a directory of a test's own, and a second way into its journal: plain SQLite, as
 * somebody would use it who wants to change the record.
 */
#ifndef AIRLOCK_TESTS_JOURNAL_SCRATCH_H
#define AIRLOCK_TESTS_JOURNAL_SCRATCH_H

#include "../testing.h"

#include <stdint.h>
#include <stdio.h>

#include <sqlite3.h>

#include "base/err.h"
#include "journal/journal.h"

struct scratch {
	char dir[64];	/* exists */
	char state[80]; /* dir/state: does not exist yet */
	char file[100]; /* the journal in it */
	char head[100];
};

void scratch_make(struct scratch *s);
void scratch_remove(struct scratch *s);

/* Fails the test when it cannot. */
struct journal *scratch_open(const struct scratch *s, enum journal_mode mode);
void scratch_append(struct journal *j, const char *text);
/* `rows` rows with texts "row 1"... */
void scratch_fill(const struct scratch *s, int rows);
void scratch_sql(const struct scratch *s, const char *sql);
struct journal_report scratch_verify(const struct scratch *s, const char *expect);

#endif
