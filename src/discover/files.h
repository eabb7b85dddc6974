/*
 * files.h - directories given by the operator, searched for connection strings that lead to the
 * plan's stores, for certificates that end soon and for lifetimes of tokens.
 *
 * Links to directories are not followed; what is not text, bigger than LEAD_FILE_MAX, not to be
 * read, or below .git is counted as skipped.
 */
#ifndef AIRLOCK_DISCOVER_FILES_H
#define AIRLOCK_DISCOVER_FILES_H

#include "discover/finding.h"
#include "discover/target.h"

#define FILES_MAX 200000 /* after so many the search ends, and says so */

/* ERR_USAGE when `path` cannot be opened; what lies below it and cannot is only counted. */
int files_look(const char *path, const struct plan *plan, struct targets *targets,
	struct findings *f, struct err *err) MUST_CHECK;

#endif
