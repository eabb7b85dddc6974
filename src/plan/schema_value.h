/* schema_value.h - one value of a plan, read by its row.  Used by schema.c only. */
#ifndef AIRLOCK_PLAN_SCHEMA_VALUE_H
#define AIRLOCK_PLAN_SCHEMA_VALUE_H

#include <stdbool.h>

#include "plan/schema.h"

struct setting_list {
	struct plan_setting *rows; /* in the plan's arena */
	size_t count, cap;
};

/* What is being filled: the struct, and the settings of the element that it belongs to. */
struct target {
	char *base;
	struct setting_list *settings; /* NULL where the schema has no SCHEMA_AS_SETTING */
	const char *prefix;	       /* "tls." */
};

struct value {
	struct checker *ck;
	const struct path *path;
	const struct schema_row *row;
	const struct yaml_tree *node;
	struct target *target;
};

/* Silent about a node that has been reported before. */
void value_wrong_type(const struct value *v, const char *wanted, const char *help);
/* A scalar that is not nothing; reports otherwise. */
bool value_is_text(const struct value *v, const char *wanted);

void value_read_version(const struct value *v);
void value_read_name(const struct value *v);
void value_read_text(const struct value *v);
void value_read_cron(const struct value *v);
void value_read_integer(const struct value *v);
void value_read_time(const struct value *v);
void value_read_size(const struct value *v);
void value_read_choice(const struct value *v);
void value_read_argv(const struct value *v);

/* "tls.cert", or "tls." where `last` is NULL: the prefix for what is inside; in scratch. */
const char *value_setting_key(const struct value *v, const char *last);
void value_settings_sort(struct setting_list *settings);

#endif
