#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "journal/journal_priv.h"

/* One walk along the chain. */
struct walk {
	struct journal *j;
	const char *expect; /* NULL, or a hash that must be met */
	bool expect_met;
	struct head head;
	bool have_head;
	struct chain_hash hash; /* of the last sound row */
	struct journal_report *report;
};

__attribute__((format(printf, 3, 4))) static void unsound(
	struct walk *w, int64_t seq, const char *fmt, ...)
{
	va_list ap;

	w->report->sound = false;
	w->report->bad_seq = seq;
	va_start(ap, fmt);
	vsnprintf(w->report->why, sizeof w->report->why, fmt, ap);
	va_end(ap);
}

static void note_met(struct walk *w, const char *hex)
{
	if (w->expect && !strncmp(hex, w->expect, strlen(w->expect)))
		w->expect_met = true;
}

/* False, with the report filled in, when the row does not follow. */
static bool row_follows(struct walk *w, sqlite3_stmt *stmt)
{
	int64_t want = w->report->rows + 1;
	struct journal_row row;
	struct chain_hash hash;
	char hex[JOURNAL_HASH_BYTES];

	if (!row_read(stmt, &row)) {
		unsound(w, want, "row %lld was changed: a column is not what we write",
			(long long)want);
		return false;
	}
	if (row.seq != want) {
		unsound(w, want, "row %lld was removed: the next one is %lld", (long long)want,
			(long long)row.seq);
		return false;
	}
	chain_next(&w->hash, &row, &hash);
	chain_hex(&hash, hex);
	if (strcmp(hex, row.hash)) {
		unsound(w, want, "row %lld was changed, or put there: its hash does not follow",
			(long long)want);
		return false;
	}
	if (w->have_head && w->head.seq == want && memcmp(&w->head.hash, &hash, sizeof hash)) {
		unsound(w, want, "row %lld is not the one that the head file remembers",
			(long long)want);
		return false;
	}
	w->hash = hash;
	w->report->rows = want;
	note_met(w, hex);
	return true;
}

static void walk_rows(struct walk *w, sqlite3_stmt *stmt)
{
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		if (!row_follows(w, stmt))
			return;
	if (rc != SQLITE_DONE)
		unsound(w, w->report->rows + 1, "row %lld cannot be read: %s",
			(long long)w->report->rows + 1, sqlite3_errmsg(w->j->db));
}

static void check_end(struct walk *w)
{
	struct journal_report *r = w->report;

	if (w->have_head && w->head.seq > r->rows)
		unsound(w, r->rows + 1, "rows %lld to %lld were cut off: the head file knows them",
			(long long)r->rows + 1, (long long)w->head.seq);
	else if (w->expect && !w->expect_met)
		unsound(w, 0, "no row has the hash %s: the chain was rewritten or cut", w->expect);
}

/* What no row's hash covers: an index that hides rows, a table or trigger that was added. */
static void check_file(struct walk *w)
{
	STMT_AUTO stmt = NULL;
	struct err err = ERR_INIT;
	char why[200];
	const char *said = "";

	if (!db_schema_is_ours(w->j->db, why, sizeof why)) {
		unsound(w, 0, "%s", why);
		return;
	}
	if (db_prepare(w->j->db, "PRAGMA integrity_check(1)", &stmt, &err)) {
		unsound(w, 0, "%s", err.msg);
		return;
	}
	if (sqlite3_step(stmt) == SQLITE_ROW)
		said = (const char *)sqlite3_column_text(stmt, 0);
	if (!said || strcmp(said, "ok"))
		unsound(w, 0, "the file is damaged: %.180s", said ? said : "");
}

static enum journal_head head_state(const struct walk *w)
{
	if (!w->have_head)
		return JOURNAL_HEAD_NONE;
	return w->head.seq < w->report->rows ? JOURNAL_HEAD_BEHIND : JOURNAL_HEAD_SAME;
}

static int walk(struct walk *w, struct err *err)
{
	STMT_AUTO stmt = NULL;

	if (db_prepare(w->j->db, "SELECT " ROW_COLUMNS " FROM entry ORDER BY seq", &stmt, err))
		return -1;
	walk_rows(w, stmt);
	if (w->report->sound)
		check_end(w);
	if (w->report->sound)
		check_file(w);
	w->report->head = head_state(w);
	chain_hex(&w->hash, w->report->hash);
	return 0;
}

/* Made from another journal's file: the rows would not follow its root, but say it plainly. */
static void check_same_journal(struct walk *w)
{
	if (w->have_head && strcmp(w->head.id, w->j->id))
		unsound(w, 0, "the head file belongs to another journal: one of both was replaced");
}

int journal_verify(
	struct journal *j, const char *expect, struct journal_report *ret_report, struct err *err)
{
	struct journal_report report = {.sound = true};
	struct walk w = {.j = j, .expect = expect, .hash = j->root, .report = &report};
	int rc;

	pthread_mutex_lock(&j->disk);
	/* Read before the rows: what is appended meanwhile cannot make it look ahead of them. */
	w.have_head = head_read(j->head_fd, &w.head);
	rc = walk(&w, err);
	if (rc == 0 && report.sound)
		check_same_journal(&w);
	pthread_mutex_unlock(&j->disk);
	if (rc == 0)
		*ret_report = report;
	return rc;
}

const char *journal_head_text(enum journal_head head)
{
	switch (head) {
	case JOURNAL_HEAD_SAME:
		return "the head file agrees with the last row";
	case JOURNAL_HEAD_BEHIND:
		return "the head file is older than the last row, as after a crash: rows that it "
		       "did not know yet could have been cut off unnoticed";
	case JOURNAL_HEAD_NONE:
		return "there is no readable head file: rows cut off at the end would go unnoticed";
	}
	REQUIRE(!"a state of the head file");
	return NULL;
}
