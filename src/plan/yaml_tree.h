/*
 * yaml_tree.h - YAML text -> a tree in which every key and value knows its place.
 *
 * Reads libyaml's events, never its documents: so depth, number of nodes and aliases are bounded
 * while reading (PLAN_*_MAX), and a hostile text costs milliseconds.  An alias shares the children
 * of its anchor and has a place of its own.  Scalars stay text: types come from the schema, and
 * `no` is the word "no".
 *
 * Found here: bad UTF-8, syntax, tabs, several documents, duplicate keys (the later pair is left
 * out of the tree), keys that are no scalars, tags, control characters, limits.  Lines in which a
 * secret stands are hidden in the source.
 */
#ifndef AIRLOCK_PLAN_YAML_TREE_H
#define AIRLOCK_PLAN_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "plan/problem.h"
#include "plan/source.h"

#define YAML_TREE_NODES_MAX 100000

enum yaml_tree_kind {
	YAML_TREE_SCALAR,
	YAML_TREE_LIST,
	YAML_TREE_MAPPING,
	YAML_TREE_BROKEN, /* has been reported; whoever meets it keeps silent */
};

struct yaml_tree;

struct yaml_tree_pair {
	struct yaml_tree *key; /* a scalar */
	struct yaml_tree *value;
};

struct yaml_tree {
	enum yaml_tree_kind kind;
	struct span at;
	bool plain;	  /* a scalar without quotes */
	bool inside;	  /* not closed yet; false in a finished tree */
	const char *tag;  /* as written, and reported: no plan has any; else NULL */
	const char *text; /* a scalar's value, free of control characters but \n and \t */
	size_t len;
	struct yaml_tree_pair *pairs; /* a mapping's, in file order */
	struct yaml_tree **items;     /* a list's */
	size_t count;
	size_t cap;
	size_t nodes;  /* all under it and itself, aliases written out */
	size_t height; /* 1 for a scalar */
};

/*
 * NULL when the text is no YAML document or passes a limit; then `ps` says why.  It may have
 * errors also when a tree is returned.  The tree is in `arena`.
 */
struct yaml_tree *yaml_tree_read(struct source *src, struct arena *arena, struct problems *ps);

/* The value of a key, or the key itself; NULL when there is none, or no mapping. */
struct yaml_tree *yaml_tree_get(const struct yaml_tree *mapping, const char *key);
struct yaml_tree *yaml_tree_key(const struct yaml_tree *mapping, const char *key);
/* Nothing, ~ or null, not in quotes. */
bool yaml_tree_is_null(const struct yaml_tree *node);
/*
 * The place of bytes [start, start + len) of a scalar's value: exact where the value stands in the
 * source as it is, the whole scalar where it was folded or escaped.
 */
struct span yaml_tree_inside(
	const struct source *src, const struct yaml_tree *scalar, size_t start, size_t len);

#endif
