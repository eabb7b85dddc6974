#include "plan/schema.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "plan/available.h"
#include "plan/schema_value.h"
#include "plan/secret.h"
#include "plan/text.h"

static void walk_mapping(struct checker *ck, const struct path *path, const struct yaml_tree *node,
	const struct schema *schema, const struct schema *variant, struct target *target);

static const struct schema_row *row_in(const struct schema *schema, const char *key)
{
	for (size_t i = 0; i < schema->count; i++)
		if (strcmp(schema->rows[i].key, key) == 0)
			return &schema->rows[i];
	return NULL;
}

static const struct schema_row *find_row(
	const struct schema *schema, const struct schema *variant, const char *key)
{
	const struct schema_row *row = row_in(schema, key);

	return row || !variant ? row : row_in(variant, key);
}

/* With an unknown variant, what any of them knows may be right. */
static bool in_some_variant(const struct schema *schema, const char *key)
{
	if (!schema->variants)
		return false;
	for (size_t i = 0; i < schema->variant_names->count; i++)
		if (row_in(schema->variants[i], key))
			return true;
	return false;
}

static void try_keys(struct text_nearest *near, const struct schema *schema)
{
	for (size_t i = 0; schema && i < schema->count; i++)
		text_nearest_try(near, schema->rows[i].key);
}

static const char *list_keys(
	struct checker *ck, const struct schema *schema, const struct schema *variant)
{
	BUF_AUTO out = BUF_INIT;
	const struct schema *both[] = {schema, variant};

	for (size_t s = 0; s < ARRAY_LEN(both); s++)
		for (size_t i = 0; both[s] && i < both[s]->count; i++)
			buf_printf(&out, "%s%s",
				out.len ? ", " : "known here: ", both[s]->rows[i].key);
	return out.len ? arena_strdup(ck->scratch, buf_str(&out)) : NULL;
}

static void unknown_key(struct checker *ck, const struct path *path, const struct yaml_tree *key,
	const struct schema *schema, const struct schema *variant)
{
	struct text_nearest near = TEXT_NEAREST(key->text);
	char name[TEXT_QUOTE_BYTES];
	const char *help = NULL;

	if (problems_full(ck->ps)) {
		checker_error(ck, path, "P-UNKNOWN-KEY", key->at, NULL, "unknown key");
		return;
	}
	try_keys(&near, schema);
	try_keys(&near, variant);
	if (strcmp(key->text, "<<") == 0)
		help = "merge keys are not applied; write the keys out, or alias the whole mapping";
	else if (!near.best)
		help = list_keys(ck, schema, variant);
	checker_error(ck, path, "P-UNKNOWN-KEY", key->at, help, "unknown key %s%s",
		text_quote(key->text, key->len, name), checker_guess(ck, &near));
}

static bool require_kind(
	const struct value *v, enum yaml_tree_kind kind, const char *wanted, const char *help)
{
	if (v->node->kind == kind)
		return true;
	value_wrong_type(v, wanted, help);
	return false;
}

/* ---- collections ---- */

static void *new_elements(struct checker *ck, const struct schema *schema, size_t count)
{
	return arena_calloc(&ck->plan->arena, count ? count : 1, schema->size);
}

static void put_array(const struct value *v, void *array, size_t count)
{
	*(void **)(v->target->base + v->row->at) = array;
	*(size_t *)(v->target->base + v->row->count_at) = count;
}

static void read_mapping(const struct value *v)
{
	struct target inner = *v->target;

	if (!require_kind(v, YAML_TREE_MAPPING, "a mapping of keys", NULL))
		return;
	if (v->row->at == SCHEMA_AS_SETTING)
		inner.prefix = value_setting_key(v, NULL);
	else
		inner.base = v->target->base + v->row->at;
	walk_mapping(v->ck, v->path, v->node, v->row->sub, NULL, &inner);
}

