/*
 * record.h - the journal's rows in memory, and the verdict on their chain.
 *
 * Rows, their texts and their details live until record_fini.  Times are wall clock in milliseconds
 * since 1970, UTC, as the writer's host had them.
 */
#ifndef AIRLOCK_REPORT_RECORD_H
#define AIRLOCK_REPORT_RECORD_H

#include <jansson.h>

#include "base/arena.h"
#include "journal/journal.h"

struct record_row {
	int64_t seq, at_ms;
	const char *at, *who, *run, *store, *kind, *key, *text, *hash; /* never NULL */
	int wave;
	int64_t attempt;
	json_t *detail; /* an object; NULL when the row's is none */
};

struct record {
	struct record_row *rows;
	size_t count, room;
	struct journal_report chain;
};

#define RECORD_AUTO __attribute__((cleanup(record_fini))) struct record

/* Everything is allocated in `arena`, but for the details. */
int record_read(struct journal *journal, struct arena *arena, struct record *ret_record,
	struct err *err) MUST_CHECK;
/* Appends one row, as record_read does for each; `row` is copied. */
void record_add(struct record *record, struct arena *arena, const struct journal_row *row);
void record_fini(struct record *record);

/* "" and -1 where the detail has no such member of that type. */
const char *row_string(const struct record_row *row, const char *key);
int64_t row_integer(const struct record_row *row, const char *key);

/* Milliseconds of "2026-11-25T01:30:26.123Z" (the fraction may be missing); -1 when it is none. */
int64_t stamp_ms(const char *stamp);
#define STAMP_BYTES 32
/* "2026-11-25 01:30:26.123" */
void stamp_text(int64_t ms, char ret[STAMP_BYTES]);

#endif
