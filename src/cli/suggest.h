/*
 * suggest.h - did you mean: the candidate that is closest to what was typed.
 */
#ifndef AIRLOCK_CLI_SUGGEST_H
#define AIRLOCK_CLI_SUGGEST_H

#include <stddef.h>

struct suggest {
	const char *typed;
	const char *best; /* NULL: nothing is close enough */
	size_t distance;
};

/* Borrows typed. */
void suggest_init(struct suggest *s, const char *typed);
/* Borrows candidate.  Edits count: insert, delete, replace, swap of neighbours. */
void suggest_offer(struct suggest *s, const char *candidate);

#endif
