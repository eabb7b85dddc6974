#include "journal/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "journal/identity.h"
#include "journal/journal_priv.h"
#include "journal/redact.h"
#include "journal/state_dir.h"

static int statements_prepare(struct journal *j, struct err *err)
{
	if (db_prepare(
		    j->db, "SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1", &j->last, err))
		return -1;
	if (j->mode == JOURNAL_READ)
		return 0;
	return db_prepare(j->db,
		"INSERT INTO entry(" ROW_COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", &j->insert,
		err);
}

/* The path goes to SQLite without links in its directories, which it would refuse. */
static int path_make(const char *dir, struct buf *out, struct err *err)
{
	char *real = realpath(dir, NULL);

	if (!real)
		return err_set_errno(err, ERR_IO, "cannot find the state directory %s", dir);
	buf_printf(out, "%s/journal.sqlite", real);
	free(real);
	return 0;
}

static int files_open(struct journal *j, const char *dir, int dir_fd, struct err *err)
{
	bool write = j->mode == JOURNAL_WRITE;
	struct err ignored = ERR_INIT;
	BUF_AUTO path = BUF_INIT;
	int fd, flags = write ? O_RDWR | O_CREAT : O_RDONLY;

	if (state_file_open(dir_fd, dir, "journal.sqlite", flags, &fd, err))
		return -1;
	close(fd); /* it exists and is ours: SQLite opens it by name, in a directory that is ours */
	if (write && state_file_open(dir_fd, dir, "head", flags, &j->head_fd, err))
		return -1;
	if (!write && state_file_open(dir_fd, dir, "head", flags, &j->head_fd, &ignored))
		j->head_fd = -1;
	if (path_make(dir, &path, err))
		return -1;
	return db_open(buf_str(&path), write, &j->db, err);
}

static int journal_fill(struct journal *j, const char *dir, struct err *err)
{
	int dir_fd, rc;

	if (state_dir_open(dir, j->mode == JOURNAL_WRITE, &dir_fd, err))
		return -1;
	rc = files_open(j, dir, dir_fd, err);
	close(dir_fd);
	if (rc || db_id(j->db, j->id, err) || statements_prepare(j, err))
		return -1;
	chain_root(j->id, &j->root);
	return 0;
}

int journal_open(const char *dir, enum journal_mode mode, const char *command,
	struct journal **ret_journal, struct err *err)
{
	struct journal *j = calloc(1, sizeof *j);
	int rc;

	ENSURE(j != NULL);
	REQUIRE(command != NULL);
	j->mode = mode;
	j->head_fd = -1;
	rc = pthread_mutex_init(&j->disk, NULL);
	ENSURE(rc == 0);
	identity_sentence(command, j->who, sizeof j->who);
	if (mode == JOURNAL_WRITE)
		j->behind = behind_new();
	if (journal_fill(j, dir, err)) {
		journal_close(j);
		return -1;
	}
	*ret_journal = j;
	return 0;
}

void journal_close(struct journal *j)
{
	struct err ignored = ERR_INIT;

	if (!j)
		return;
	if (j->insert) {
		int rc = journal_flush(j, &ignored);

		(void)rc; /* the registers hold what these rows would have told */
	}
	sqlite3_finalize(j->last);
	sqlite3_finalize(j->insert);
	db_close(j->db);
	if (j->head_fd >= 0)
		close(j->head_fd);
	behind_free(j->behind);
	pthread_mutex_destroy(&j->disk);
	free(j);
}

void journal_closep(struct journal **j)
{
	journal_close(*j);
	*j = NULL;
}

/* Where the chain ends, read inside the transaction that adds to it: others append too. */
struct tail {
	int64_t seq;
	struct chain_hash hash;
};