static int compare_pairs(const void *a, const void *b)
{
	return strcmp(((const struct yaml_tree_pair *)a)->key->text,
		((const struct yaml_tree_pair *)b)->key->text);
}

static struct yaml_tree_pair *sorted_pairs(struct checker *ck, const struct yaml_tree *node)
{
	struct yaml_tree_pair *pairs = arena_calloc(ck->scratch, node->count, sizeof *pairs);

	if (node->count) {
		memcpy(pairs, node->pairs, node->count * sizeof *pairs);
		qsort(pairs, node->count, sizeof *pairs, compare_pairs);
	}
	return pairs;
}

static const struct schema *variant_named(const struct schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->variant_names->count; i++)
		if (strcmp(schema->variant_names->words[i], name) == 0)
			return schema->variants[i];
	return NULL;
}

static const struct schema *find_variant(
	const struct schema *schema, const char *name, const struct yaml_tree *node)
{
	const struct yaml_tree *kind;

	if (!schema->variants)
		return NULL;
	if (!schema->variant_key)
		return variant_named(schema, name);
	kind = yaml_tree_get(node, schema->variant_key);
	return kind && kind->kind == YAML_TREE_SCALAR ? variant_named(schema, kind->text) : NULL;
}

/* The name is one of a fixed set (gates), or one that the user chose. */
static void check_name(struct checker *ck, const struct path *path, const struct schema *schema)
{
	struct text_nearest near = TEXT_NEAREST(path->key);
	char shown[TEXT_QUOTE_BYTES];

	if (!path->chosen) {
		for (size_t i = 0; i < schema->variant_names->count; i++)
			text_nearest_try(&near, schema->variant_names->words[i]);
		if (!variant_named(schema, path->key))
			checker_error(ck, path->up, "P-UNKNOWN-KEY", path->at, NULL,
				"unknown key %s%s", text_quote(path->key, strlen(path->key), shown),
				checker_guess(ck, &near));
	} else if (!text_is_name(path->key)) {
		checker_error(ck, path->up, "P-NAME", path->at,
			"names have letters, digits, '-' and '_', at most 63, and begin with a "
			"letter or digit",
			"%s can not be a name", text_quote(path->key, strlen(path->key), shown));
	}
}

static void check_available(struct checker *ck, const struct path *path)
{
	char pattern[CHECKER_PATH_BYTES];

	if (!available(path_pattern(path, pattern), NULL))
		checker_error(ck, path, "P-NOT-AVAILABLE", path->at, NULL,
			"not available in this version");
}

/* A reference that is not given leads nowhere, rather than to whatever is number 0. */
static void clear_refs(const struct schema *schema, char *element)
{
	for (size_t i = 0; i < schema->count; i++)
		if (schema->rows[i].kind == SCHEMA_REF)
			*(size_t *)(element + schema->rows[i].at) = PLAN_NONE;
}

/* Element of a table (then v->path has its name) or of a list. */
static void walk_element(const struct value *v, const struct schema *schema, char *element)
{
	struct setting_list settings = {0};
	struct target target = {.base = element, .settings = &settings, .prefix = ""};
	const char *name = v->path->key ? v->path->key : "";
	struct plan_pos pos = source_pos(v->ck->src, v->path->at.start);

	clear_refs(schema, element);
	if (schema->named) {
		*(const char **)element = arena_strdup(&v->ck->plan->arena, name);
		*(struct plan_pos *)(element + sizeof(char *)) = pos;
	}
	if (schema->has_pos)
		*(struct plan_pos *)(element + schema->pos_at) = pos;
	if (!require_kind(v, YAML_TREE_MAPPING, "a mapping of keys", NULL))
		return;
	walk_mapping(v->ck, v->path, v->node, schema, find_variant(schema, name, v->node), &target);
	if (!schema->variants)
		return;
	value_settings_sort(&settings);
	*(struct plan_setting **)(element + schema->settings_at) = settings.rows;
	*(size_t *)(element + schema->settings_count_at) = settings.count;
}

