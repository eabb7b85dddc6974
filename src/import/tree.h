/*
 * tree.h - what a source file says, whatever its syntax: a tree in which every key and value knows
 * the file and line that it came from.
 *
 * Made from YAML (reader.h) or JSON (terraform.c), changed while files are laid over each other,
 * read by the importers.  Everything is in one arena; sub-trees may be shared, so a node that came
 * from elsewhere is copied (node_copy, one level) before it is changed.
 */
#ifndef AIRLOCK_IMPORT_TREE_H
#define AIRLOCK_IMPORT_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* Where something stands; `line` 0 where a file has no lines worth telling (JSON). */
struct place {
	const char *file; /* NULL = nowhere */
	int line;
	const char *address; /* within the file instead of a line: a Terraform address; or NULL */
};

enum node_kind { NODE_NULL, NODE_TEXT, NODE_LIST, NODE_MAP };
/* What compose's tags say about an overlay's value. */
enum node_tag { NODE_TAG_NONE, NODE_TAG_RESET, NODE_TAG_OVERRIDE };

struct node;

struct entry {
	const char *key;
	struct place at; /* of the key */
	struct node *value;
};

struct node {
	enum node_kind kind;
	enum node_tag tag;
	bool blank; /* a variable in this text had no value, so the text is incomplete */
	struct place at;
	const char *text;      /* NODE_TEXT */
	void *ref;	       /* what the owner of a map keeps under a key; the tree never looks */
	struct entry *entries; /* NODE_MAP, in file order, each key once */
	struct node **items;   /* NODE_LIST */
	size_t count, cap;
	size_t *index; /* of a large map: hash table of entry number + 1; else NULL */
	size_t index_size;
};

struct node *node_new(struct arena *arena, enum node_kind kind, struct place at);
struct node *node_text(struct arena *arena, const char *text, struct place at);
/* The node itself is new; what is under it is shared. */
struct node *node_copy(struct arena *arena, const struct node *node);

/* The entry of a key, NULL when there is none or `map` is NULL or no map. */
struct entry *node_entry(const struct node *map, const char *key);
struct node *node_get(const struct node *map, const char *key);
/* The value of a key of a key ...; the list of keys ends with NULL. */
const struct node *node_at(const struct node *map, ...) __attribute__((sentinel));
/* The text of a key's value, or NULL when it is absent or no text. */
const char *node_get_text(const struct node *map, const char *key);
/* "true", "yes", "on" or "1". */
bool node_get_true(const struct node *map, const char *key);

/* Replaces the value of a key that is there, else appends. */
void node_put(struct arena *arena, struct node *map, const char *key, struct place at,
	struct node *value);
void node_remove(struct node *map, const char *key);
void node_append(struct arena *arena, struct node *list, struct node *item);

/*
 * A list of one level: the items of a list, or the value itself as the only item; nothing for
 * NODE_NULL and NULL.  For `for (i = 0; i < node_items(n); i++) node_item(n, i)`.
 */
size_t node_items(const struct node *node);
const struct node *node_item(const struct node *node, size_t i);

#endif