static int tail_read(struct journal *j, struct tail *ret_tail, struct err *err)
{
	struct tail tail = {.seq = 0, .hash = j->root};
	int rc = sqlite3_step(j->last);
	bool sane = true;

	if (rc == SQLITE_ROW) {
		const char *hash = (const char *)sqlite3_column_text(j->last, 1);

		tail.seq = sqlite3_column_int64(j->last, 0);
		sane = tail.seq > 0 && hash && chain_unhex(hash, &tail.hash);
	}
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		db_fail(j->db, "read its last row", err);
	sqlite3_reset(j->last);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return -1;
	if (!sane)
		return err_set(err, ERR_CORRUPT,
			"journal: its last row is damaged; `airlock journal verify` says more");
	*ret_tail = tail;
	return 0;
}

static void bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

static int row_insert(struct journal *j, const struct journal_row *row, struct err *err)
{
	const struct journal_entry *e = &row->entry;
	sqlite3_stmt *s = j->insert;
	int rc;

	sqlite3_bind_int64(s, 1, row->seq);
	bind_text(s, 2, row->at);
	bind_text(s, 3, row->who);
	bind_text(s, 4, e->run);
	sqlite3_bind_int64(s, 5, e->wave);
	sqlite3_bind_int64(s, 6, e->attempt);
	bind_text(s, 7, e->store);
	bind_text(s, 8, e->kind);
	bind_text(s, 9, e->key);
	bind_text(s, 10, e->text);
	bind_text(s, 11, e->detail);
	bind_text(s, 12, row->hash);
	rc = sqlite3_step(s);
	if (rc != SQLITE_DONE)
		db_fail(j->db, "append", err);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return rc == SQLITE_DONE ? 0 : -1;
}

/* What goes into a text column: UTF-8, no secrets, not endless.  NULL becomes "". */
static void text_prepare(struct buf *out, const char *text)
{
	BUF_AUTO clean = BUF_INIT;
	size_t keep = JOURNAL_TEXT_MAX;

	if (!text)
		return;
	utf8_clean(&clean, text);
	journal_redact(out, buf_str(&clean));
	if (out->len <= JOURNAL_TEXT_MAX)
		return;
	while (keep > 0 && ((unsigned char)out->data[keep] >> 6) == 2) /* not inside a character */
		keep--;
	out->len = keep;
	out->data[keep] = '\0';
	buf_puts(out, " (cut)");
}

static void detail_prepare(struct buf *out, const char *detail)
{
	json_t *json = json_loads(detail && detail[0] ? detail : "{}", 0, NULL);
	char *text = NULL;

	if (json_is_object(json)) {
		redact_json(json);
		text = json_dumps(json, JSON_COMPACT);
	}
	json_decref(json);
	if (text && strlen(text) <= JOURNAL_TEXT_MAX)
		buf_puts(out, text);
	else
		buf_printf(out, "{\"cut\":true,\"bytes\":%zu}", strlen(detail));
	free(text);
}

/* Appends one row to the open transaction and moves the tail to it. */
static int row_append(struct journal *j, struct tail *tail, const char *at,
	const struct journal_entry *entry, struct err *err)
{
	BUF_AUTO text = BUF_INIT;
	BUF_AUTO detail = BUF_INIT;
	char hex[JOURNAL_HASH_BYTES];
	struct journal_row row = {.seq = tail->seq + 1, .at = at, .who = j->who, .hash = hex};
	struct chain_hash hash;

	text_prepare(&text, entry->text);
	detail_prepare(&detail, entry->detail);
	row.entry = (struct journal_entry){
		.run = entry->run ? entry->run : "",
		.wave = entry->wave,
		.attempt = entry->attempt,
		.store = entry->store ? entry->store : "",
		.kind = entry->kind,
		.key = entry->key ? entry->key : "",
		.text = buf_str(&text),
		.detail = buf_str(&detail),
	};
	chain_next(&tail->hash, &row, &hash);
	chain_hex(&hash, hex);
	if (row_insert(j, &row, err))
		return -1;
	*tail = (struct tail){.seq = row.seq, .hash = hash};
	return 0;
}

static int behind_append(
	struct journal *j, struct tail *tail, size_t count, uint64_t dropped, struct err *err)
{
	char at[CLOCK_STAMP_BYTES], text[96];
	struct journal_row row;

