#include "import/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "plan/source.h"
#include "plan/yaml_tree.h"

/* ---- files ---- */

static int read_all(int fd, const char *path, struct buf *ret, struct err *err)
{
	char block[16384];

	while (ret->len <= READER_FILE_BYTES_MAX) {
		ssize_t got = read(fd, block, sizeof block);

		if (got == 0)
			return 0;
		if (got > 0)
			buf_add(ret, block, (size_t)got);
		else if (errno != EINTR)
			return err_set_errno(err, ERR_IO, "reading %s", path);
	}
	return err_set(err, ERR_USAGE, "%s is larger than 32 MB", path);
}

static int open_file(const char *path, int *ret_fd, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return err_set_errno(err, ERR_USAGE, "opening %s", path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		*ret_fd = fd;
		return 0;
	}
	close(fd);
	return err_set(err, ERR_USAGE, "%s is not a file", path);
}

int reader_file(
	struct reader *r, const char *path, const char **ret_text, size_t *ret_len, struct err *err)
{
	BUF_AUTO text = BUF_INIT;
	int fd = -1, failed;

	if (r->files == READER_FILES_MAX || r->bytes > READER_TOTAL_BYTES_MAX)
		return err_set(err, ERR_USAGE, "more than %d files or 64 MB", READER_FILES_MAX);
	if (open_file(path, &fd, err))
		return -1;
	failed = read_all(fd, path, &text, err);
	close(fd);
	if (failed)
		return -1;
	r->files++;
	r->bytes += text.len;
	*ret_text = arena_strndup(r->arena, buf_str(&text), text.len);
	*ret_len = text.len;
	return 0;
}

const char *reader_dir(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return ".";
	return slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
}

const char *reader_in(struct arena *arena, const char *dir, const char *name)
{
	while (strncmp(name, "./", 2) == 0)
		name += 2;
	if (*name == '/' || strcmp(dir, ".") == 0)
		return name;
	return arena_printf(arena, "%s%s%s", dir, dir[strlen(dir) - 1] == '/' ? "" : "/", name);
}

const char *reader_beside(struct arena *arena, const char *from, const char *name)
{
	return reader_in(arena, reader_dir(arena, from), name);
}

/* ---- one document ---- */

struct convert {
	struct reader *r;
	const struct source *src;
	const char *path;
	int line_base; /* lines before this document */
	struct interpolation *ip;
	bool full;
};

static struct place place_of(const struct convert *c, const struct yaml_tree *tree)
{
	struct plan_pos pos = source_pos(c->src, tree->at.start);

	return (struct place){.file = c->path, .line = c->line_base + pos.line};
}

static struct node *convert(struct convert *c, const struct yaml_tree *tree);

static void merge_from(struct convert *c, struct node *map, const struct node *from)
{
	if (from->kind != NODE_MAP) {
		notes_add(c->r->notes, NOTE_UNKNOWN, from->at, "'<<' takes mappings only");
		return;
	}
	for (size_t i = 0; i < from->count; i++)
		if (!node_entry(map, from->entries[i].key)) {
			node_put(c->r->arena, map, from->entries[i].key, from->entries[i].at,
				from->entries[i].value);
			c->r->nodes++;
		}
}

/* What a mapping says itself goes before what it merges, earlier ones of a list before later. */
static void merge_keys(struct convert *c, struct node *map, const struct yaml_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		const struct node *from;

		if (strcmp(tree->pairs[i].key->text, "<<") != 0 || !tree->pairs[i].key->plain)
			continue;
		from = convert(c, tree->pairs[i].value);
		for (size_t k = 0; k < node_items(from); k++)
			merge_from(c, map, node_item(from, k));
	}
}

static struct node *convert_map(struct convert *c, const struct yaml_tree *tree, struct place at)
{
	struct node *map = node_new(c->r->arena, NODE_MAP, at);

	for (size_t i = 0; i < tree->count; i++) {
		const struct yaml_tree *key = tree->pairs[i].key;

		if (strcmp(key->text, "<<") != 0 || !key->plain)
			node_put(c->r->arena, map, arena_strdup(c->r->arena, key->text),
				place_of(c, key), convert(c, tree->pairs[i].value));
	}
	merge_keys(c, map, tree);
	return map;
}

static struct node *convert_scalar(struct convert *c, const struct yaml_tree *tree, struct place at)
{
	struct node *node;

	if (yaml_tree_is_null(tree))
		return node_new(c->r->arena, NODE_NULL, at);
	node = node_text(c->r->arena, arena_strdup(c->r->arena, tree->text), at);
	if (c->ip)
		node->text = interpolate(c->ip, node->text, at, &node->blank);
	return node;
}

