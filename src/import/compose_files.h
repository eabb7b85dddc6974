/*
 * compose_files.h - compose files laid over each other into one model: `include`, `extends` in one
 * file and across files, overlays in order, variables from .env.
 *
 * Circles and files that cannot be read are noted, and what remains is read.
 */
#ifndef AIRLOCK_IMPORT_COMPOSE_FILES_H
#define AIRLOCK_IMPORT_COMPOSE_FILES_H

#include "import/keys.h"
#include "import/reader.h"

#define COMPOSE_CHAIN_MAX 32 /* of extends, and of includes */

struct compose_files {
	struct reader *reader;
	const char *const *paths; /* laid over each other in this order */
	size_t paths_count;
	const char *env_file; /* in place of .env beside the first file; NULL = that one */
};

/*
 * *ret_services: name -> service, in one form (compose_merge.h) and without `extends`.
 * *ret_top: the other keys of the top level.  *ret_variables: what .env says.
 * `keys` (of compose_keys.h) is shown what does not come out again: `extends`.
 * Fails only when one of the paths cannot be read.
 */
int compose_files_load(const struct compose_files *files, struct keys *keys,
	struct node **ret_services, struct node **ret_top, struct node **ret_variables,
	struct err *err) MUST_CHECK;

#endif
