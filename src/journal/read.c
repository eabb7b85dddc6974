#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/check.h"
#include "journal/journal_priv.h"

static bool read_text(sqlite3_stmt *stmt, int column, const char **ret)
{
	if (sqlite3_column_type(stmt, column) != SQLITE_TEXT)
		return false;
	*ret = (const char *)sqlite3_column_text(stmt, column);
	return *ret && strlen(*ret) == (size_t)sqlite3_column_bytes(stmt, column);
}

static bool read_number(sqlite3_stmt *stmt, int column, int64_t *ret)
{
	if (sqlite3_column_type(stmt, column) != SQLITE_INTEGER)
		return false;
	*ret = sqlite3_column_int64(stmt, column);
	return true;
}

bool row_read(sqlite3_stmt *stmt, struct journal_row *ret_row)
{
	struct journal_row row = {0};
	struct journal_entry *e = &row.entry;
	int64_t wave;

	if (!read_number(stmt, 0, &row.seq) || !read_text(stmt, 1, &row.at) ||
		!read_text(stmt, 2, &row.who) || !read_text(stmt, 3, &e->run) ||
		!read_number(stmt, 4, &wave) || !read_number(stmt, 5, &e->attempt) ||
		!read_text(stmt, 6, &e->store) || !read_text(stmt, 7, &e->kind) ||
		!read_text(stmt, 8, &e->key) || !read_text(stmt, 9, &e->text) ||
		!read_text(stmt, 10, &e->detail) || !read_text(stmt, 11, &row.hash))
		return false;
	e->wave = (int)wave;
	if (row.seq < 1 || e->wave != wave)
		return false;
	*ret_row = row;
	return true;
}

static void bind_filter(sqlite3_stmt *stmt, int at, const char *text)
{
	if (text)
		sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

static int each_row(
	struct journal *j, sqlite3_stmt *stmt, journal_each_fn *fn, void *arg, struct err *err)
{
	struct journal_row row;
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (!row_read(stmt, &row))
			return err_set(err, ERR_CORRUPT,
				"journal: row %lld is damaged; `airlock journal verify` says more",
				(long long)sqlite3_column_int64(stmt, 0));
		if (!fn(&row, arg))
			return 0;
	}
	return rc == SQLITE_DONE ? 0 : db_fail(j->db, "read its rows", err);
}

int journal_each(struct journal *j, const struct journal_filter *filter, journal_each_fn *fn,
	void *arg, struct err *err)
{
	static const struct journal_filter all;
	const struct journal_filter *f = filter ? filter : &all;
	STMT_AUTO stmt = NULL;
	int rc;

	REQUIRE(f->last >= 0);
	pthread_mutex_lock(&j->disk);
	rc = db_prepare(j->db,
		"SELECT * FROM (SELECT " ROW_COLUMNS " FROM entry"
		" WHERE (?1 IS NULL OR run = ?1) AND (?2 IS NULL OR store = ?2)"
		" AND (?3 IS NULL OR kind = ?3) ORDER BY seq DESC LIMIT ?4) ORDER BY seq",
		&stmt, err);
	if (rc == 0) {
		bind_filter(stmt, 1, f->run);
		bind_filter(stmt, 2, f->store);
		bind_filter(stmt, 3, f->kind);
		sqlite3_bind_int64(stmt, 4, f->last ? f->last : -1);
		rc = each_row(j, stmt, fn, arg, err);
		stmt_finalizep(&stmt);
	}
	pthread_mutex_unlock(&j->disk);
	return rc;
}

