#include "plan/yaml_tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/check.h"
#include "plan/plan.h"
#include "plan/secret.h"
#include "plan/text.h"
#include "plan/yaml_syntax.h"

struct frame {
	struct yaml_tree *node;
	struct yaml_tree *key; /* of a mapping: waits for its value */
};

struct anchor {
	const char *name;
	struct yaml_tree *node;
};

struct reader {
	struct source *src;
	struct arena *arena;
	struct problems *ps;
	struct frame stack[PLAN_DEPTH_MAX];
	size_t depth;
	struct anchor anchors[PLAN_ALIASES_MAX];
	size_t anchors_count, aliases, alias_nodes, nodes, documents;
	struct yaml_tree *root;
	bool failed; /* nothing after this place can be trusted */
};

static void report(
	struct reader *r, const char *id, struct span at, const char *help, const char *message)
{
	source_report(r->src, r->ps, id, PROBLEM_ERROR, at, help, "%s", message);
}

static void give_up(
	struct reader *r, const char *id, struct span at, const char *help, const char *message)
{
	report(r, id, at, help, message);
	r->failed = true;
}

static struct span event_span(const yaml_event_t *event)
{
	return (struct span){.start = event->start_mark.index, .end = event->end_mark.index};
}

static struct yaml_tree *new_node(struct reader *r, enum yaml_tree_kind kind, struct span at)
{
	struct yaml_tree *node = arena_alloc(r->arena, sizeof *node);

	node->kind = kind;
	node->at = at;
	node->nodes = 1;
	node->height = 1;
	if (++r->nodes > YAML_TREE_NODES_MAX)
		give_up(r, "P-TOO-LARGE", at, NULL, "more than 100,000 values");
	return node;
}

static void *grow(struct reader *r, struct yaml_tree *node, void *array, size_t size)
{
	return arena_grow(r->arena, array, node->count, &node->cap, size);
}

static void count_child(struct yaml_tree *parent, const struct yaml_tree *child)
{
	parent->nodes += child->nodes;
	if (parent->height <= child->height)
		parent->height = child->height + 1;
}

static void add_pair(
	struct reader *r, struct yaml_tree *map, struct yaml_tree *key, struct yaml_tree *value)
{
	if (key->kind != YAML_TREE_SCALAR)
		return;
	if (secret_key(key->text) && value->kind == YAML_TREE_SCALAR)
		source_hide(r->src, value->at);
	map->pairs = grow(r, map, map->pairs, sizeof *map->pairs);
	map->pairs[map->count++] = (struct yaml_tree_pair){key, value};
}

/* Puts a node that is complete, or about to be filled, where it belongs. */
static void attach(struct reader *r, struct yaml_tree *node)
{
	struct frame *top = r->depth ? &r->stack[r->depth - 1] : NULL;

	if (!top) {
		r->root = node;
	} else if (top->node->kind == YAML_TREE_LIST) {
		top->node->items = grow(r, top->node, top->node->items, sizeof(void *));
		top->node->items[top->node->count++] = node;
	} else if (top->key) {
		add_pair(r, top->node, top->key, node);
		top->key = NULL;
	} else {
		if (node->kind == YAML_TREE_LIST || node->kind == YAML_TREE_MAPPING)
			report(r, "P-KEY-TYPE", node->at, NULL, "a key must be a word");
		top->key = node;
	}
}

static void set_anchor(struct reader *r, const yaml_char_t *name, struct yaml_tree *node)
{
	if (!name)
		return;
	if (r->anchors_count == PLAN_ALIASES_MAX) {
		give_up(r, "P-ALIAS-LIMIT", node->at, NULL, "more than 1,000 anchors");
		return;
	}
	r->anchors[r->anchors_count++] =
		(struct anchor){arena_strdup(r->arena, (const char *)name), node};
}

static void refuse_tag(struct reader *r, const yaml_char_t *tag, struct yaml_tree *node)
{
	if (!tag)
		return;
	node->tag = arena_strdup(r->arena, (const char *)tag);
	report(r, "P-TAG", node->at, "remove it: the type of a value follows from its key",
		"tags are not used in plans");
}

