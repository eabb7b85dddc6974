#include "plan/schema_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "plan/available.h"
#include "plan/text.h"

static const char *kind_name(const struct yaml_tree *node)
{
	static const char *const names[] = {
		[YAML_TREE_SCALAR] = "a single value",
		[YAML_TREE_LIST] = "a list",
		[YAML_TREE_MAPPING] = "a mapping",
		[YAML_TREE_BROKEN] = "unreadable",
	};

	if (yaml_tree_is_null(node))
		return "nothing";
	if (node->kind == YAML_TREE_SCALAR && !node->plain)
		return "a text in quotes";
	return names[node->kind];
}

/* An empty value has no character of its own; its key is the place to look at. */
static struct span place(const struct value *v)
{
	return v->node->at.start == v->node->at.end ? v->path->at : v->node->at;
}

void value_wrong_type(const struct value *v, const char *wanted, const char *help)
{
	if (v->node->kind == YAML_TREE_BROKEN)
		return;
	checker_error(v->ck, v->path, "P-TYPE", place(v), help, "expected %s, found %s", wanted,
		kind_name(v->node));
}

bool value_is_text(const struct value *v, const char *wanted)
{
	if (v->node->kind == YAML_TREE_SCALAR && v->node->len > 0 && !yaml_tree_is_null(v->node))
		return true;
	if (v->node->kind == YAML_TREE_SCALAR && !v->node->plain)
		checker_error(v->ck, v->path, "P-TYPE", place(v), NULL,
			"expected %s, found an empty text", wanted);
	else
		value_wrong_type(v, wanted, NULL);
	return false;
}

static const char *quoted(const struct value *v, char ret[TEXT_QUOTE_BYTES])
{
	return text_quote(v->node->text, v->node->len, ret);
}

/* ---- where values go ---- */

const char *value_setting_key(const struct value *v, const char *last)
{
	return arena_printf(v->ck->scratch, "%s%s%s%s", v->target->prefix, v->row->key,
		last && !*last ? "" : ".", last ? last : "");
}

static void add_setting(const struct value *v, const char *key, const char *value)
{
	struct setting_list *list = v->target->settings;
	struct arena *arena = &v->ck->plan->arena;

	REQUIRE(list != NULL);
	if (list->count == list->cap) {
		struct plan_setting *rows;

		list->cap = list->cap ? list->cap * 2 : 8;
		rows = arena_calloc(arena, list->cap, sizeof *rows);
		if (list->count)
			memcpy(rows, list->rows, list->count * sizeof *rows);
		list->rows = rows;
	}
	list->rows[list->count++] =
		(struct plan_setting){arena_strdup(arena, key), arena_strdup(arena, value)};
}

static int compare_settings(const void *a, const void *b)
{
	return strcmp(((const struct plan_setting *)a)->key, ((const struct plan_setting *)b)->key);
}

void value_settings_sort(struct setting_list *settings)
{
	if (settings->count)
		qsort(settings->rows, settings->count, sizeof *settings->rows, compare_settings);
}

static void put_text(const struct value *v)
{
	if (v->row->at == SCHEMA_AS_SETTING)
		add_setting(v, value_setting_key(v, ""), v->node->text);
	else
		*(const char **)(v->target->base + v->row->at) =
			arena_strdup(&v->ck->plan->arena, v->node->text);
}

static void put_number(const struct value *v, int64_t number, const char *text)
{
	if (v->row->at == SCHEMA_AS_SETTING)
		add_setting(v, value_setting_key(v, ""), text);
	else
		*(int64_t *)(v->target->base + v->row->at) = number;
}

/* ---- texts ---- */

void value_read_version(const struct value *v)
{
	char shown[TEXT_QUOTE_BYTES];

	if (!value_is_text(v, "the version of the plan format, 1"))
		return;
	if (strcmp(v->node->text, "1") != 0 || !v->node->plain)
		checker_error(v->ck, v->path, "P-VERSION", v->node->at, "write:  airlock: 1",
			"this program reads version 1 of the plan format, not %s",
			quoted(v, shown));
}

void value_read_name(const struct value *v)
{
	char shown[TEXT_QUOTE_BYTES];

	if (!value_is_text(v, "a name"))
		return;
	if (!text_is_name(v->node->text))
		checker_error(v->ck, v->path, "P-NAME", v->node->at,
			"names have letters, digits, '-' and '_', at most 63, and begin with a "
			"letter or digit",
			"%s can not be a name", quoted(v, shown));
	put_text(v);
}

void value_read_text(const struct value *v)
{
	if (value_is_text(v, "a text"))
		put_text(v);
}

void value_read_cron(const struct value *v)
{
	char shown[TEXT_QUOTE_BYTES];

	if (!value_is_text(v, "a cron expression"))
		return;
	if (!text_is_cron(v->node->text))
		checker_error(v->ck, v->path, "P-CRON", v->node->at,
			"five fields: minute hour day-of-month month day-of-week, as in "
			"\"15 2 * * *\"",
			"%s is not a cron expression", quoted(v, shown));
	put_text(v);
}

