/*
 * checker.h - what the passes over one text share: the tree, the problems, the plan being built,
 * and the names that are to be resolved when all of it has been read.
 */
#ifndef AIRLOCK_PLAN_CHECKER_H
#define AIRLOCK_PLAN_CHECKER_H

#include <stdbool.h>
#include <stddef.h>

#include "plan/plan.h"
#include "plan/problem.h"
#include "plan/source.h"
#include "plan/yaml_tree.h"

/* The way from the root to a value: stores.orders.needs[0]. */
struct path {
	const struct path *up; /* NULL at the root */
	const char *key;       /* NULL for a list item */
	size_t index;
	bool chosen;	/* the key is a name that the user chose */
	struct span at; /* the key itself, or the item */
};

#define CHECKER_PATH_BYTES 320

enum ref_to { REF_STORE, REF_NODE, REF_ROUTE };
enum ref_role {
	ROLE_ROUTE,
	ROLE_READS,
	ROLE_WRITES,
	ROLE_NEEDS,
	ROLE_AFTER,
	ROLE_FROM,
	ROLE_TO,
	ROLE_FIRST,
	ROLE_THEN,
	ROLE_MEMBER,
};

/* A name that stands for something else in the plan. */
struct ref {
	enum ref_to to;
	enum ref_role role;
	const char *name;
	const char *path; /* in words, for messages */
	struct span at;
	size_t *dest;	   /* where the index goes */
	size_t target;	   /* the index, once resolved */
	const void *owner; /* the element that refers: plan_store, plan_service, ... */
};

struct checker {
	struct source *src;
	struct problems *ps;
	struct arena *scratch; /* ends with the check */
	struct plan *plan;     /* its arena takes what the plan keeps */
	struct ref *refs;
	size_t refs_count, refs_cap;
};

const char *path_text(const struct path *path, char ret[CHECKER_PATH_BYTES]);
/* With * for chosen names, as in available.def. */
const char *path_pattern(const struct path *path, char ret[CHECKER_PATH_BYTES]);

/* Adds an error "path: message"; help may be NULL. */
void checker_error(struct checker *ck, const struct path *path, const char *id, struct span at,
	const char *help, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* A second one for those who have the path as text. */
void checker_error_at(struct checker *ck, const char *path, const char *id, struct span at,
	const char *help, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* A name from the plan, in quotes and harmless (text_quote); in scratch. */
const char *checker_name(struct checker *ck, const char *name);
/* " (did you mean 'x'?)" or ""; in scratch. */
struct text_nearest;
const char *checker_guess(struct checker *ck, const struct text_nearest *near);

void checker_add_ref(struct checker *ck, const struct ref *ref);

#endif
