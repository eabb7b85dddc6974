#include "import/keys.h"

#include <string.h>

#include "base/check.h"

/* Keys of one shape and name, wherever they stand. */
struct group {
	size_t count;
	struct unknown *last;
};

struct unknown {
	const char *path;
	struct place at;
	size_t times, more;
	struct unknown *next;
};

void keys_init(struct keys *keys, struct notes *notes, const struct key_table *table)
{
	*keys = (struct keys){.notes = notes, .table = table};
	keys->seen = node_new(notes->arena, NODE_MAP, (struct place){0});
	keys->groups = node_new(notes->arena, NODE_MAP, (struct place){0});
	keys->last = &keys->first;
}

/* ---- the table ---- */

static const struct key_row *rows_of(const struct key_table *table, int shape)
{
	size_t i = 0;

	while (i < table->count && (table->rows[i].name || table->rows[i].shape != shape))
		i++;
	REQUIRE(i < table->count);
	return &table->rows[i + 1];
}

static const struct key_row *row_of(
	const struct key_table *table, const struct key_row *rows, const char *name)
{
	const struct key_row *end = table->rows + table->count;

	for (const struct key_row *row = rows; row < end && row->name; row++)
		if (strcmp(row->name, "*") == 0 || strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

static bool is_own(const struct key_table *table, const char *name)
{
	return table->own && strncmp(name, table->own, strlen(table->own)) == 0;
}

/* ---- what is in no row ---- */

static struct unknown *seen(const struct keys *keys, const char *what)
{
	const struct node *node = node_get(keys->seen, what);

	return node ? node->ref : NULL;
}

static void see(struct keys *keys, const char *what, struct unknown *unknown)
{
	struct node *node = node_new(keys->notes->arena, NODE_NULL, unknown->at);

	node->ref = unknown;
	node_put(keys->notes->arena, keys->seen, what, unknown->at, node);
}

static struct group *group_of(struct keys *keys, const char *what)
{
	struct node *node = node_get(keys->groups, what);

	if (!node) {
		node = node_new(keys->notes->arena, NODE_NULL, (struct place){0});
		node->ref = arena_calloc(keys->notes->arena, 1, sizeof(struct group));
		node_put(keys->notes->arena, keys->groups, what, node->at, node);
	}
	return node->ref;
}

static struct unknown *append(struct keys *keys, const char *path, struct place at)
{
	struct unknown *unknown = arena_alloc(keys->notes->arena, sizeof *unknown);

	*unknown = (struct unknown){.path = path, .at = at, .times = 1};
	*keys->last = unknown;
	keys->last = &unknown->next;
	keys->count++;
	return unknown;
}

/* Behind '=' and ':' may be what belongs to nobody: a list's "password=..." with a sign too few. */
static const char *shown(struct arena *arena, const char *name)
{
	size_t len = strcspn(name, "=:");

	return arena_printf(arena, "%.*s%s", (int)(len < 80 ? len : 80), name,
		name[len < 80 ? len : 80] ? "..." : "");
}

static void add_unknown(
	struct keys *keys, int shape, const struct buf *before, const struct entry *entry)
{
	struct arena *arena = keys->notes->arena;
	const char *name = shown(arena, entry->key);
	const char *path = arena_printf(arena, "%s%s", buf_str(before), name);
	const char *kind = arena_printf(arena, "%d %s", shape, name);
	const char *place = arena_printf(
		arena, "%s %d %s", kind, entry->at.line, entry->at.file ? entry->at.file : "");
	struct unknown *known = seen(keys, path);
	struct group *group;

	if (!known)
		known = seen(keys, place);
	if (known) {
		known->times++;
		return;
	}
	group = group_of(keys, kind);
	if (group->count == KEYS_EACH) {
		group->last->more++;
		return;
	}
	group->count++;
	group->last = append(keys, path, entry->at);
	see(keys, path, group->last);
	see(keys, place, group->last);
}

/* ---- a tree ---- */

static bool is_enough(struct keys *keys, struct place at)
{
	if (keys->visited++ < KEYS_VISITED_MAX && keys->count < NOTES_MAX)
		return false;
	if (!keys->cut.file)
		keys->cut = at;
	return true;
}

static void check(struct keys *keys, int shape, struct buf *path, const struct node *node);

static void check_map(struct keys *keys, int shape, struct buf *path, const struct node *map)
{
	const struct key_row *rows = rows_of(keys->table, shape);
	size_t before = path->len;

	for (size_t i = 0; i < map->count; i++) {
		const struct entry *entry = &map->entries[i];
		const struct key_row *row;

		if (is_own(keys->table, entry->key))
			continue;
		if (is_enough(keys, entry->at))
			return;
		row = row_of(keys->table, rows, entry->key);
		if (!row) {
			add_unknown(keys, shape, path, entry);
			continue;
		}
		buf_printf(path, "%.80s.", entry->key);
		check(keys, row->shape, path, entry->value);
		path->len = before;
		path->data[before] = '\0';
	}
}

static void check(struct keys *keys, int shape, struct buf *path, const struct node *node)
{
	if (shape == KEYS_FREE || !node)
		return;
	if (node->kind == NODE_MAP)
		check_map(keys, shape, path, node);
	for (size_t i = 0; node->kind == NODE_LIST && i < node->count; i++)
		if (node->items[i]->kind == NODE_MAP)
			check_map(keys, shape, path, node->items[i]);
}

void keys_check(struct keys *keys, int shape, const char *before, const struct node *node)
{
	BUF_AUTO path = BUF_INIT;

	buf_puts(&path, before);
	check(keys, shape, &path, node);
}

void keys_tell(struct keys *keys)
{
	struct arena *arena = keys->notes->arena;

	for (const struct unknown *u = keys->first; u; u = u->next)
		notes_add(keys->notes, NOTE_UNKNOWN, u->at, "%s%s%s", u->path,
			u->times > 1 ? arena_printf(arena, " (%zu times)", u->times) : "",
			u->more ? arena_printf(arena, ", and in %zu more places", u->more) : "");
	if (keys->cut.file)
		notes_add(keys->notes, NOTE_ASSUMED, keys->cut,
			"there are too many keys: from here on those that import does not know are "
			"not told");
}
