/*
 * reader.h - files and their YAML as trees, within limits, so that any input ends within seconds.
 *
 * plan/yaml_tree reads the syntax (depth, number of values and aliases are bounded there); here a
 * stream becomes its documents, merge keys (`<<`, YAML 1.1) are carried out, compose's tags are
 * kept, and variables are replaced where asked for.  A document that cannot be read is noted with
 * its place and the others are still read: `---` at the beginning of a line can stand inside of
 * nothing.
 *
 * Only regular files are read: a path in a hostile file may name a device that never ends.
 */
#ifndef AIRLOCK_IMPORT_READER_H
#define AIRLOCK_IMPORT_READER_H

#include "base/err.h"
#include "import/interpolate.h"

#define READER_FILES_MAX 1000
#define READER_FILE_BYTES_MAX (32u << 20)
#define READER_TOTAL_BYTES_MAX (64u << 20)
#define READER_NODES_MAX 1000000

struct reader {
	struct arena *arena; /* borrowed; all that is returned is in it */
	struct notes *notes;
	size_t files, bytes, nodes; /* read so far */
};

/* The file's bytes, NUL behind them.  ERR_USAGE when it is not there or no regular file. */
int reader_file(struct reader *r, const char *path, const char **ret_text, size_t *ret_len,
	struct err *err) MUST_CHECK;
/* Its documents that are not empty, a list; `ip` may be NULL. */
struct node *reader_yaml(
	struct reader *r, const char *path, const char *text, size_t len, struct interpolation *ip);
/* `name` as seen from the directory of the file `from`, or from the directory `dir`. */
const char *reader_beside(struct arena *arena, const char *from, const char *name);
const char *reader_in(struct arena *arena, const char *dir, const char *name);
/* The directory of a path, "." when it has none. */
const char *reader_dir(struct arena *arena, const char *path);

#endif
