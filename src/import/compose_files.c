#include "import/compose_files.h"

#include <string.h>

#include "base/check.h"
#include "import/compose_keys.h"
#include "import/compose_merge.h"

struct load {
	struct reader *reader;
	struct arena *arena;
	struct notes *notes;
	struct keys *keys;
	struct node *variables;
	struct interpolation ip;
	struct file *extended; /* files that were read for `extends`, by path */
};

/* One file: its services as written, and as far as they have been resolved. */
struct file {
	const char *path, *dir;
	struct node *top, *services, *done, *busy;
	struct file *next;
};

/* ---- one file ---- */

/* The first format had the services at the top: mappings alone, and one says what it runs. */
static bool is_first_format(const struct node *document)
{
	bool runs = false;

	for (size_t i = 0; document->kind == NODE_MAP && i < document->count; i++) {
		const struct node *value = document->entries[i].value;

		if (value->kind != NODE_MAP)
			return false;
		runs |= node_entry(value, "image") || node_entry(value, "build");
	}
	return runs;
}

static void add_document(struct load *l, struct file *file, struct node *document)
{
	struct node *services = node_get(document, "services");
	bool old = !services && is_first_format(document);

	if (document->kind != NODE_MAP) {
		notes_add(l->notes, NOTE_UNKNOWN, document->at, "no compose file: not a mapping");
		return;
	}
	if (old)
		services = document;
	for (size_t i = 0; !old && i < document->count; i++)
		if (strcmp(document->entries[i].key, "services") != 0)
			node_put(l->arena, file->top, document->entries[i].key,
				document->entries[i].at, document->entries[i].value);
	for (size_t i = 0; services && services->kind == NODE_MAP && i < services->count; i++) {
		const struct entry *entry = &services->entries[i];
		struct node *service;

		if (strncmp(entry->key, "x-", 2) == 0)
			continue;
		if (entry->value->kind != NODE_MAP) {
			if (entry->value->tag != NODE_TAG_RESET)
				notes_add(l->notes, NOTE_UNKNOWN, entry->at,
					"services.%.80s is no mapping", entry->key);
			continue;
		}
		service = compose_normalise(l->notes, entry->value, file->dir);
		service = compose_merge(l->arena, node_get(file->services, entry->key), service);
		node_put(l->arena, file->services, entry->key, entry->at, service);
	}
}

static struct file *file_read(struct load *l, const char *path, const char *dir, struct err *err)
{
	struct file *file = arena_alloc(l->arena, sizeof *file);
	struct place at = {.file = path, .line = 1};
	struct node *documents;
	const char *text;
	size_t len;

	if (reader_file(l->reader, path, &text, &len, err))
		return NULL;
	file->path = path;
	file->dir = dir;
	file->top = node_new(l->arena, NODE_MAP, at);
	file->services = node_new(l->arena, NODE_MAP, at);
	file->done = node_new(l->arena, NODE_MAP, at);
	file->busy = node_new(l->arena, NODE_MAP, at);
	documents = reader_yaml(l->reader, path, text, len, &l->ip);
	for (size_t i = 0; i < documents->count; i++)
		add_document(l, file, documents->items[i]);
	return file;
}

/* ---- extends ---- */

static struct node *resolve(struct load *l, struct file *file, const char *name, size_t chain);

/* The file that `extends` names, read once; NULL when it cannot be read (noted). */
static struct file *extended_file(struct load *l, struct file *from, const struct node *extends)
{
	const char *name = node_get_text(extends, "file");
	struct err err = ERR_INIT;
	struct file *file;
	const char *path;

	if (!name)
		return from;
	path = reader_in(l->arena, from->dir, name);
	for (file = l->extended; file; file = file->next)
		if (strcmp(file->path, path) == 0)
			return file;
	if (strcmp(path, from->path) == 0)
		return from;
	file = file_read(l, path, reader_dir(l->arena, path), &err);
	if (!file) {
		notes_add(l->notes, NOTE_ERROR, extends->at, "extends: %s", err.msg);
		return NULL;
	}
	file->next = l->extended;
	l->extended = file;
	return file;
}

static struct node *extend(
	struct load *l, struct file *file, const struct entry *entry, size_t chain)
{
	struct node *service = entry->value;
	struct node *extends = node_get(service, "extends");
	const char *name = node_get_text(extends, "service");
	struct file *other = name ? extended_file(l, file, extends) : NULL;
	struct node *base = other ? resolve(l, other, name, chain + 1) : NULL;
	struct node *own = node_copy(l->arena, service);

	keys_check(l->keys, COMPOSE_EXTENDS,
		arena_printf(l->arena, "services.%.80s.extends.", entry->key), extends);
	node_remove(own, "extends");
	if (other && !base)
		notes_add(l->notes, NOTE_UNKNOWN, extends->at,
			"extends: there is no service %.80s, or it extends itself in a circle",
			name);
	return compose_merge(l->arena, base, own);
}

/* NULL when there is no such service, or a circle leads back to it. */
static struct node *resolve(struct load *l, struct file *file, const char *name, size_t chain)
{
	struct entry *done = node_entry(file->done, name);
	struct entry *entry = node_entry(file->services, name);
	struct node *service;

