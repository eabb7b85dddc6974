#include "import/tree.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

/* From here on a map is searched by a hash table: a hostile one may have 100,000 keys. */
#define INDEX_FROM 16

struct node *node_new(struct arena *arena, enum node_kind kind, struct place at)
{
	struct node *node = arena_alloc(arena, sizeof *node);

	node->kind = kind;
	node->at = at;
	return node;
}

struct node *node_text(struct arena *arena, const char *text, struct place at)
{
	struct node *node = node_new(arena, NODE_TEXT, at);

	REQUIRE(text != NULL);
	node->text = text;
	return node;
}

struct node *node_copy(struct arena *arena, const struct node *node)
{
	struct node *copy = node_new(arena, node->kind, node->at);

	copy->tag = node->tag;
	copy->blank = node->blank;
	copy->text = node->text;
	for (size_t i = 0; node->kind == NODE_MAP && i < node->count; i++)
		node_put(arena, copy, node->entries[i].key, node->entries[i].at,
			node->entries[i].value);
	for (size_t i = 0; node->kind == NODE_LIST && i < node->count; i++)
		node_append(arena, copy, node->items[i]);
	return copy;
}

static size_t hash(const char *key)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 0x100000001b3u;
	return (size_t)(h ^ (h >> 29));
}

static void index_add(struct node *map, size_t entry)
{
	size_t slot = hash(map->entries[entry].key) % map->index_size;

	while (map->index[slot])
		slot = (slot + 1) % map->index_size;
	map->index[slot] = entry + 1;
}

static void index_make(struct arena *arena, struct node *map)
{
	map->index_size = map->cap * 2 + 1;
	map->index = arena_calloc(arena, map->index_size, sizeof *map->index);
	for (size_t i = 0; i < map->count; i++)
		index_add(map, i);
}

struct entry *node_entry(const struct node *map, const char *key)
{
	if (!map || map->kind != NODE_MAP)
		return NULL;
	if (map->index) {
		for (size_t slot = hash(key) % map->index_size; map->index[slot];
			slot = (slot + 1) % map->index_size)
			if (strcmp(map->entries[map->index[slot] - 1].key, key) == 0)
				return &map->entries[map->index[slot] - 1];
		return NULL;
	}
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->entries[i].key, key) == 0)
			return &map->entries[i];
	return NULL;
}

struct node *node_get(const struct node *map, const char *key)
{
	struct entry *entry = node_entry(map, key);

	return entry ? entry->value : NULL;
}

const struct node *node_at(const struct node *map, ...)
{
	const struct node *node = map;
	const char *key;
	va_list keys;

	va_start(keys, map);
	while (node && (key = va_arg(keys, const char *)) != NULL)
		node = node_get(node, key);
	va_end(keys);
	return node;
}

const char *node_get_text(const struct node *map, const char *key)
{
	const struct node *node = node_get(map, key);

	return node && node->kind == NODE_TEXT ? node->text : NULL;
}

bool node_get_true(const struct node *map, const char *key)
{
	static const char *const words[] = {"true", "yes", "on", "1"};
	const char *text = node_get_text(map, key);

	for (size_t i = 0; text && i < ARRAY_LEN(words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

static void *grow(struct arena *arena, struct node *node, void *array, size_t size)
{
	size_t before = node->cap;
	void *ret = arena_grow(arena, array, node->count, &node->cap, size);

	if (node->cap != before)
		node->index = NULL;
	return ret;
}

void node_put(
	struct arena *arena, struct node *map, const char *key, struct place at, struct node *value)
{
	struct entry *entry = node_entry(map, key);

	REQUIRE(map->kind == NODE_MAP);
	if (entry) {
		entry->at = at;
		entry->value = value;
		return;
	}
	map->entries = grow(arena, map, map->entries, sizeof *map->entries);
	map->entries[map->count++] = (struct entry){key, at, value};
	if (map->index)
		index_add(map, map->count - 1);
	else if (map->count > INDEX_FROM)
		index_make(arena, map);
}

void node_remove(struct node *map, const char *key)
{
	struct entry *entry = node_entry(map, key);
	size_t at;

	if (!entry)
		return;
	at = (size_t)(entry - map->entries);
	memmove(entry, entry + 1, (map->count - at - 1) * sizeof *entry);
	map->count--;
	if (map->index) {
		memset(map->index, 0, map->index_size * sizeof *map->index);
		for (size_t i = 0; i < map->count; i++)
			index_add(map, i);
	}
}

void node_append(struct arena *arena, struct node *list, struct node *item)
{
	REQUIRE(list->kind == NODE_LIST);
	list->items = grow(arena, list, list->items, sizeof(struct node *));
	list->items[list->count++] = item;
}

size_t node_items(const struct node *node)
{
	if (!node || node->kind == NODE_NULL)
		return 0;
	return node->kind == NODE_LIST ? node->count : 1;
}

const struct node *node_item(const struct node *node, size_t i)
{
	REQUIRE(i < node_items(node));
	return node->kind == NODE_LIST ? node->items[i] : node;
}
