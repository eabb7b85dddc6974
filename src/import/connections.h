/*
 * connections.h - what a workload is told about others: connection strings, and hosts, ports,
 * databases and users in variables of their own.  The one place that looks at values.
 *
 * Uses dsn/ for every form of connection string.  Nothing of a password is kept.
 */
#ifndef AIRLOCK_IMPORT_CONNECTIONS_H
#define AIRLOCK_IMPORT_CONNECTIONS_H

#include "import/model.h"

/* Of one workload. */
#define CONNECTIONS_MAX 200

struct connection {
	const char *engine; /* as in images.def; NULL = not known: whatever answers there */
	bool engine_guessed;
	const char *host;     /* or NULL */
	unsigned port;	      /* 0 = not said */
	const char *database; /* or NULL, likewise below */
	const char *user;
	bool blank;	 /* a variable in it had no value */
	bool set;	 /* by a configuration file, not by the environment */
	bool reads;	 /* the name of variable, host or user says that it only reads */
	const char *key; /* the variable that told it */
	struct place at;
};

struct connections {
	struct connection *rows;
	size_t count, cap;
};

/* `is_host`: is this word a name under which some part is reached? */
struct connections_asked {
	struct arena *arena;
	bool (*is_host)(const void *world, const struct part *part, const char *word);
	const void *world;
};

void connections_find(
	const struct connections_asked *asked, const struct part *part, struct connections *ret);

/* "API_UPSTREAM", "kafka.brokers": the value of such a key is a host, or a list of them. */
bool connections_names_host(const char *key);
/* "replica", "readonly", "-ro": a word of the name says that nothing is written there. */
bool connections_says_reads(const char *name);

#endif
