#include "import/compose_merge.h"

#include <string.h>

#include "base/check.h"
#include "import/reader.h"

/* ---- one form ---- */

/* [KEY=value, KEY] -> {KEY: value, KEY: null} */
static struct node *pairs(struct notes *notes, struct node *node, char sign)
{
	struct node *map;

	if (!node || node->kind != NODE_LIST)
		return node;
	map = node_new(notes->arena, NODE_MAP, node->at);
	map->tag = node->tag;
	for (size_t i = 0; i < node->count; i++) {
		const struct node *item = node->items[i];
		const char *at;
		struct node *value;

		if (item->kind != NODE_TEXT)
			continue;
		at = strchr(item->text, sign);
		value = at ? node_text(notes->arena, at + 1, item->at)
			   : node_new(notes->arena, NODE_NULL, item->at);
		value->blank = item->blank;
		node_put(notes->arena, map,
			at ? arena_strndup(notes->arena, item->text, (size_t)(at - item->text))
			   : item->text,
			item->at, value);
	}
	return map;
}

/* [a, b] -> {a: null, b: null} */
static struct node *names(struct notes *notes, struct node *node)
{
	struct node *map;

	if (!node || node->kind != NODE_LIST)
		return node;
	map = node_new(notes->arena, NODE_MAP, node->at);
	map->tag = node->tag;
	for (size_t i = 0; i < node->count; i++)
		if (node->items[i]->kind == NODE_TEXT)
			node_put(notes->arena, map, node->items[i]->text, node->items[i]->at,
				node_new(notes->arena, NODE_NULL, node->items[i]->at));
	return map;
}

/* "x" -> {key: x} */
static struct node *keyed(struct notes *notes, struct node *node, const char *key)
{
	struct node *map;

	if (!node || node->kind != NODE_TEXT)
		return node;
	map = node_new(notes->arena, NODE_MAP, node->at);
	node_put(notes->arena, map, key, node->at, node);
	return map;
}

static void put_part(struct notes *notes, struct node *map, const struct node *whole,
	const char *key, const char *text, size_t len)
{
	struct node *value =
		node_text(notes->arena, arena_strndup(notes->arena, text, len), whole->at);

	value->blank = whole->blank;
	node_put(notes->arena, map, key, whole->at, value);
}

/* "[ip:][published:]target[/protocol]" */
static struct node *port(struct notes *notes, struct node *node)
{
	struct node *map;
	const char *target, *text, *published;

	if (node->kind != NODE_TEXT)
		return node;
	map = node_new(notes->arena, NODE_MAP, node->at);
	text = node->text;
	target = strrchr(text, ':');
	put_part(notes, map, node, "target", target ? target + 1 : text,
		strcspn(target ? target + 1 : text, "/"));
	if (!target)
		return map;
	published = target;
	while (published > text && published[-1] != ':')
		published--;
	put_part(notes, map, node, "published", published, (size_t)(target - published));
	if (published > text)
		put_part(notes, map, node, "host_ip", text, (size_t)(published - text) - 1);
	return map;
}

/* "ro,z" has "ro" */
static bool has_word(const char *list, const char *word)
{
	for (const char *at = list;; at++) {
		size_t len = strcspn(at, ",");

		if (len == strlen(word) && strncmp(at, word, len) == 0)
			return true;
		at += len;
		if (!*at)
			return false;
	}
}

/* "[source:]target[:mode]" */
static struct node *volume(struct notes *notes, struct node *node)
{
	struct node *map;
	const char *text, *colon;
	size_t target;

	if (node->kind != NODE_TEXT)
		return node;
	text = node->text;
	map = node_new(notes->arena, NODE_MAP, node->at);
	colon = strchr(text, ':');
	if (colon) {
		put_part(notes, map, node, "source", text, (size_t)(colon - text));
		text = colon + 1;
	}
	target = strcspn(text, ":");
	put_part(notes, map, node, "target", text, target);
	if (text[target] && has_word(text + target + 1, "ro"))
		put_part(notes, map, node, "read_only", "true", strlen("true"));
	return map;
}

static struct node *each(struct notes *notes, struct node *node,
	struct node *(*change)(struct notes *, struct node *))
{
	struct node *list;

	if (!node || node->kind == NODE_NULL || node->kind == NODE_MAP)
		return node;
	list = node_new(notes->arena, NODE_LIST, node->at);
	list->tag = node->tag;
	for (size_t i = 0; i < node_items(node); i++)
		node_append(notes->arena, list,
			change(notes, node->kind == NODE_LIST ? node->items[i] : node));
	return list;
}

static struct node *source_name(struct notes *notes, struct node *node)
{
	return keyed(notes, node, "source");
}

/* A path, or a list of paths and {path, required} -> a list of {path, required}. */
static struct node *env_files(struct notes *notes, struct node *node, const char *dir)
{
	struct node *list;

	if (!node || node->kind == NODE_NULL)
		return node;
	list = node_new(notes->arena, NODE_LIST, node->at);
	list->tag = node->tag;
	for (size_t i = 0; i < node_items(node); i++) {
		struct node *item =
			keyed(notes, node->kind == NODE_LIST ? node->items[i] : node, "path");
		const char *path = node_get_text(item, "path");

		if (!path)
			continue;
		item = node_copy(notes->arena, item);
		node_put(notes->arena, item, "path", item->at,
			node_text(notes->arena, reader_in(notes->arena, dir, path), item->at));
		node_append(notes->arena, list, item);
	}
	return list;
}

