/*
 * functions.h - which functions of a database write, so that a SELECT of one is known for what it
 * is.
 *
 * Functions of language SQL and PL/pgSQL are read by their grammar (classify.h), and what calls one
 * that writes writes too.  Dynamic SQL, other languages and what is not understood may write.
 * Functions of extensions, triggers and those declared STABLE or IMMUTABLE are left out: the server
 * itself refuses a write in the latter.  Names are compared without their schemas and arguments.
 */
#ifndef AIRLOCK_DISCOVER_FUNCTIONS_H
#define AIRLOCK_DISCOVER_FUNCTIONS_H

#include "discover/classify.h"
#include "discover/finding.h"
#include "store/postgres/driver.h"

#define FUNCTIONS_MAX 5000

struct function {
	char schema[64], name[64], oid[16];
	bool definer; /* runs with its owner's rights */
	struct sql_verdict verdict;
};

struct functions {
	struct function *rows; /* owned */
	size_t count;
	bool loaded, cut; /* cut: there were more than FUNCTIONS_MAX */
};

void functions_fini(struct functions *f);
int functions_load(
	struct pg *pg, int64_t deadline_ms, struct functions *f, struct err *err) MUST_CHECK;
/* The first function of the verdict's calls that writes; NULL when none does, as far as is known.
 */
const struct function *functions_called(
	const struct functions *f, const struct sql_verdict *verdict);
/* Tells those that write with their owner's rights and that a role of a reader may execute; that it
 * could not look, too. */
void functions_look(
	struct store_pg *store, enum side side, int64_t deadline_ms, struct findings *findings);

#endif
