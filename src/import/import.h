/*
 * import.h - what people have (docker-compose, Kubernetes, Terraform) into a plan to start from.
 *
 *   files --reader--> trees --compose | k8s | terraform--> model --derive--> world --write--> plan
 *
 * Reads the files it is given and those that they name, and nothing else: no environment, no
 * network.  It does not give up on what it does not understand; that goes into the notes.  The text
 * it makes is accepted by plan_parse(), or it says in a note why not.
 */
#ifndef AIRLOCK_IMPORT_IMPORT_H
#define AIRLOCK_IMPORT_IMPORT_H

#include "base/err.h"
#include "import/notes.h"
#include "import/write.h"

enum import_from { IMPORT_GUESS, IMPORT_COMPOSE, IMPORT_K8S, IMPORT_TERRAFORM };

struct import_request {
	enum import_from from;
	const char *const *sources; /* files, or directories of manifests */
	size_t sources_count;
	const char *profiles; /* of compose, separated by commas; or NULL */
	const char *env_file; /* of compose, in place of .env; or NULL */
};

struct import_result {
	enum import_from from; /* as guessed */
	struct notes notes;    /* sorted */
	struct written written;
	const char *plan; /* the text, in the arena */
};

/* ERR_USAGE: a source cannot be read, or nothing in it is what it was taken for. */
int import_run(const struct import_request *request, struct arena *arena, struct import_result *ret,
	struct err *err) MUST_CHECK;
const char *import_from_name(enum import_from from); /* "compose" */

#endif