static void refuse_controls(struct reader *r, const struct yaml_tree *node)
{
	for (size_t i = 0; i < node->len; i++) {
		unsigned char c = (unsigned char)node->text[i];

		if ((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t')
			continue;
		report(r, "P-CONTROL", node->at, NULL, "a control character in a value");
		return;
	}
}

static void read_scalar(struct reader *r, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	struct yaml_tree *node = new_node(r, YAML_TREE_SCALAR, event_span(event));
	size_t start, len;

	node->len = event->data.scalar.length;
	node->text = arena_strndup(r->arena, value, node->len);
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (secret_find(node->text, node->len, &start, &len))
		source_hide(r->src, node->at);
	refuse_tag(r, event->data.scalar.tag, node);
	refuse_controls(r, node);
	set_anchor(r, event->data.scalar.anchor, node);
	attach(r, node);
}

static void open_collection(struct reader *r, enum yaml_tree_kind kind, const yaml_event_t *event)
{
	bool list = kind == YAML_TREE_LIST;
	struct yaml_tree *node = new_node(r, kind, event_span(event));

	refuse_tag(r, list ? event->data.sequence_start.tag : event->data.mapping_start.tag, node);
	set_anchor(r, list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor,
		node);
	attach(r, node);
	if (r->depth == PLAN_DEPTH_MAX) {
		give_up(r, "P-DEPTH", node->at, NULL, "nested more than 64 levels deep");
		return;
	}
	node->inside = true;
	r->stack[r->depth++] = (struct frame){.node = node};
}

static int compare_keys(const void *a, const void *b)
{
	const struct yaml_tree *one = (*(const struct yaml_tree_pair *const *)a)->key;
	const struct yaml_tree *two = (*(const struct yaml_tree_pair *const *)b)->key;
	int order = strcmp(one->text, two->text);

	return order ? order : one->at.start < two->at.start ? -1 : 1;
}

static void report_duplicate(
	struct reader *r, const struct yaml_tree *first, const struct yaml_tree *again)
{
	char name[TEXT_QUOTE_BYTES];
	struct plan_pos pos = source_pos(r->src, first->at.start);

	source_report(r->src, r->ps, "P-DUPLICATE-KEY", PROBLEM_ERROR, again->at,
		"remove one of the two", "the key %s stands here a second time, first in line %d",
		text_quote(again->text, again->len, name), pos.line);
}

/* Reports keys that are given again and leaves them out, in n log n for a hostile many. */
static void drop_duplicates(struct reader *r, struct yaml_tree *map)
{
	struct yaml_tree_pair **sorted = arena_calloc(r->arena, map->count, sizeof *sorted);
	const struct yaml_tree *first = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < map->count; i++)
		sorted[i] = &map->pairs[i];
	if (map->count)
		qsort(sorted, map->count, sizeof *sorted, compare_keys);
	for (size_t i = 0; i < map->count; i++) {
		if (first && strcmp(first->text, sorted[i]->key->text) == 0) {
			report_duplicate(r, first, sorted[i]->key);
			sorted[i]->key = NULL;
		} else {
			first = sorted[i]->key;
		}
	}
	for (size_t i = 0; i < map->count; i++)
		if (map->pairs[i].key)
			map->pairs[kept++] = map->pairs[i];
	map->count = kept;
}

static void close_collection(struct reader *r, const yaml_event_t *event)
{
	struct yaml_tree *node;

	INVARIANT(r->depth > 0);
	node = r->stack[--r->depth].node;
	node->inside = false;
	node->at.end = event->end_mark.index;
	if (node->kind == YAML_TREE_MAPPING)
		drop_duplicates(r, node);
	for (size_t i = 0; i < node->count; i++)
		count_child(
			node, node->kind == YAML_TREE_LIST ? node->items[i] : node->pairs[i].value);
}

static struct yaml_tree *find_anchor(struct reader *r, const yaml_char_t *name)
{
	/* From the end: YAML lets an anchor be defined anew. */
	for (size_t i = r->anchors_count; i > 0; i--)
		if (strcmp(r->anchors[i - 1].name, (const char *)name) == 0)
			return r->anchors[i - 1].node;
	return NULL;
}

static void read_alias(struct reader *r, const yaml_event_t *event)
{
	struct span at = event_span(event);
	struct yaml_tree *target = find_anchor(r, event->data.alias.anchor);
	struct yaml_tree *node;

	if (!target || target->inside) {
		report(r, "P-ALIAS", at, NULL,
			target ? "an alias stands inside the value that it names"
			       : "an alias to an anchor that is not defined before it");
		attach(r, new_node(r, YAML_TREE_BROKEN, at));
		return;
	}
	r->alias_nodes += target->nodes;
	if (++r->aliases > PLAN_ALIASES_MAX || r->alias_nodes > PLAN_ALIAS_NODES_MAX) {
		give_up(r, "P-ALIAS-LIMIT", at, "write the values out",
			"aliases would make the plan many times larger than the file");
		return;
	}
	if (r->depth + target->height > PLAN_DEPTH_MAX) {
		give_up(r, "P-DEPTH", at, NULL, "nested more than 64 levels deep, by aliases");
		return;
	}
	node = new_node(r, target->kind, at);
	*node = *target;
	node->at = at;
	attach(r, node);
}

static void open_document(struct reader *r, const yaml_event_t *event)
{
	if (r->documents++ == 0)
		return;
	give_up(r, "P-DOCUMENTS", event_span(event), "put each plan in a file of its own",
		"a second YAML document begins here; a plan is one");
}

static void take_event(struct reader *r, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		open_document(r, event);
		break;
	case YAML_ALIAS_EVENT:
		read_alias(r, event);
		break;
	case YAML_SCALAR_EVENT:
		read_scalar(r, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		open_collection(r, YAML_TREE_LIST, event);
		break;
	case YAML_MAPPING_START_EVENT:
		open_collection(r, YAML_TREE_MAPPING, event);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		close_collection(r, event);
		break;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
}

static void read_events(struct reader *r, yaml_parser_t *parser)
{
	yaml_event_type_t type = YAML_NO_EVENT;

	while (type != YAML_STREAM_END_EVENT && !r->failed) {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event)) {
			yaml_syntax_report(parser, r->src, r->ps);
			r->failed = true;
			return;
		}
		type = event.type;
		take_event(r, &event);
		yaml_event_delete(&event);
	}
}

