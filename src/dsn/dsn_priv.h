/*
 * dsn_priv.h - what the finders of the forms share.  Each looks for its form at or after `from` and
 * gives the first; dsn_next takes the one that begins first.
 */
#ifndef AIRLOCK_DSN_DSN_PRIV_H
#define AIRLOCK_DSN_DSN_PRIV_H

#include "dsn/dsn.h"

struct slice {
	const char *at;
	size_t len;
};

bool dsn_url_next(struct slice text, size_t from, struct dsn *ret);
bool dsn_pairs_next(struct slice text, size_t from, struct dsn *ret);
bool dsn_command_next(struct slice text, size_t from, struct dsn *ret);

/* Lower-case comparison with a string of lower case; ASCII only. */
bool slice_is(struct slice s, const char *lower);
bool slice_holds(struct slice s, const char *lower);

#endif
