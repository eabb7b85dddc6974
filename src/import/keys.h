/*
 * keys.h - which keys a source may have, and the notes on those that nobody knows.
 *
 * A table is a list of shapes, each the keys of one mapping with the shape of what is under them:
 *
 *     SHAPE(CONTAINER)           opens a shape
 *     READ("image", FREE)        the importer reads it, or something under it
 *     PASS("tty", FREE)          known, and says nothing about a move of applications and stores
 *     READ("*", VOLUME)          every key: a map of names
 *
 * FREE is what is not looked into: values, labels, variables, options of drivers.  A list has the
 * shape of its items.  What stands in no row is a note with its path, so that nobody takes a word
 * that was not understood for one that was.
 *
 * No flood: a path that repeats (items of a list), or a place that is met again (an anchor), is one
 * note with a count; the same key of the same shape is told KEYS_EACH times, the last says how many
 * more there are.
 */
#ifndef AIRLOCK_IMPORT_KEYS_H
#define AIRLOCK_IMPORT_KEYS_H

#include "import/notes.h"

#define KEYS_FREE 0
#define KEYS_EACH 5
#define KEYS_VISITED_MAX 500000 /* keys that are looked at; what lies beyond is told once */

struct key_row {
	const char *name; /* NULL opens `shape` */
	bool read;
	int shape; /* of the value, or KEYS_FREE */
};

struct key_table {
	const struct key_row *rows;
	size_t count;
	const char *own; /* keys that begin so are the users' own; or NULL */
};

struct keys {
	struct notes *notes;
	const struct key_table *table;
	struct node *seen;   /* a map: paths and places -> struct unknown */
	struct node *groups; /* a map: shape and key -> struct group */
	struct unknown *first, **last;
	size_t visited, count;
	struct place cut; /* where it stopped; file NULL = nowhere */
};

/* Both are borrowed; memory comes from the notes' arena. */
void keys_init(struct keys *keys, struct notes *notes, const struct key_table *table);
/* `before`: what the path of a key of `node` begins with: "services.web.".  `node` may be NULL. */
void keys_check(struct keys *keys, int shape, const char *before, const struct node *node);
/* Adds the notes; once, at the end. */
void keys_tell(struct keys *keys);

#endif
