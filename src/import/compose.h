/*
 * compose.h - docker-compose files (compose specification) into the model.
 *
 * Services of profiles that were not asked for are left out and told, as compose does it; "*" is
 * all profiles.  COMPOSE_PROFILES in .env counts.
 */
#ifndef AIRLOCK_IMPORT_COMPOSE_H
#define AIRLOCK_IMPORT_COMPOSE_H

#include "import/compose_files.h"
#include "import/model.h"

/* `profiles`: separated by commas, or NULL. */
int compose_import(const struct compose_files *files, const char *profiles, struct model *model,
	struct err *err) MUST_CHECK;

#endif
