/*
 * look.h - one question to one side.  Every question is one statement and so one short transaction:
 * nothing holds a snapshot from one chunk to the next.
 *
 * A key is the texts of its columns, each with a NUL behind it; a bound without bytes is open.
 * Ranges are (lo, hi].  A lost connection is ERR_UNREACHABLE, a side that does not answer
 * ERR_TIMEOUT.
 */
#ifndef AIRLOCK_VERIFY_LOOK_H
#define AIRLOCK_VERIFY_LOOK_H

#include "verify/shape.h"

struct bound {
	char *bytes; /* owned; NULL = open */
	size_t len;
};

struct bound bound_copy(const char *bytes, size_t len);
void bound_fini(struct bound *bound);

/* Rows and what they add up to: xor for rows with keys (all distinct), sum for multisets (equal
 * rows would cancel). */
struct sum {
	int64_t rows;
	uint64_t hash[2]; /* the server's has one word */
};

static inline bool sum_equal(const struct sum *a, const struct sum *b)
{
	return a->rows == b->rows && a->hash[0] == b->hash[0] && a->hash[1] == b->hash[1];
}

struct seen {
	size_t key_at, key_len; /* in the listing's keys */
	uint64_t hash[2];	/* of a multiset: how many rows are like this */
	uint64_t version;	/* another one for every rewrite; 0 for multisets */
};

/* By key, ascending by bytes.  Owned: listing_fini. */
struct listing {
	struct buf keys;
	struct seen *seen;
	size_t count, cap;
};

void listing_fini(struct listing *listing);
const char *listing_key(const struct listing *listing, const struct seen *seen);
/* NULL when it is not there. */
const struct seen *listing_find(const struct listing *listing, const char *key, size_t len);
void listing_add(struct listing *listing, const char *key, size_t len, const uint64_t hash[2],
	uint64_t version);
void listing_sort(struct listing *listing);

/* Pure: conditions over alias t. */
void where_range(struct buf *out, const struct shape *shape, const struct bound *lo,
	const struct bound *hi);
void where_key(struct buf *out, const struct shape *shape, const char *key);

/* The key of the rows-th row of the range, or an open bound when there are fewer. */
int look_boundary(struct pg *pg, const struct shape *shape, const struct bound *lo,
	const struct bound *hi, int64_t rows, int64_t deadline_ms, struct bound *ret,
	struct err *err) MUST_CHECK;
/* Some keys that cut the table into pieces, ascending; at most `want`. */
int look_cuts(struct pg *pg, const struct shape *shape, size_t want, int64_t deadline_ms,
	struct bound *ret_cuts, size_t *ret_count, struct err *err) MUST_CHECK;
int look_sum(struct pg *pg, const struct shape *shape, enum method method, const struct bound *lo,
	const struct bound *hi, int64_t deadline_ms, struct sum *ret, struct err *err) MUST_CHECK;
int look_list(struct pg *pg, const struct shape *shape, enum method method, const char *where,
	int64_t deadline_ms, struct listing *ret, struct err *err) MUST_CHECK;

#define BUCKETS 1024
/* A multiset's rows by a part of their hash. */
int look_buckets(struct pg *pg, const struct shape *shape, enum method method, int64_t deadline_ms,
	struct sum ret[BUCKETS], struct err *err) MUST_CHECK;
int look_members(struct pg *pg, const struct shape *shape, enum method method,
	const bool wanted[BUCKETS], int64_t deadline_ms, struct listing *ret,
	struct err *err) MUST_CHECK;

#endif