struct yaml_tree *yaml_tree_read(struct source *src, struct arena *arena, struct problems *ps)
{
	struct reader *r = arena_alloc(arena, sizeof *r);
	yaml_parser_t parser;
	int ready = yaml_parser_initialize(&parser);

	ENSURE(ready);
	r->src = src;
	r->arena = arena;
	r->ps = ps;
	/* Said rather than guessed: UTF-16 would be accepted, and no place in it could be shown. */
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)src->text, src->len);
	read_events(r, &parser);
	yaml_parser_delete(&parser);
	if (!r->failed && (!r->root || yaml_tree_is_null(r->root)))
		give_up(r, "P-EMPTY", r->root ? r->root->at : (struct span){0, 0},
			"`airlock init` writes a commented skeleton", "the plan is empty");
	return r->failed ? NULL : r->root;
}

static const struct yaml_tree_pair *find_pair(const struct yaml_tree *mapping, const char *key)
{
	if (mapping->kind != YAML_TREE_MAPPING)
		return NULL;
	for (size_t i = 0; i < mapping->count; i++)
		if (strcmp(mapping->pairs[i].key->text, key) == 0)
			return &mapping->pairs[i];
	return NULL;
}

struct yaml_tree *yaml_tree_get(const struct yaml_tree *mapping, const char *key)
{
	const struct yaml_tree_pair *pair = find_pair(mapping, key);

	return pair ? pair->value : NULL;
}

struct yaml_tree *yaml_tree_key(const struct yaml_tree *mapping, const char *key)
{
	const struct yaml_tree_pair *pair = find_pair(mapping, key);

	return pair ? pair->key : NULL;
}

bool yaml_tree_is_null(const struct yaml_tree *node)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};

	if (node->kind != YAML_TREE_SCALAR || !node->plain)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(nulls); i++)
		if (strcmp(node->text, nulls[i]) == 0)
			return true;
	return false;
}

struct span yaml_tree_inside(
	const struct source *src, const struct yaml_tree *scalar, size_t start, size_t len)
{
	size_t byte = source_byte(src, scalar->at.start) + !scalar->plain;

	REQUIRE(scalar->kind == YAML_TREE_SCALAR);
	REQUIRE(start + len <= scalar->len);
	if (src->len - byte < scalar->len || byte > src->len ||
		memcmp(src->text + byte, scalar->text, scalar->len) != 0)
		return scalar->at;
	return (struct span){.start = source_chr(src, byte + start),
		.end = source_chr(src, byte + start + (len ? len : 1))};
}
