#include "scratch.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void scratch_make(struct scratch *s)
{
	snprintf(s->dir, sizeof s->dir, "/tmp/airlock-journal-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->state, sizeof s->state, "%s/state", s->dir);
	snprintf(s->file, sizeof s->file, "%s/journal.sqlite", s->state);
	snprintf(s->head, sizeof s->head, "%s/head", s->state);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void scratch_remove(struct scratch *s)
{
	assert_int_equal(nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

struct journal *scratch_open(const struct scratch *s, enum journal_mode mode)
{
	struct err err = ERR_INIT;
	struct journal *j = NULL;

	if (journal_open(s->state, mode, "airlock test", &j, &err))
		fail_msg("%s", err.msg);
	return j;
}

void scratch_append(struct journal *j, const char *text)
{
	const struct journal_entry entry = {.run = "r1",
		.wave = 2,
		.attempt = 7,
		.store = "orders",
		.kind = "test",
		.text = text,
		.detail = "{\"n\":1}"};
	struct err err = ERR_INIT;

	if (journal_append(j, &entry, &err))
		fail_msg("%s", err.msg);
}

void scratch_fill(const struct scratch *s, int rows)
{
	struct journal *j = scratch_open(s, JOURNAL_WRITE);
	char text[32];

	for (int i = 1; i <= rows; i++) {
		snprintf(text, sizeof text, "row %d", i);
		scratch_append(j, text);
	}
	journal_close(j);
}

void scratch_sql(const struct scratch *s, const char *sql)
{
	sqlite3 *db;
	char *why = NULL;

	assert_int_equal(sqlite3_open(s->file, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

struct journal_report scratch_verify(const struct scratch *s, const char *expect)
{
	struct journal *j = scratch_open(s, JOURNAL_READ);
	struct journal_report report;
	struct err err = ERR_INIT;

	if (journal_verify(j, expect, &report, &err))
		fail_msg("%s", err.msg);
	journal_close(j);
	return report;
}
