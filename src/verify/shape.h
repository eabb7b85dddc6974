/*
 * shape.h - what of a table is compared: its columns as expressions, its key, its order.
 *
 * Both sides are asked with the same text of SQL, so that equal rows have equal hashes.  A column
 * whose equality is its identity is used as it is; every other one as the bytes of its send
 * function (numeric keeps its scale, float its -0 and NaN), and what has none that is the same on
 * two servers (enums and arrays carry object ids) as text under pinned formats.
 */
#ifndef AIRLOCK_VERIFY_SHAPE_H
#define AIRLOCK_VERIFY_SHAPE_H

#include <stdbool.h>

#include "base/buf.h"
#include "store/postgres/driver.h"

#define SHAPE_KEY_MAX 32

enum method { METHOD_SERVER, METHOD_BYTES };
const char *method_name(enum method method); /* "server" */

struct shape_key {
	char *ident; /* quoted */
	char *type;  /* what a literal of it is cast to */
	char *order; /* the expression that is ordered and compared, over alias t */
};

/* Owned: shape_fini. */
struct shape {
	char *name; /* public.orders */
	char *sql;  /* quoted */
	struct shape_key key[SHAPE_KEY_MAX];
	size_t keys;	   /* 0 = no key on both sides: a multiset */
	bool sorted;	   /* no index has the order: COLLATE "C", or a type without a common one */
	char *hash;	   /* the row's hash on the server, a bigint */
	char *fields;	   /* the row's columns for COPY, each as bytes that are the same on both */
	char *row_text;	   /* the row for a person */
	int64_t rows, pages; /* estimates of the source's catalogue, never below 0 */
};

/* `sql_name` is schema.table, quoted.  ERR_REFUSED when the sides do not have the same columns. */
int shape_read(struct pg *const side[SIDE_COUNT], enum side src, const char *sql_name,
	const char *name, int64_t deadline_ms, struct shape *ret, struct err *err) MUST_CHECK;
void shape_fini(struct shape *shape);

/*
 * Pure: appends the expression of a column for comparison.  `base` is the name of its pg_catalog
 * type with domains resolved, NULL for every other type; `plain` is false when its collation is
 * nondeterministic or the sides' types differ.
 */
void shape_expression(struct buf *out, const char *ident, const char *base, bool plain);
/* Pure: has this type one order on every server, given the collation? */
bool shape_orders(const char *base);

/* METHOD_SERVER when both servers give constants of every kind the same hash. */
int shape_method(struct pg *const side[SIDE_COUNT], int64_t deadline_ms, enum method *ret,
	struct err *err) MUST_CHECK;

#endif
