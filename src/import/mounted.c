#include "import/mounted.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/check.h"
#include "import/images.h"
#include "import/settings.h"

/* ---- what may be read ---- */

static bool is_inside(const char *path, const char *project)
{
	char full[PATH_MAX], root[PATH_MAX];
	size_t len;

	if (!realpath(path, full) || !realpath(project, root))
		return false;
	len = strlen(root);
	return len > 1 && strncmp(full, root, len) == 0 && (full[len] == '/' || full[len] == '\0');
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* In a mounted directory only what looks like configuration; a file that is mounted alone is. */
static bool looks_like_settings(const char *path)
{
	static const char *const ends[] = {".conf", ".cnf", ".cfg", ".config", ".ini", ".yml",
		".yaml", ".toml", ".json", ".properties", ".env", ".xml", ".sql", ".conf.py",
		".settings.py", ".vcl", ".hcl", ".template", ".tmpl", ".crontab"};
	const char *base = base_name(path);
	size_t len = strlen(base);

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (len >= strlen(ends[i]) &&
			strcasecmp(base + len - strlen(ends[i]), ends[i]) == 0)
			return true;
	return strncasecmp(base, "settings", strlen("settings")) == 0 ||
	       strncasecmp(base, "config.", strlen("config.")) == 0 ||
	       strcmp(base, "Caddyfile") == 0 || settings_is_crontab(path, path);
}

static bool is_program(const char *path)
{
	static const char *const ends[] = {".sh", ".js", ".mjs", ".css", ".html", ".so", ".jar",
		".war", ".png", ".jpg", ".svg", ".mmdb", ".dat", ".gz", ".sock", ".lock", ".log"};
	size_t len = strlen(path);

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (len > strlen(ends[i]) && strcmp(path + len - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

/* What a server runs when it is made. */
static bool is_setup(const char *target)
{
	static const char directory[] = "/docker-entrypoint-initdb.d";

	return strncmp(target, directory, strlen(directory)) == 0;
}

/* ---- texts ---- */

/* "CREATE DATABASE orders": each one is a database of the server. */
static void find_databases(
	struct model *model, struct part *part, const char *text, struct place at)
{
	static const char words[] = "create database ";
	const char *line = text;

	for (const char *hit = text; (hit = strcasestr(hit, words)) != NULL;) {
		const char *name = hit + strlen(words);
		size_t len;

		for (; line < hit; line++)
			at.line += *line == '\n';
		if (strncasecmp(name, "if not exists ", strlen("if not exists ")) == 0)
			name += strlen("if not exists ");
		name += *name == '"' || *name == '`';
		len = strspn(
			name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
		if (len)
			facts_add(model, &part->databases, arena_strndup(model->arena, name, len),
				NULL, at);
		hit = name;
	}
}

void mounted_text(struct model *model, struct part *part, const char *name, const char *target,
	const char *text, struct place first)
{
	struct settings source = {.file = name, .text = text, .len = strlen(text), .first = first};

	if (strlen(text) > SETTINGS_BYTES_MAX)
		return;
	if (strncmp(target, "/docker-entrypoint-initdb.d", strlen("/docker-entrypoint-initdb.d")) ==
		0)
		find_databases(model, part, text, first);
	else if (settings_is_crontab(name, target))
		facts_add(model, &part->tables, name, text, first);
	else if (!settings_is_secret(name) && !settings_is_secret(target))
		settings_read(model, part, &source);
}

/* ---- files ---- */

/* Its text, read once; NULL when it is none. */
static const char *text_of(struct mounted *m, const char *path, struct place at)
{
	struct err err = ERR_INIT;
	struct node *node;
	struct stat st;
	const char *text;
	size_t len;

	if (!m->texts)
		m->texts = node_new(m->model->arena, NODE_MAP, (struct place){0});
	node = node_get(m->texts, path);
	if (node)
		return node->kind == NODE_TEXT ? node->text : NULL;
	node = node_new(m->model->arena, NODE_NULL, (struct place){0});
	if (stat(path, &st) == 0 && st.st_size > SETTINGS_BYTES_MAX) {
		notes_add(m->model->notes, NOTE_LEFT_OUT, at,
			"%.200s is larger than 256 kB: what it says is not seen", path);
	} else if (m->files == MOUNTED_FILES_MAX) {
		notes_add(m->model->notes, NOTE_LEFT_OUT, (struct place){.file = at.file},
			"more than %d mounted files: the rest is not read", MOUNTED_FILES_MAX);
	} else if (reader_file(m->reader, path, &text, &len, &err)) {
		notes_add(
			m->model->notes, NOTE_ASSUMED, at, "%s; what it says is not seen", err.msg);
	} else if (!memchr(text, '\0', len)) {
		node = node_text(m->model->arena, text, (struct place){0});
		m->files++;
	}
	node_put(m->model->arena, m->texts, path, at, node);
	return node->kind == NODE_TEXT ? node->text : NULL;
}

static void read_file(
	struct mounted *m, struct part *part, const char *path, const char *target, struct place at)
{
	const char *text;

	if (settings_is_secret(path) || settings_is_secret(target))
		return;
	text = text_of(m, path, at);
	if (text)
		mounted_text(m->model, part, path, target, text,
			(struct place){.file = path, .line = 1});
}

static int is_looked_at(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strcmp(entry->d_name, "node_modules") != 0 &&
	       strcmp(entry->d_name, "vendor") != 0;
}

static void read_directory(struct mounted *m, struct part *part, const char *path,
	const char *target, struct place at, int depth, size_t *left)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_looked_at, alphasort);

	for (int i = 0; i < count; i++) {
		struct arena *arena = m->model->arena;
		const char *name = arena_strdup(arena, entries[i]->d_name);
		const char *inner = reader_in(arena, path, name);
		const char *inside = reader_in(arena, target, name);
		bool setup = is_setup(target);
		struct stat st;

		free(entries[i]);
		if (*left == 0 || stat(inner, &st) || !is_inside(inner, m->project))
			continue;
		if (S_ISDIR(st.st_mode) && depth < MOUNTED_DEPTH_MAX) {
			read_directory(m, part, inner, inside, at, depth + 1, left);
		} else if (S_ISREG(st.st_mode) && (setup || looks_like_settings(inner))) {
			--*left;
			read_file(m, part, inner, inside, at);
		}
	}
	if (count >= 0)
		free(entries);
}

static bool is_project(const char *path, const char *project)
{
	char full[PATH_MAX], root[PATH_MAX];

	return realpath(path, full) && realpath(project, root) && strcmp(full, root) == 0;
}

/* A server's own settings, and what monitoring looks at, say nothing that the plan needs. */
static bool is_asked(const struct part *part)
{
	ARENA_AUTO scratch = ARENA_INIT;
	const char *why;

	return !image_engine(part, &scratch, &why) &&
	       image_look(part->image, &scratch).role != IMAGE_SUPPORT;
}

/* "./sentry:/etc/sentry" is configuration; "/etc/localtime:/etc/localtime" is the machine's. */
static bool is_expected(const struct part *part, const char *path, const char *target)
{
	static const char *const system[] = {
		"/dev/", "/etc/", "/lib/", "/proc/", "/run/", "/sys/", "/usr/", "/var/"};
	bool etc = strncmp(target, "/etc/", strlen("/etc/")) == 0;

	for (size_t i = 0; i < ARRAY_LEN(system); i++)
		etc &= strncmp(path, system[i], strlen(system[i])) != 0;
	return (etc || looks_like_settings(path)) && !settings_is_secret(path) &&
	       !settings_is_secret(target) && is_asked(part);
}

void mounted_read(
	struct mounted *m, struct part *part, const char *path, const char *target, struct place at)
{
	bool expected = is_expected(part, path, target);
	size_t left = MOUNTED_PER_MOUNT_MAX;
	struct stat st;

	if (stat(path, &st)) {
		if (expected)
			notes_add(m->model->notes, NOTE_ASSUMED, at,
				"%.200s is mounted and not here: what it says is not seen", path);
		return;
	}
	if (!is_inside(path, m->project)) {
		if (expected)
			notes_add(m->model->notes, NOTE_LEFT_OUT, at,
				"%.200s lies outside of the project's directory: it is not read",
				path);
		return;
	}
	/* All of the project is sources, not configuration. */
	if (S_ISDIR(st.st_mode) && !is_project(path, m->project))
		read_directory(m, part, path, target, at, 1, &left);
	else if (S_ISREG(st.st_mode) && (!is_program(path) || is_setup(target)))
		read_file(m, part, path, target, at);
}
