/*
 * journal.h - the record of what was done, by whom and when: rows in SQLite, each carrying a hash
 * over itself and its predecessor.
 *
 * It informs people and never decides: where a store stands is in that store's register, and a
 * lost, old or broken journal loses history and no data (law 4).
 *
 * Place.  The state directory holds journal.sqlite, the newest row's number and hash in `head`, and
 * `lock`.  The directory is 0700 and the files 0600; a symbolic link, another owner, a network file
 * system or a version from the future is refused (ERR_REFUSED).
 *
 * Durability.  WAL with synchronous=FULL: when journal_append returns 0 the row survives a power
 * failure.  Several processes may append; SQLite lines them up.
 *
 * What the chain shows.  journal_verify recomputes every hash and names the first row that was
 * changed, removed or inserted.  `head` is written after each commit, without fsync, so it is never
 * ahead of the rows: rows missing at the end that `head` knows were cut off.  What it cannot show:
 * rows cut off that `head` did not know yet (at most what a crash kept from it), and anything done
 * by someone who rewrites rows, hashes and `head` alike; there is no key.  For that, keep a hash
 * elsewhere and give it to journal_verify.
 *
 * Secrets.  Every text and every string in `detail` passes journal_redact on its way in.
 *
 * Errors.  ERR_IO (disk full, read-only, input/output), ERR_CORRUPT (not what we wrote),
 * ERR_BLOCKED (another process held the file for 5 s), ERR_REFUSED (as above).  None aborts.
 *
 * Threads.  journal_append, _append_behind, _flush, _ready, _put and _get may be called from any
 * thread; journal_append_behind never waits for the disk.  Open and close are the owner's.
 */
#ifndef AIRLOCK_JOURNAL_JOURNAL_H
#define AIRLOCK_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

struct journal;

enum journal_mode {
	JOURNAL_READ, /* must exist (ERR_USAGE when not); nothing is written */
	JOURNAL_WRITE /* directory and file are made when missing */
};

#define JOURNAL_HASH_BYTES 65		   /* 64 hex digits and NUL */
#define JOURNAL_RESERVE_BYTES (256u << 10) /* what journal_ready proves room for */
#define JOURNAL_BEHIND_MAX 128		   /* rows that can wait in memory */
#define JOURNAL_TEXT_MAX 65536		   /* longer texts and details are cut, and say so */

/* NULL and 0 mean "none".  All borrowed for the call. */
struct journal_entry {
	const char *run;
	int wave;
	int64_t attempt;
	const char *store;
	const char *kind;   /* required: "intent", "observed", "approval" ... */
	const char *key;    /* what journal_get finds it by; only for journal_put */
	const char *text;   /* one sentence for people */
	const char *detail; /* one JSON object as text; NULL means {} */
};

/* A row as it stands.  Strings are never NULL and live until the callback returns. */
struct journal_row {
	int64_t seq;	 /* from 1, without gaps */
	const char *at;	 /* UTC, "2026-11-25T01:30:26.123Z" */
	const char *who; /* "alice@ops1 pid 4711: airlock run" */
	struct journal_entry entry;
	const char *hash;
};

/* Who holds the lock, as far as could be read; "" and 0 where not. */
struct journal_holder {
	pid_t pid;
	char user[64];
	char host[64];
	char since[32];
	char command[64];
};

/* `command` is what the rows say about who wrote them: "airlock run", never its arguments. */
int journal_open(const char *dir, enum journal_mode mode, const char *command,
	struct journal **ret_journal, struct err *err) MUST_CHECK;
/* Tries to flush what is behind.  Accepts NULL. */
void journal_close(struct journal *j);
void journal_closep(struct journal **j);
#define JOURNAL_AUTO __attribute__((cleanup(journal_closep))) struct journal *

/* Durable on return; what waits behind is written first, in the same transaction. */
int journal_append(
	struct journal *j, const struct journal_entry *entry, struct err *err) MUST_CHECK;

