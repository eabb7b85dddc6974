/*
 * versions.h - versions.def as C.
 */
#ifndef AIRLOCK_STORE_POSTGRES_VERSIONS_H
#define AIRLOCK_STORE_POSTGRES_VERSIONS_H

#include <stdbool.h>

enum version_feature {
#define VERSION(name, since, what, relied) VERSION_##name,
#include "store/postgres/versions.def"
#undef VERSION
	VERSION_COUNT
};

struct version_row {
	const char *name; /* "APPLY_ERRORS" */
	int since;	  /* major version */
	const char *what, *relied;
};

/* server_version as PQserverVersion gives it: 150018. */
bool version_has(int server_version, enum version_feature feature);
const struct version_row *version_get(enum version_feature feature);

#endif