static enum node_tag tag_of(const struct yaml_tree *tree)
{
	if (tree->tag && strcmp(tree->tag, "!reset") == 0)
		return NODE_TAG_RESET;
	if (tree->tag && strcmp(tree->tag, "!override") == 0)
		return NODE_TAG_OVERRIDE;
	return NODE_TAG_NONE;
}

static struct node *convert(struct convert *c, const struct yaml_tree *tree)
{
	struct place at = place_of(c, tree);
	struct node *node;

	if (++c->r->nodes > READER_NODES_MAX) {
		c->full = true;
		return node_new(c->r->arena, NODE_NULL, at);
	}
	if (tree->kind == YAML_TREE_MAPPING) {
		node = convert_map(c, tree, at);
	} else if (tree->kind == YAML_TREE_LIST) {
		node = node_new(c->r->arena, NODE_LIST, at);
		for (size_t i = 0; i < tree->count; i++)
			node_append(c->r->arena, node, convert(c, tree->items[i]));
	} else if (tree->kind == YAML_TREE_SCALAR) {
		node = convert_scalar(c, tree, at);
	} else {
		node = node_new(c->r->arena, NODE_NULL, at);
	}
	node->tag = tag_of(tree);
	return node;
}

/* ---- problems of the syntax, as notes ---- */

static bool is_told(const struct problem *p)
{
	return strcmp(p->id, "P-TAG") != 0 && strcmp(p->id, "P-EMPTY") != 0;
}

static void tell_problems(const struct convert *c, const struct problems *ps, bool lost)
{
	for (size_t i = 0; i < ps->count; i++) {
		const struct problem *p = &ps->rows[i];
		struct place at = {.file = c->path, .line = c->line_base + p->line};
		/* "..., first in line 7": counted from the beginning of this document. */
		const char *cut = strstr(p->message, ", first in line");

		if (is_told(p))
			notes_add(c->r->notes, lost ? NOTE_ERROR : NOTE_UNKNOWN, at, "%.*s%s",
				(int)(cut ? (size_t)(cut - p->message) : strlen(p->message)),
				p->message, lost ? "; this document is left out" : "");
	}
}

static void tell_template(
	const struct convert *c, const char *text, size_t len, const struct problems *ps)
{
	if (ps->errors && len && memmem(text, len, "{{", 2))
		notes_add(c->r->notes, NOTE_ASSUMED,
			(struct place){.file = c->path, .line = c->line_base + 1},
			"this looks like a template: render it first (helm template, kustomize "
			"build)");
}

static void read_document(struct reader *r, struct node *documents, const char *path,
	const char *text, size_t len, int line_base, struct interpolation *ip)
{
	ARENA_AUTO scratch = ARENA_INIT;
	struct problems ps;
	struct source src;
	struct convert c = {.r = r, .src = &src, .path = path, .line_base = line_base, .ip = ip};
	struct yaml_tree *tree;

	problems_init(&ps, &scratch);
	source_init(&src, &scratch, path, arena_strndup(&scratch, len ? text : "", len), len);
	tree = yaml_tree_read(&src, &scratch, &ps);
	tell_problems(&c, &ps, !tree);
	if (!tree) {
		tell_template(&c, text, len, &ps);
		return;
	}
	node_append(r->arena, documents, convert(&c, tree));
	if (c.full)
		notes_add(r->notes, NOTE_ERROR, (struct place){.file = path, .line = line_base + 1},
			"more than 1,000,000 values in all files: the rest of this one is left "
			"out");
}

/* ---- a stream ---- */

/* The next line that begins a document, or the end.  Directives (%YAML) belong to what follows. */
static const char *document_end(const char *at, const char *end, int *ret_lines)
{
	bool directives = *at == '%';

	*ret_lines = 0;
	for (;;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline)
			return end;
		at = newline + 1;
		++*ret_lines;
		if (end - at < 3 || memcmp(at, "---", 3) != 0 ||
			(end - at > 3 && !strchr(" \t\r\n", at[3])))
			continue;
		if (!directives)
			return at;
		directives = false;
	}
}

struct node *reader_yaml(
	struct reader *r, const char *path, const char *text, size_t len, struct interpolation *ip)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct node *documents;
	const char *at = text, *end = text + len;
	int line = 0;

	path = arena_strdup(r->arena, path);
	documents = node_new(r->arena, NODE_LIST, (struct place){.file = path, .line = 1});
	if (len >= strlen(mark) && memcmp(at, mark, strlen(mark)) == 0)
		at += strlen(mark);
	while (at < end && r->nodes <= READER_NODES_MAX) {
		int lines;
		const char *next = document_end(at, end, &lines);

		read_document(r, documents, path, at, (size_t)(next - at), line, ip);
		line += lines;
		at = next;
	}
	return documents;
}
