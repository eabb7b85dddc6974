/*
 * mounted.h - files of the project that compose mounts into a container or gives it as a config:
 * settings, crontabs, and what a server is told to set up.
 *
 * Read is only what lies in the directory of the compose files, by its real path, and looks like
 * configuration: no keys, no lists of passwords, no sources, no large files.  Never what is a
 * secret of compose.
 */
#ifndef AIRLOCK_IMPORT_MOUNTED_H
#define AIRLOCK_IMPORT_MOUNTED_H

#include "import/model.h"
#include "import/reader.h"

#define MOUNTED_FILES_MAX 300 /* of all services */
#define MOUNTED_PER_MOUNT_MAX 40
#define MOUNTED_DEPTH_MAX 2 /* of directories in a mounted directory */

struct mounted {
	struct model *model;
	struct reader *reader;
	const char *project; /* the directory that bounds what is read */
	struct node *texts;  /* a map: path -> its text, or NODE_NULL; made when needed */
	size_t files;
};

/* `path`: a file or directory of this machine; `target`: where the container finds it. */
void mounted_read(struct mounted *m, struct part *part, const char *path, const char *target,
	struct place at);
/* The same for a text that stands in a source itself; `first` is its first line. */
void mounted_text(struct model *model, struct part *part, const char *name, const char *target,
	const char *text, struct place first);

#endif
