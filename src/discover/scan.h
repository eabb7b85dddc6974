/*
 * scan.h - what a text (a configuration, a script, a crontab, a runbook) says of connections.
 *
 * Found are whole connection strings (dsn.h); connections whose parts stand on lines of their own,
 * in any framework's spelling (PG* and DB_* environment, YAML, properties, Django, Laravel, ini
 * files such as odbc.ini and pg_service.conf, .pgpass by its name); host names that are asked for;
 * and lifetimes of tokens.  A line in a comment is said to be one.  Pure; any bytes may come in;
 * nothing that is handed out holds a secret.
 */
#ifndef AIRLOCK_DISCOVER_SCAN_H
#define AIRLOCK_DISCOVER_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "dsn/dsn.h"

#define SCAN_LINE_MAX 16384 /* longer lines are looked at in pieces */

enum scan_kind { SCAN_DSN, SCAN_NAME, SCAN_LIFETIME };

struct scan_hit {
	enum scan_kind kind;
	int line;	       /* from 1 */
	bool comment;	       /* stands in a comment */
	bool parts;	       /* put together from several settings */
	const struct dsn *dsn; /* SCAN_DSN */
	const char *name;      /* SCAN_NAME: the host; SCAN_LIFETIME: the key */
	const char *value;     /* SCAN_LIFETIME: a number with its unit */
};

struct scan {
	const char *file;	  /* its name decides about .pgpass; "" = none */
	const char *const *names; /* hosts to look for */
	size_t names_count;
	const struct dsn *env; /* what PG* settings from elsewhere say; NULL = nothing */
	void (*hit)(void *arg, const struct scan_hit *hit); /* all borrowed for the call */
	void *arg;
};

/* What the PG* settings of a text, one per line, say together. */
void scan_environment(const char *text, size_t len, struct dsn *ret);
void scan_text(const struct scan *scan, const char *text, size_t len);

#endif
