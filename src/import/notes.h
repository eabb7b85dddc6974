/*
 * notes.h - what a person has to know about an import: what was not understood, what was assumed,
 * what could not be read, each with its place.
 *
 * No note holds a value out of a source: keys, names, hosts and paths only, and those made safe for
 * a terminal.  The same note at the same place is kept once.  Past NOTES_MAX only the count grows.
 */
#ifndef AIRLOCK_IMPORT_NOTES_H
#define AIRLOCK_IMPORT_NOTES_H

#include <stddef.h>

#include "base/buf.h"
#include "import/tree.h"

#define NOTES_MAX 2000

enum note_kind {
	NOTE_ERROR,    /* a part of a source could not be read at all */
	NOTE_UNKNOWN,  /* not understood and left out */
	NOTE_ASSUMED,  /* understood, but somebody should look at it */
	NOTE_LEFT_OUT, /* understood and deliberately not in the plan */
	NOTE_KINDS,
};

struct note {
	enum note_kind kind;
	struct place at;
	const char *text;
};

struct notes {
	struct arena *arena; /* borrowed */
	struct note *rows;
	size_t count, cap;
	size_t total[NOTE_KINDS]; /* also those that were not kept */
	struct node *seen;	  /* a map: texts with places */
};

void notes_init(struct notes *notes, struct arena *arena);
void notes_add(struct notes *notes, enum note_kind kind, struct place at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* By file, then by line. */
void notes_sort(struct notes *notes);
/* "compose.yaml:41" or "show.json: module.db.aws_db_instance.main"; made visible. */
void place_print(struct place at, struct buf *out);
const char *note_kind_name(enum note_kind kind); /* "not-understood": for JSON */

#endif
