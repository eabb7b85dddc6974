/*
 * conninfo.h - reads a libpq connection string without libpq: `key=value ...` or a URI.
 *
 * It accepts what libpq 13 to 17 accepts and refuses more: what a plan must not leave to the
 * environment (host, dbname) has to be written, or be left to a service file by name.  Passwords
 * are found before (secret.h) and only skipped here.
 */
#ifndef AIRLOCK_PLAN_CONNINFO_H
#define AIRLOCK_PLAN_CONNINFO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct conninfo_setting {
	const char *key, *value; /* decoded */
};

struct conninfo {
	struct conninfo_setting *settings; /* sorted by key, each key once */
	size_t count;
};

/* Where in the text it went wrong, in bytes, and what; the message never quotes a value. */
struct conninfo_error {
	size_t start, len;
	const char *message; /* in the arena */
	const char *help;    /* or NULL */
};

/* False with *ret_error set when the text is not a usable connection string. */
bool conninfo_parse(const char *text, struct arena *arena, struct conninfo *ret,
	struct conninfo_error *ret_error);
/* The value, or NULL; an empty one counts as absent, as in libpq. */
const char *conninfo_get(const struct conninfo *c, const char *key);
/* One form for all spellings: key='value' sorted by key. */
const char *conninfo_canonical(const struct conninfo *c, struct arena *arena);
/* Do both surely lead to the same database of the same server? */
bool conninfo_same(const struct conninfo *a, const struct conninfo *b);

#endif