	if (done)
		return done->value;
	if (!entry || node_entry(file->busy, name) || chain > COMPOSE_CHAIN_MAX)
		return NULL;
	service = entry->value;
	node_put(l->arena, file->busy, name, entry->at, service);
	if (node_entry(service, "extends"))
		service = extend(l, file, entry, chain);
	node_remove(file->busy, name);
	node_put(l->arena, file->done, name, entry->at, service);
	return service;
}

/* ---- include and overlays ---- */

struct whole {
	struct node *services, *top;
};

static void lay_over(struct load *l, struct whole *whole, struct file *file)
{
	for (size_t i = 0; i < file->services->count; i++) {
		const char *name = file->services->entries[i].key;
		struct node *service = resolve(l, file, name, 0);
		struct entry *base = node_entry(whole->services, name);
		/* It stands where it was defined first. */
		struct place at = base ? base->at : file->services->entries[i].at;

		ENSURE(service != NULL);
		node_put(l->arena, whole->services, name, at,
			compose_merge(l->arena, base ? base->value : NULL, service));
	}
	for (size_t i = 0; i < file->top->count; i++) {
		const struct entry *entry = &file->top->entries[i];
		struct node *base = node_get(whole->top, entry->key);

		node_put(l->arena, whole->top, entry->key, entry->at,
			compose_merge(l->arena, base, entry->value));
	}
}

static void read_env(struct load *l, const char *path, struct place at, bool required);
static void include(struct load *l, struct whole *whole, const struct file *file, size_t chain);

static void include_path(struct load *l, struct whole *whole, const struct node *path,
	const struct file *from, const char *dir, size_t chain)
{
	struct err err = ERR_INIT;
	const char *full;
	struct file *file;

	if (path->kind != NODE_TEXT)
		return;
	full = reader_in(l->arena, from->dir, path->text);
	if (chain > COMPOSE_CHAIN_MAX) {
		notes_add(l->notes, NOTE_ERROR, path->at, "include: a circle, or too many levels");
		return;
	}
	file = file_read(l, full, dir ? dir : reader_dir(l->arena, full), &err);
	if (!file) {
		notes_add(l->notes, NOTE_ERROR, path->at, "include: %s", err.msg);
		return;
	}
	include(l, whole, file, chain);
	lay_over(l, whole, file);
}

/* Included files have an .env of their own beside them. */
static void include_one(struct load *l, struct whole *whole, const struct node *item,
	const struct file *from, size_t chain)
{
	const struct node *paths = item->kind == NODE_MAP ? node_get(item, "path") : item;
	const char *project = node_get_text(item, "project_directory");
	const char *dir = project ? reader_in(l->arena, from->dir, project) : NULL;
	const struct node *env = node_get(item, "env_file");
	struct node *outer = l->variables;

	l->variables = node_copy(l->arena, outer);
	l->ip.variables = l->variables;
	for (size_t i = 0; i < node_items(env); i++)
		if (node_item(env, i)->kind == NODE_TEXT)
			read_env(l, reader_in(l->arena, from->dir, node_item(env, i)->text),
				node_item(env, i)->at, true);
	for (size_t i = 0; i < node_items(paths); i++)
		include_path(l, whole, node_item(paths, i), from, dir, chain);
	l->variables = outer;
	l->ip.variables = outer;
}

static void include(struct load *l, struct whole *whole, const struct file *file, size_t chain)
{
	const struct node *list = node_get(file->top, "include");

	for (size_t i = 0; i < node_items(list); i++)
		include_one(l, whole, node_item(list, i), file, chain + 1);
}

/* ---- variables ---- */

static void read_env(struct load *l, const char *path, struct place at, bool required)
{
	struct err err = ERR_INIT;
	const char *text;
	size_t len;

	if (reader_file(l->reader, path, &text, &len, &err) == 0)
		dotenv_read(&l->ip, path, text, len, l->variables);
	else if (required)
		notes_add(l->notes, NOTE_ERROR, at, "%s", err.msg);
}

static void init(struct load *l, const struct compose_files *files)
{
	*l = (struct load){.reader = files->reader,
		.arena = files->reader->arena,
		.notes = files->reader->notes};
	l->variables = node_new(l->arena, NODE_MAP, (struct place){0});
	l->ip = (struct interpolation){.variables = l->variables, .notes = l->notes};
}

int compose_files_load(const struct compose_files *files, struct keys *keys,
	struct node **ret_services, struct node **ret_top, struct node **ret_variables,
	struct err *err)
{
	struct load l;
	struct whole whole;
	const char *dir;

	REQUIRE(files->paths_count > 0);
	init(&l, files);
	l.keys = keys;
	whole.services = node_new(l.arena, NODE_MAP, (struct place){0});
	whole.top = node_new(l.arena, NODE_MAP, (struct place){0});
	dir = reader_dir(l.arena, files->paths[0]);
	if (files->env_file) {
		const char *text;
		size_t len;

		if (reader_file(l.reader, files->env_file, &text, &len, err))
			return -1;
		dotenv_read(&l.ip, files->env_file, text, len, l.variables);
	} else {
		read_env(&l, reader_in(l.arena, dir, ".env"), (struct place){0}, false);
	}
	for (size_t i = 0; i < files->paths_count; i++) {
		struct file *file = file_read(&l, files->paths[i], dir, err);

		if (!file)
			return -1;
		include(&l, &whole, file, 0);
		lay_over(&l, &whole, file);
	}
	interpolate_tell(&l.ip);
	*ret_services = whole.services;
	*ret_top = whole.top;
	*ret_variables = l.variables;
	return 0;
}