void value_read_argv(const struct value *v)
{
	struct arena *arena = &v->ck->plan->arena;
	char **argv;

	if (v->node->kind != YAML_TREE_LIST) {
		value_wrong_type(v, "a command as a list of words",
			"write each word apart: [systemctl, restart, NAME]; no shell is involved");
		return;
	}
	if (v->node->count == 0)
		checker_error(v->ck, v->path, "P-LIST", v->node->at, NULL, "the command is empty");
	argv = arena_calloc(arena, v->node->count + 1, sizeof *argv);
	for (size_t i = 0; i < v->node->count; i++) {
		const struct yaml_tree *item = v->node->items[i];
		struct path path = {.up = v->path, .index = i, .at = item->at};
		struct value word = {v->ck, &path, v->row, item, v->target};

		if (item->kind != YAML_TREE_SCALAR) {
			value_wrong_type(&word, "a word", NULL);
			continue;
		}
		argv[i] = arena_strdup(arena, item->text);
		if (v->row->at == SCHEMA_AS_SETTING)
			add_setting(v,
				value_setting_key(v, arena_printf(v->ck->scratch, "%03zu", i)),
				argv[i]);
	}
	if (v->row->at != SCHEMA_AS_SETTING)
		*(char ***)(v->target->base + v->row->at) = argv;
}

/* ---- numbers ---- */

struct number_style {
	const char *id, *wanted, *help;
	enum text_number (*parse)(const char *text, int64_t *ret);
	const char *(*print)(int64_t value, char ret[TEXT_NUMBER_BYTES]);
	const char *unit; /* the one that is most often meant */
};

static const char *print_integer(int64_t value, char ret[TEXT_NUMBER_BYTES])
{
	snprintf(ret, TEXT_NUMBER_BYTES, "%" PRId64, value);
	return ret;
}

static const struct number_style integers = {
	.id = "P-NUMBER",
	.wanted = "a whole number",
	.parse = text_integer,
	.print = print_integer,
};
static const struct number_style times = {
	.id = "P-TIME",
	.wanted = "a time",
	.help = "a time is a whole number with one of ms, s, m, h, d: 250ms, 10m",
	.parse = text_time_ms,
	.print = text_time_print,
	.unit = "s",
};
static const struct number_style sizes = {
	.id = "P-SIZE",
	.wanted = "a size",
	.help = "a size is a whole number with one of B, kB, MB, GB, TB: 16MB",
	.parse = text_size_bytes,
	.print = text_size_print,
	.unit = "MB",
};

static void check_range(const struct value *v, const struct number_style *style, int64_t number)
{
	char low[TEXT_NUMBER_BYTES], high[TEXT_NUMBER_BYTES], shown[TEXT_QUOTE_BYTES];

	if (number >= v->row->min && (!v->row->max || number <= v->row->max))
		return;
	checker_error(v->ck, v->path, style->id, v->node->at, NULL,
		"%s is out of range: from %s to %s", quoted(v, shown),
		style->print(v->row->min, low), style->print(v->row->max, high));
}

static void read_number(const struct value *v, const struct number_style *style)
{
	char shown[TEXT_QUOTE_BYTES], text[TEXT_NUMBER_BYTES];
	int64_t number;

	if (!value_is_text(v, style->wanted))
		return;
	switch (style->parse(v->node->text, &number)) {
	case TEXT_OK:
		check_range(v, style, number);
		put_number(v, number, style->print(number, text));
		break;
	case TEXT_NO_UNIT:
		checker_error(v->ck, v->path, "P-UNIT", v->node->at,
			arena_printf(v->ck->scratch, "write %s%s if that is meant", v->node->text,
				style->unit),
			"%s has no unit", quoted(v, shown));
		break;
	case TEXT_OVERFLOW:
		checker_error(v->ck, v->path, style->id, v->node->at, style->help,
			"%s is too large", quoted(v, shown));
		break;
	case TEXT_NOT_A_NUMBER:
	case TEXT_BAD_UNIT:
		checker_error(v->ck, v->path, style->id, v->node->at, style->help, "%s is not %s",
			quoted(v, shown), style->wanted);
		break;
	}
}

void value_read_integer(const struct value *v)
{
	if (v->node->kind == YAML_TREE_SCALAR && !v->node->plain)
		value_wrong_type(v, "a number", "write it without quotes");
	else
		read_number(v, &integers);
}

void value_read_time(const struct value *v)
{
	read_number(v, &times);
}

void value_read_size(const struct value *v)
{
	read_number(v, &sizes);
}

/* ---- choices ---- */

static void bad_choice(const struct value *v)
{
	struct text_nearest near = TEXT_NEAREST(v->node->text);
	char shown[TEXT_QUOTE_BYTES];
	BUF_AUTO help = BUF_INIT;

	for (size_t i = 0; i < v->row->names->count; i++) {
		if (!v->row->names->words[i])
			continue;
		text_nearest_try(&near, v->row->names->words[i]);
		buf_printf(&help, "%s%s", help.len ? ", " : "one of: ", v->row->names->words[i]);
	}
	checker_error(v->ck, v->path, "P-ENUM", v->node->at, buf_str(&help), "unknown %s %s%s",
		v->row->key, quoted(v, shown), checker_guess(v->ck, &near));
}

static void put_choice(const struct value *v, size_t choice)
{
	char pattern[CHECKER_PATH_BYTES];

	if (!available(path_pattern(v->path, pattern), v->node->text))
		checker_error(v->ck, v->path, "P-NOT-AVAILABLE", v->node->at, NULL,
			"'%s' is not available in this version", v->node->text);
	if (v->row->at == SCHEMA_AS_SETTING)
		add_setting(v, value_setting_key(v, ""), v->node->text);
	else
		*(unsigned *)(v->target->base + v->row->at) = (unsigned)choice;
}

void value_read_choice(const struct value *v)
{
	if (!value_is_text(v, "one of a few words"))
		return;
	for (size_t i = 0; i < v->row->names->count; i++)
		if (v->row->names->words[i] &&
			strcmp(v->row->names->words[i], v->node->text) == 0) {
			put_choice(v, i);
			return;
		}
	bad_choice(v);
}