	for (size_t i = 0; i < count; i++) {
		behind_peek(j->behind, i, &row);
		if (row_append(j, tail, row.at, &row.entry, err))
			return -1;
	}
	if (dropped == 0)
		return 0;
	clock_stamp(at);
	snprintf(text, sizeof text, "%llu rows found no room in memory and are not recorded",
		(unsigned long long)dropped);
	return row_append(
		j, tail, at, &(struct journal_entry){.kind = "dropped", .text = text}, err);
}

/* One transaction: what waits behind, then `entry` when it is not NULL. */
static int transaction(struct journal *j, const struct journal_entry *entry, struct err *err)
{
	char at[CLOCK_STAMP_BYTES];
	struct tail tail;
	uint64_t dropped;
	size_t count = behind_count(j->behind, &dropped);

	if (!entry && count == 0 && dropped == 0)
		return 0;
	clock_stamp(at);
	if (db_exec(j->db, "BEGIN IMMEDIATE", "append", err))
		return -1;
	if (tail_read(j, &tail, err) || behind_append(j, &tail, count, dropped, err) ||
		(entry && row_append(j, &tail, at, entry, err)) ||
		db_exec(j->db, "COMMIT", "append", err)) {
		db_rollback(j->db);
		return -1;
	}
	behind_done(j->behind, count, dropped);
	head_write(j->head_fd, j->id, tail.seq, &tail.hash);
	return 0;
}

static int locked_transaction(struct journal *j, const struct journal_entry *entry, struct err *err)
{
	int rc;

	REQUIRE(j->mode == JOURNAL_WRITE);
	pthread_mutex_lock(&j->disk);
	rc = transaction(j, entry, err);
	pthread_mutex_unlock(&j->disk);
	return rc;
}

int journal_append(struct journal *j, const struct journal_entry *entry, struct err *err)
{
	REQUIRE(entry->kind != NULL);
	REQUIRE(entry->kind[0] != '\0');
	return locked_transaction(j, entry, err);
}

int journal_put(struct journal *j, const struct journal_entry *entry, struct err *err)
{
	REQUIRE(entry->key != NULL);
	REQUIRE(entry->key[0] != '\0');
	return journal_append(j, entry, err);
}

void journal_append_behind(struct journal *j, const struct journal_entry *entry)
{
	REQUIRE(j->mode == JOURNAL_WRITE);
	behind_add(j->behind, entry);
}

int journal_flush(struct journal *j, struct err *err)
{
	return locked_transaction(j, NULL, err);
}

size_t journal_behind(struct journal *j)
{
	uint64_t dropped;

	return j->behind ? behind_count(j->behind, &dropped) : 0;
}

/*
 * Random bytes, so that no file system can answer with a hole.  Deleting them leaves free pages in
 * the database, and the checkpoint leaves a log that is long enough: later rows reuse both.
 */
static int room_prove(sqlite3 *db, struct err *err)
{
	static const char doing[] = "make room in";
	char fill[96];

	snprintf(fill, sizeof fill, "INSERT INTO room(filler) VALUES (randomblob(%u))",
		JOURNAL_RESERVE_BYTES);
	if (db_exec(db, "BEGIN IMMEDIATE", doing, err) || db_exec(db, fill, doing, err) ||
		db_exec(db, "COMMIT", doing, err) || db_exec(db, "DELETE FROM room", doing, err)) {
		db_rollback(db);
		return -1;
	}
	/* Another process that reads can keep it from finishing: then the log is longer still. */
	if (sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK)
		return 0;
	return (sqlite3_errcode(db) & 0xff) == SQLITE_BUSY ? 0 : db_fail(db, doing, err);
}

int journal_ready(struct journal *j, struct err *err)
{
	int rc;

	REQUIRE(j->mode == JOURNAL_WRITE);
	pthread_mutex_lock(&j->disk);
	rc = room_prove(j->db, err);
	pthread_mutex_unlock(&j->disk);
	return rc;
}