static void read_table(const struct value *v)
{
	const struct schema *schema = v->row->sub;
	const struct yaml_tree_pair *pairs;
	char *elements;

	if (!require_kind(v, YAML_TREE_MAPPING, "a mapping from names to what they are", NULL))
		return;
	if (v->node->count > PLAN_MEMBERS_MAX) {
		checker_error(v->ck, v->path, "P-TOO-LARGE", v->path->at, NULL, "more than %d",
			PLAN_MEMBERS_MAX);
		return;
	}
	if ((int64_t)v->node->count < v->row->min)
		checker_error(
			v->ck, v->path, "P-MISSING", v->path->at, NULL, "at least one is needed");
	pairs = sorted_pairs(v->ck, v->node);
	elements = new_elements(v->ck, schema, v->node->count);
	put_array(v, elements, v->node->count);
	for (size_t i = 0; i < v->node->count; i++) {
		const struct yaml_tree_pair *pair = &pairs[i];
		struct path path = {.up = v->path,
			.key = pair->key->text,
			.at = pair->key->at,
			.chosen = !schema->variants || schema->variant_key};
		struct value inner = {v->ck, &path, v->row, pair->value, v->target};

		check_name(v->ck, &path, schema);
		check_available(v->ck, &path);
		walk_element(&inner, schema, elements + i * schema->size);
	}
}

static void read_items(const struct value *v, struct yaml_tree *const *items, size_t count)
{
	const struct schema *schema = v->row->sub;
	char *elements = new_elements(v->ck, schema, count);

	put_array(v, elements, count);
	for (size_t i = 0; i < count; i++) {
		struct path path = {.up = v->path, .index = i, .at = items[i]->at};
		struct value inner = {v->ck, &path, v->row, items[i], v->target};

		walk_element(&inner, schema, elements + i * schema->size);
	}
}

static void read_list(const struct value *v)
{
	if (require_kind(v, YAML_TREE_LIST, "a list",
		    "begin each entry with '- '; without any entry, take the line out"))
		read_items(v, v->node->items, v->node->count);
}

static void read_some(const struct value *v)
{
	struct yaml_tree one = *v->node, *items = &one;

	if (v->node->kind == YAML_TREE_LIST)
		read_list(v);
	else if (require_kind(v, YAML_TREE_MAPPING, "a mapping of keys, or a list of them", NULL))
		read_items(v, &items, 1);
}

static void add_ref(
	const struct value *v, const struct path *path, const struct yaml_tree *node, size_t *dest)
{
	struct value one = {v->ck, path, v->row, node, v->target};
	char text[CHECKER_PATH_BYTES];

	*dest = PLAN_NONE;
	if (!value_is_text(&one, "a name"))
		return;
	checker_add_ref(v->ck, &(struct ref){
				       .to = v->row->to,
				       .role = v->row->role,
				       .name = node->text,
				       .path = arena_strdup(v->ck->scratch, path_text(path, text)),
				       .at = node->at,
				       .dest = dest,
				       .owner = v->target->base,
			       });
}

static void read_ref(const struct value *v)
{
	add_ref(v, v->path, v->node, (size_t *)(v->target->base + v->row->at));
}

static void read_names(const struct value *v)
{
	size_t *indices = arena_calloc(&v->ck->plan->arena, v->node->count + 1, sizeof *indices);

	put_array(v, indices, v->node->count);
	for (size_t i = 0; i < v->node->count; i++) {
		struct path path = {.up = v->path, .index = i, .at = v->node->items[i]->at};

		add_ref(v, &path, v->node->items[i], &indices[i]);
	}
}

static void read_refs(const struct value *v)
{
	if (require_kind(v, YAML_TREE_LIST, "a list of names",
		    "write it in brackets, even for one: [NAME]"))
		read_names(v);
}

