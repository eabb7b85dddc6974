/*
 * schema.h - the plan format as tables, and the one walker that reads a tree by them.
 *
 * A schema is an array of rows, one per key; adding a key means adding a row (schema_rows.c).  The
 * walker finds unknown keys, wrong types, missing keys and values out of range, refuses by name
 * what this version has not built, and writes the values into the plan's structs.
 */
#ifndef AIRLOCK_PLAN_SCHEMA_H
#define AIRLOCK_PLAN_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/checker.h"
#include "plan/names.h"

enum schema_kind {
	SCHEMA_VERSION, /* checked, not stored */
	SCHEMA_NAME,	/* const char * */
	SCHEMA_TEXT,	/* const char * */
	SCHEMA_CRON,	/* const char * */
	SCHEMA_INTEGER, /* int64_t in [min, max] */
	SCHEMA_TIME,	/* int64_t, milliseconds in [min, max] */
	SCHEMA_SIZE,	/* int64_t, bytes in [min, max] */
	SCHEMA_CHOICE,	/* an enum, by `names` */
	SCHEMA_ARGV,	/* char **, NULL at the end, not empty */
	SCHEMA_REF,	/* size_t */
	SCHEMA_REFS,	/* size_t * and count */
	SCHEMA_SOMEREF, /* one name, or a list of at least one: size_t * and count */
	SCHEMA_MAPPING, /* `sub` in place */
	SCHEMA_TABLE,	/* name -> `sub`: array and count, sorted by name */
	SCHEMA_LIST,	/* `sub` ...: array and count */
	SCHEMA_SOME,	/* one `sub`, or a list of them: array and count */
};

/* In place of an offset: the value becomes a struct plan_setting of the enclosing element. */
#define SCHEMA_AS_SETTING ((size_t)-1)

struct schema_row {
	const char *key;
	enum schema_kind kind;
	bool required;
	const char *line; /* the line to add when it is missing */
	size_t at;	  /* offset in the target, or SCHEMA_AS_SETTING */
	size_t count_at;
	const struct schema *sub;
	const struct names *names;
	int64_t min, max; /* max 0 = no limit */
	enum ref_to to;
	enum ref_role role;
};

/*
 * What one key of a mapping decides about its other keys: variants[i] holds when the value of
 * `variant_key` (or, where that is NULL, the name of the element) is variant_names' word i.
 */
struct schema {
	const struct schema_row *rows;
	size_t count;
	size_t size;   /* of the struct it fills, where it is an element */
	bool named;    /* which begins with `const char *name; struct plan_pos pos` */
	size_t pos_at; /* where an unnamed element keeps its place, if has_pos */
	bool has_pos;
	bool not_empty; /* at least one key must be given */
	const char *variant_key;
	const struct names *variant_names;
	const struct schema *const *variants;
	size_t settings_at, settings_count_at; /* of an element with variants */
};

extern const struct schema schema_plan;

/* Fills ck->plan, whose defaults the caller has set. */
void schema_walk(struct checker *ck, const struct yaml_tree *root);

#endif
