/*
 * journal_priv.h - what the files of this directory share.
 */
#ifndef AIRLOCK_JOURNAL_JOURNAL_PRIV_H
#define AIRLOCK_JOURNAL_JOURNAL_PRIV_H

#include <pthread.h>

#include "journal/behind.h"
#include "journal/chain.h"
#include "journal/db.h"
#include "journal/journal.h"

struct journal {
	enum journal_mode mode;
	char who[256];
	char id[33];
	struct chain_hash root; /* what the first row builds on */
	int head_fd;		/* -1 when reading and there is none */
	/* Guards the database handle with its statements; held during disk writes. */
	pthread_mutex_t disk;
	sqlite3 *db;
	sqlite3_stmt *last, *insert;
	struct behind *behind; /* has its own lock, never held during disk writes; NULL: reading */
};

/* The columns that row_read expects, in its order. */
#define ROW_COLUMNS "seq, at, who, run, wave, attempt, store, kind, key, text, detail, hash"

/*
 * Takes the row that stmt stands at; its strings live until the next step.  False when a column is
 * not of its type or a text contains a NUL: we never wrote that.
 */
bool row_read(sqlite3_stmt *stmt, struct journal_row *ret_row);

/* What the head file says. */
struct head {
	char id[33];
	int64_t seq;
	struct chain_hash hash;
};

/* Best effort: a head that stays behind only makes a cut tail harder to notice. */
void head_write(int fd, const char *journal_id, int64_t seq, const struct chain_hash *hash);
bool head_read(int fd, struct head *ret_head);

#endif
