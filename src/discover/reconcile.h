/*
 * reconcile.h - what the server counted, held against who was seen: somebody unseen who wrote;
 * statements by role out of pg_stat_statements; poolers, behind which nobody can be seen; sessions
 * that change their name.
 */
#ifndef AIRLOCK_DISCOVER_RECONCILE_H
#define AIRLOCK_DISCOVER_RECONCILE_H

#include "discover/finding.h"
#include "discover/writers.h"

/* How often each role had executed each statement; owned. */
struct statements {
	struct statement *rows;
	size_t count;
	char schema[64]; /* of the extension; "" = it is not installed in this database */
};

#define STATEMENTS_AUTO __attribute__((cleanup(statements_fini))) struct statements
void statements_fini(struct statements *s);

/* Before a watch. */
int statements_begin(struct store_pg *store, enum side side, int64_t deadline_ms,
	struct statements *ret, struct err *err) MUST_CHECK;
/*
 * After it: for each role the writing statements that were executed meanwhile (seen), or before
 * (mentioned).  True in *ret_told when some role was told of.
 */
int statements_tell(struct store_pg *store, enum side side, int64_t deadline_ms,
	const struct statements *begun, const struct writers *w, struct findings *f, bool *ret_told,
	struct err *err) MUST_CHECK;

/* After the watch and the statements; `told` is what statements_tell said. */
void reconcile(const struct plan *plan, size_t store, enum side side, const struct writers *w,
	bool told, struct findings *f);

#endif