static void read_someref(const struct value *v)
{
	size_t *index;

	if (v->node->kind == YAML_TREE_LIST) {
		if (v->node->count == 0)
			checker_error(
				v->ck, v->path, "P-LIST", v->node->at, NULL, "the list is empty");
		read_names(v);
		return;
	}
	index = arena_calloc(&v->ck->plan->arena, 1, sizeof *index);
	put_array(v, index, 1);
	add_ref(v, v->path, v->node, index);
}

/* ---- one mapping ---- */

static void read_value(const struct value *v)
{
	static void (*const readers[])(const struct value *) = {
		[SCHEMA_VERSION] = value_read_version,
		[SCHEMA_NAME] = value_read_name,
		[SCHEMA_TEXT] = value_read_text,
		[SCHEMA_CRON] = value_read_cron,
		[SCHEMA_INTEGER] = value_read_integer,
		[SCHEMA_TIME] = value_read_time,
		[SCHEMA_SIZE] = value_read_size,
		[SCHEMA_CHOICE] = value_read_choice,
		[SCHEMA_ARGV] = value_read_argv,
		[SCHEMA_REF] = read_ref,
		[SCHEMA_REFS] = read_refs,
		[SCHEMA_SOMEREF] = read_someref,
		[SCHEMA_MAPPING] = read_mapping,
		[SCHEMA_TABLE] = read_table,
		[SCHEMA_LIST] = read_list,
		[SCHEMA_SOME] = read_some,
	};

	REQUIRE(v->row->kind < ARRAY_LEN(readers));
	if (v->node->kind != YAML_TREE_BROKEN)
		readers[v->row->kind](v);
}

static void report_missing(struct checker *ck, const struct path *path,
	const struct yaml_tree *node, const struct schema *schema)
{
	char text[CHECKER_PATH_BYTES];

	for (size_t i = 0; schema && i < schema->count; i++) {
		const struct schema_row *row = &schema->rows[i];

		if (!row->required || yaml_tree_get(node, row->key))
			continue;
		ENSURE(row->line != NULL);
		checker_error(ck, path, "P-MISSING", path->at,
			path->up ? arena_printf(ck->scratch, "add under %s:  %s",
					   path_text(path, text), row->line)
				 : arena_printf(ck->scratch, "add the line:  %s", row->line),
			"the key '%s' is missing", row->key);
	}
}

static void walk_mapping(struct checker *ck, const struct path *path, const struct yaml_tree *node,
	const struct schema *schema, const struct schema *variant, struct target *target)
{
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_tree_pair *pair = &node->pairs[i];
		const struct schema_row *row = find_row(schema, variant, pair->key->text);
		struct path inner = {.up = path, .key = pair->key->text, .at = pair->key->at};

		if (row) {
			check_available(ck, &inner);
			read_value(&(struct value){ck, &inner, row, pair->value, target});
		} else if (!secret_key(pair->key->text) &&
			   (variant || !in_some_variant(schema, pair->key->text))) {
			unknown_key(ck, path, pair->key, schema, variant);
		}
	}
	report_missing(ck, path, node, schema);
	report_missing(ck, path, node, variant);
	if (schema->not_empty && node->count == 0)
		checker_error(ck, path, "P-MISSING", node->at, list_keys(ck, schema, NULL),
			"at least one key is needed");
}

void schema_walk(struct checker *ck, const struct yaml_tree *root)
{
	struct path path = {.at = {root->at.start, root->at.start}};
	struct target target = {.base = (char *)ck->plan, .prefix = ""};

	REQUIRE(ck->plan != NULL);
	if (root->kind == YAML_TREE_MAPPING)
		walk_mapping(ck, &path, root, &schema_plan, NULL, &target);
	else
		checker_error(ck, &path, "P-TYPE", root->at, "begin with the line:  airlock: 1",
			"a plan is a mapping of keys");
}