/*
 * For the window: takes a copy into memory that was made ready at open, stamped now, without a
 * system call for memory or disk, and never fails.  Texts are cut to what a slot holds, 240 bytes
 * of text and 960 of detail.  When the ring is full the row is dropped and the next flush records
 * how many were.
 */
void journal_append_behind(struct journal *j, const struct journal_entry *entry);
/* Writes what waits.  On failure it keeps waiting: call again, or go on without. */
int journal_flush(struct journal *j, struct err *err) MUST_CHECK;
size_t journal_behind(struct journal *j); /* how many wait */

/*
 * Proves by doing that the journal can be written and that JOURNAL_RESERVE_BYTES of room exist, and
 * leaves that room inside the file for what comes next.  Call before the hold.
 */
int journal_ready(struct journal *j, struct err *err) MUST_CHECK;

struct journal_filter {
	const char *run, *store, *kind; /* NULL = any */
	int64_t last;			/* only the last N that match; 0 = all */
};

/*
 * In order of seq; stops early, and returns 0, when fn returns false.  `filter` may be NULL.  The
 * journal is locked meanwhile: fn must not call into it.
 */
typedef bool journal_each_fn(const struct journal_row *row, void *arg);
int journal_each(struct journal *j, const struct journal_filter *filter, journal_each_fn *fn,
	void *arg, struct err *err) MUST_CHECK;
/* Appends the row as one JSON document (airlock.journal/1) with a newline at the end. */
void journal_row_json(const struct journal_row *row, struct buf *out);

enum journal_head {
	JOURNAL_HEAD_SAME,   /* head and last row agree */
	JOURNAL_HEAD_BEHIND, /* head is an older row: normal after a crash */
	JOURNAL_HEAD_NONE    /* missing or unreadable: a cut tail cannot be noticed */
};

struct journal_report {
	bool sound;
	int64_t rows;	 /* how many from the start are sound */
	int64_t bad_seq; /* the first that is not; 0 when sound */
	char why[240];	 /* what is wrong with it; "" when sound */
	enum journal_head head;
	char hash[JOURNAL_HASH_BYTES]; /* of the last sound row; the chain's root when none */
};

/*
 * 0 when it could be judged, also when the judgement is "not sound".  `expect` is a hash (or at
 * least 8 digits of one) noted earlier that must be in the chain, or NULL.
 */
int journal_verify(struct journal *j, const char *expect, struct journal_report *ret_report,
	struct err *err) MUST_CHECK;
const char *journal_head_text(enum journal_head head);

/*
 * Facts that are looked up: approvals (kind "approval", key = the plan's hash) and waivers (kind
 * "waiver", key = the gate).  A fact is a row of the chain with a key; the newest one of a key
 * holds.
 */
struct journal_fact {
	int64_t seq;
	char at[32];
	char who[256];
	char *detail; /* JSON object, owned; journal_fact_fini */
};

int journal_put(struct journal *j, const struct journal_entry *entry, struct err *err) MUST_CHECK;
/* *ret_found is false, and ret_fact untouched, when there is none.  The row's hash is checked. */
int journal_get(struct journal *j, const char *kind, const char *key, bool *ret_found,
	struct journal_fact *ret_fact, struct err *err) MUST_CHECK;
void journal_fact_fini(struct journal_fact *fact);

/*
 * One controller per state directory: flock on `lock`, released by the kernel when the process
 * ends, however it ends.  Courtesy, not safety.  ERR_BUSY names the holder, also in *ret_holder
 * (which may be NULL).  Needs no journal; makes the directory when missing.
 */
struct journal_lock;
int journal_lock_take(const char *dir, const char *command, struct journal_lock **ret_lock,
	struct journal_holder *ret_holder, struct err *err) MUST_CHECK;
void journal_lock_release(struct journal_lock *lock); /* accepts NULL */

/*
 * Appends `text` with everything in it that is a secret replaced by "***": passwords in conninfo
 * strings and URIs (also percent-encoded or quoted ones), in environment assignments, in SQL, and
 * password verifiers.  Rather too much than too little.
 */
void journal_redact(struct buf *out, const char *text);

#endif