void journal_row_json(const struct journal_row *row, struct buf *out)
{
	const struct journal_entry *e = &row->entry;
	json_t *detail = json_loads(e->detail, 0, NULL);
	json_t *doc;
	char *text;

	if (!json_is_object(detail)) {
		json_decref(detail);
		detail = json_object();
	}
	doc = json_pack("{s:s, s:I, s:s, s:s, s:s, s:i, s:I, s:s, s:s, s:s, s:s, s:o, s:s}",
		"schema", "airlock.journal/1", "seq", (json_int_t)row->seq, "at", row->at, "who",
		row->who, "run", e->run, "wave", e->wave, "attempt", (json_int_t)e->attempt,
		"store", e->store, "kind", e->kind, "key", e->key, "text", e->text, "detail",
		detail, "hash", row->hash);
	/* A row that somebody filled with bytes that are no text: its number is all there is. */
	if (!doc)
		doc = json_pack("{s:s, s:I, s:b}", "schema", "airlock.journal/1", "seq",
			(json_int_t)row->seq, "damaged", 1);
	text = json_dumps(doc, JSON_COMPACT | JSON_ENSURE_ASCII);
	ENSURE(text != NULL);
	buf_puts(out, text);
	buf_putc(out, '\n');
	free(text);
	json_decref(doc);
}

/* The hash of the row before `seq`, as it stands there. */
static int hash_before(struct journal *j, int64_t seq, struct chain_hash *ret, struct err *err)
{
	STMT_AUTO stmt = NULL;
	const char *hex = NULL;

	if (seq == 1) {
		*ret = j->root;
		return 0;
	}
	if (db_prepare(j->db, "SELECT hash FROM entry WHERE seq = ?", &stmt, err))
		return -1;
	sqlite3_bind_int64(stmt, 1, seq - 1);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		hex = (const char *)sqlite3_column_text(stmt, 0);
	if (!hex || !chain_unhex(hex, ret))
		return err_set(err, ERR_CORRUPT, "journal: row %lld is missing or damaged",
			(long long)seq - 1);
	return 0;
}

static int row_check(struct journal *j, const struct journal_row *row, struct err *err)
{
	struct chain_hash before, hash;
	char hex[JOURNAL_HASH_BYTES];

	if (hash_before(j, row->seq, &before, err))
		return -1;
	chain_next(&before, row, &hash);
	chain_hex(&hash, hex);
	if (strcmp(hex, row->hash))
		return err_set(err, ERR_CORRUPT,
			"journal: row %lld was changed; `airlock journal verify` says more",
			(long long)row->seq);
	return 0;
}

static int fact_read(struct journal *j, const char *kind, const char *key, bool *ret_found,
	struct journal_fact *ret_fact, struct err *err)
{
	STMT_AUTO stmt = NULL;
	struct journal_row row;
	int rc;

	if (db_prepare(j->db,
		    "SELECT " ROW_COLUMNS " FROM entry WHERE kind = ? AND key = ? AND key <> ''"
		    " ORDER BY seq DESC LIMIT 1",
		    &stmt, err))
		return -1;
	sqlite3_bind_text(stmt, 1, kind, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, key, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_DONE) {
		*ret_found = false;
		return 0;
	}
	if (rc != SQLITE_ROW)
		return db_fail(j->db, "look up a row", err);
	if (!row_read(stmt, &row))
		return err_set(
			err, ERR_CORRUPT, "journal: the row of %s '%s' is damaged", kind, key);
	if (row_check(j, &row, err))
		return -1;
	*ret_found = true;
	ret_fact->seq = row.seq;
	snprintf(ret_fact->at, sizeof ret_fact->at, "%s", row.at);
	snprintf(ret_fact->who, sizeof ret_fact->who, "%s", row.who);
	ret_fact->detail = strdup(row.entry.detail);
	ENSURE(ret_fact->detail != NULL);
	return 0;
}

int journal_get(struct journal *j, const char *kind, const char *key, bool *ret_found,
	struct journal_fact *ret_fact, struct err *err)
{
	int rc;

	REQUIRE(key[0] != '\0');
	pthread_mutex_lock(&j->disk);
	rc = fact_read(j, kind, key, ret_found, ret_fact, err);
	pthread_mutex_unlock(&j->disk);
	return rc;
}

void journal_fact_fini(struct journal_fact *fact)
{
	free(fact->detail);
	fact->detail = NULL;
}
