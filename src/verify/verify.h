/*
 * verify.h - the two sides of a store compared, both live.
 *
 * Tables are those that the active link publishes.  A table with a key is cut into pieces, and each
 * piece is compared chunk by chunk; several threads (lanes) work at once, each with one connection
 * to each side.  What differs is looked at again by judge.h's rule after the link has passed.  A
 * table without a key on both sides is compared as a multiset, in one pass for each look.
 *
 * A cutover meanwhile is no error: the chunk in hand is done again in the other direction, and
 * sequences are judged at the end, by the side that is open then.
 *
 * Where it stands is kept in STATE/verify-STORE.json; a run that was killed, or ended with an
 * error, is gone on with by the next one over the same plan and tables, for a day.
 */
#ifndef AIRLOCK_VERIFY_VERIFY_H
#define AIRLOCK_VERIFY_VERIFY_H

#include <signal.h>

#include "verify/judge.h"
#include "verify/sequences.h"

#define VERIFY_KEYS_MAX 100 /* named for each table; all are counted */
#define VERIFY_PIECES_MAX 16

struct verify_key {
	char *text;	  /* its columns, comma between */
	const char *what; /* "only on old", "only on new", "differs" */
};

struct piece {
	struct bound from, to; /* not compared yet: (from, to] */
	bool busy, done;
};

struct verify_table {
	struct shape shape;
	struct piece piece[VERIFY_PIECES_MAX];
	size_t pieces;
	bool cut; /* its pieces have been chosen */
	int64_t chunk_rows;
	int64_t compared, different;
	int64_t moving; /* rows that changed in every look: not compared, not different */
	struct verify_key keys[VERIFY_KEYS_MAX];
	size_t keys_count;
};

struct verify_progress {
	const char *table; /* the first that is not done, or NULL */
	size_t tables_done, tables;
	int64_t rows, rows_total;   /* the total is the catalogue's estimate */
	int64_t different, left_ms; /* left_ms -1 = not known yet */
};

struct verify_options {
	const char *table; /* schema.name or name; NULL = all */
	unsigned lanes;
	bool bytes; /* METHOD_BYTES whatever the servers say */
	const char *state_dir;
	const volatile sig_atomic_t *stop; /* ends between two chunks with ERR_TIMEOUT */
	void (*progress)(void *arg, const struct verify_progress *progress);
	void *arg;
};

/* Owned: verify_fini. */
struct verify {
	const struct verify_options *options;
	struct store_pg *store;
	enum side src; /* open when it began */
	int64_t began_epoch;
	struct direction end; /* when it ended; valid after verify_run returned 0 */
	bool crossed;	      /* a cutover, or an attempt at one, lies between */
	enum method method;
	struct verify_table *tables;
	size_t tables_count;
	bool resumed;
	struct sequences sequences; /* of all tables' comparison, at its end */
	struct lanes *lanes;	    /* while it runs */
};

/* 0 = everything was compared; see verify_different.  -1 = it could not be, and *ret tells how far
 * it came: ERR_TIMEOUT and ERR_UNREACHABLE leave the answer unknown.  *ret is valid either way. */
int verify_run(struct store_pg *store, const struct verify_options *options, struct verify *ret,
	struct err *err) MUST_CHECK;
int64_t verify_different(const struct verify *verify);
bool verify_table_done(const struct verify_table *table);
void verify_fini(struct verify *verify);

#endif
