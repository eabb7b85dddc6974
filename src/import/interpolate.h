/*
 * interpolate.h - ${VAR} in compose files (compose specification, "Interpolation"), and the .env
 * files that the variables come from.
 *
 * Understood: $VAR, ${VAR}, ${VAR:-x}, ${VAR-x}, ${VAR:?x}, ${VAR?x}, ${VAR:+x}, ${VAR+x}, nested
 * in the x, and $$ for one $.  What is no such thing stays as it is written.  Pure: variables come
 * from the map alone, never from the environment of this process.
 */
#ifndef AIRLOCK_IMPORT_INTERPOLATE_H
#define AIRLOCK_IMPORT_INTERPOLATE_H

#include <stdbool.h>

#include "base/buf.h"
#include "import/notes.h"

#define INTERPOLATE_DEPTH_MAX 32
#define INTERPOLATE_NAMED_MAX 12 /* variables without value in one note */
/* What one text and all texts together may become. */
#define INTERPOLATE_BYTES_MAX (1u << 16)
#define INTERPOLATE_TOTAL_MAX (1u << 25)

struct interpolation {
	const struct node *variables; /* a map of texts; NULL = none */
	struct notes *notes;
	size_t total; /* bytes made so far */
	/* A map, made when needed: variables without value; with a node: told already. */
	struct node *told;
};

/*
 * The text with its variables replaced, in the arena of the notes.  *ret_blank: a variable without
 * value and default is in it (interpolate_tell notes it), or it could not be replaced at all.
 */
const char *interpolate(
	struct interpolation *ip, const char *text, struct place at, bool *ret_blank);

/* One note for all variables without value and default: a file that wants its .env has dozens. */
void interpolate_tell(struct interpolation *ip);

/*
 * Reads `KEY=value` lines as compose and its dotenv do into `variables`: comments, `export`, quotes
 * of both kinds (over several lines too), escapes, `KEY` alone, variables set before.  A key that
 * is there already gets the new value.  What is no such line is noted.
 */
void dotenv_read(struct interpolation *ip, const char *file, const char *text, size_t len,
	struct node *variables);

#endif