/* Each item knows the directory from which its relative path leads. */
static struct node *placed(struct notes *notes, struct node *list, const char *dir)
{
	for (size_t i = 0; list && list->kind == NODE_LIST && i < list->count; i++) {
		struct node *item = list->items[i];

		if (item->kind != NODE_MAP)
			continue;
		list->items[i] = node_copy(notes->arena, item);
		node_put(notes->arena, list->items[i], COMPOSE_DIR, item->at,
			node_text(notes->arena, dir, item->at));
	}
	return list;
}

static void replace(struct notes *notes, struct node *service, const char *key, struct node *value)
{
	struct entry *entry = node_entry(service, key);

	if (entry && value && value != entry->value)
		node_put(notes->arena, service, key, entry->at, value);
}

struct node *compose_normalise(struct notes *notes, const struct node *service, const char *dir)
{
	static const char *const pair_keys[] = {"environment", "labels", "annotations"};
	static const char *const name_keys[] = {"depends_on", "networks"};
	static const char *const source_keys[] = {"secrets", "configs"};
	struct node *copy = node_copy(notes->arena, service);

	for (size_t i = 0; i < ARRAY_LEN(pair_keys); i++)
		replace(notes, copy, pair_keys[i], pairs(notes, node_get(copy, pair_keys[i]), '='));
	for (size_t i = 0; i < ARRAY_LEN(name_keys); i++)
		replace(notes, copy, name_keys[i], names(notes, node_get(copy, name_keys[i])));
	for (size_t i = 0; i < ARRAY_LEN(source_keys); i++)
		replace(notes, copy, source_keys[i],
			each(notes, node_get(copy, source_keys[i]), source_name));
	replace(notes, copy, "build", keyed(notes, node_get(copy, "build"), "context"));
	replace(notes, copy, "extends", keyed(notes, node_get(copy, "extends"), "service"));
	replace(notes, copy, "ports", each(notes, node_get(copy, "ports"), port));
	replace(notes, copy, "volumes",
		placed(notes, each(notes, node_get(copy, "volumes"), volume), dir));
	replace(notes, copy, "env_file", env_files(notes, node_get(copy, "env_file"), dir));
	replace(notes, copy, "label_file", env_files(notes, node_get(copy, "label_file"), dir));
	return copy;
}

/* ---- merge ---- */

static bool is_replaced(const char *key)
{
	return strcmp(key, "command") == 0 || strcmp(key, "entrypoint") == 0;
}

/* What makes two items of a list the same one; NULL where none ever is. */
static const char *identity(struct arena *arena, const char *key, const struct node *item)
{
	const char *target = node_get_text(item, "target");
	const char *published = node_get_text(item, "published");
	const char *ip = node_get_text(item, "host_ip");

	if (strcmp(key, "ports") == 0 && target)
		return arena_printf(
			arena, "%s:%s:%s", ip ? ip : "", published ? published : "", target);
	if (strcmp(key, "volumes") == 0)
		return target;
	if (strcmp(key, "secrets") == 0 || strcmp(key, "configs") == 0)
		return node_get_text(item, "source");
	return NULL;
}

static struct node *merge_lists(
	struct arena *arena, const char *key, const struct node *base, const struct node *over)
{
	struct node *list = node_new(arena, NODE_LIST, over->at);
	struct node *seen = node_new(arena, NODE_MAP, over->at);

	for (size_t i = 0; i < over->count; i++) {
		const char *id = identity(arena, key, over->items[i]);

		if (id)
			node_put(arena, seen, id, over->at, over->items[i]);
	}
	for (size_t i = 0; i < base->count; i++) {
		const char *id = identity(arena, key, base->items[i]);

		if (!id || !node_entry(seen, id))
			node_append(arena, list, base->items[i]);
	}
	for (size_t i = 0; i < over->count; i++)
		node_append(arena, list, over->items[i]);
	return list;
}

static struct node *merge(
	struct arena *arena, struct node *base, struct node *over, bool of_service);

static struct node *merge_values(
	struct arena *arena, const struct entry *over, struct node *base, bool of_service)
{
	struct node *value = over->value;

	if (!base || value->tag == NODE_TAG_OVERRIDE || (of_service && is_replaced(over->key)))
		return value;
	if (value->kind == NODE_NULL && base->kind != NODE_TEXT)
		return base;
	if (value->kind == NODE_LIST && base->kind == NODE_LIST)
		return merge_lists(arena, over->key, base, value);
	if (value->kind == NODE_MAP && base->kind == NODE_MAP)
		return merge(arena, base, value, false);
	return value;
}

static struct node *merge(
	struct arena *arena, struct node *base, struct node *over, bool of_service)
{
	struct node *merged;

	if (base->kind != NODE_MAP || over->kind != NODE_MAP)
		return over;
	merged = node_copy(arena, base);
	merged->at = over->at;
	for (size_t i = 0; i < over->count; i++) {
		const struct entry *entry = &over->entries[i];

		if (entry->value->tag == NODE_TAG_RESET)
			node_remove(merged, entry->key);
		else
			node_put(arena, merged, entry->key, entry->at,
				merge_values(arena, entry, node_get(base, entry->key), of_service));
	}
	return merged;
}

struct node *compose_merge(struct arena *arena, struct node *base, struct node *over)
{
	return base && over ? merge(arena, base, over, true) : base ? base : over;
}
