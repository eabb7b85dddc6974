#include "cli/plan_patch.h"

#include <string.h>

#include "base/check.h"

#define CONTEXT 3

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += *text == '\n';
	return count;
}

void plan_patch_init(struct plan_patch *p, const char *text)
{
	REQUIRE(*text == '\0' || text[strlen(text) - 1] == '\n');
	*p = (struct plan_patch){.text = text, .lines = count_lines(text)};
}

void plan_patch_fini(struct plan_patch *p)
{
	for (size_t i = 0; i < p->count; i++)
		buf_fini(&p->places[i].added);
	*p = (struct plan_patch){0};
}

/* The newline is not part of it. */
static const char *line_at(const struct plan_patch *p, size_t n, size_t *ret_len)
{
	const char *at = p->text;

	while (n-- > 0)
		at = strchr(at, '\n') + 1;
	*ret_len = strcspn(at, "\n");
	return at;
}

/* ---- sections -------------------------------------------------------------------------------- */

/* Behind which line the entries go, counted from 1; 0 = there is no such section. */
static int head_line(
	const struct plan_patch *p, const char *section, size_t *ret_line, struct err *err)
{
	size_t name = strlen(section);

	*ret_line = 0;
	for (size_t i = 0; i < p->lines; i++) {
		size_t len, rest;
		const char *line = line_at(p, i, &len);

		if (len < name + 1 || strncmp(line, section, name) != 0 || line[name] != ':')
			continue;
		rest = name + 1 + strspn(line + name + 1, " \t\r");
		if (line[rest] != '\n' && line[rest] != '#')
			return err_set(err, ERR_REFUSED,
				"`%s` of the plan is written on one line: write one entry per "
				"line below it, then ask again",
				section);
		*ret_line = i + 1;
		return 0;
	}
	return 0;
}

/* As its first entry has it; a list may begin where its head does. */
static size_t indent_of(const struct plan_patch *p, size_t line, bool list)
{
	for (size_t i = line; i < p->lines; i++) {
		size_t len, indent;
		const char *at = line_at(p, i, &len);

		indent = strspn(at, " ");
		if (indent >= len || at[indent] == '#' || at[indent] == '\r')
			continue;
		if (list)
			return at[indent] == '-' ? indent : 2;
		return indent > 0 ? indent : 2;
	}
	return 2;
}

struct patch_place *plan_patch_section(
	struct plan_patch *p, const char *section, bool list, struct err *err)
{
	struct patch_place *place;
	size_t line;

	REQUIRE(p->count < PATCH_PLACES_MAX);
	if (head_line(p, section, &line, err))
		return NULL;
	place = &p->places[p->count++];
	*place = (struct patch_place){.behind = line > 0 ? line : p->lines,
		.indent = line > 0 ? indent_of(p, line, list) : 2,
		.with_head = line == 0};
	return place;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static void copy_lines(const char *mark, const char *text, size_t lines, struct buf *out)
{
	while (lines-- > 0) {
		size_t len = strcspn(text, "\n");

		buf_printf(out, "%s%.*s\n", mark, (int)len, text);
		text += len + 1;
	}
}

static void copy_text(
	const struct plan_patch *p, size_t from, size_t to, const char *mark, struct buf *out)
{
	size_t len;

	if (from < to)
		copy_lines(mark, line_at(p, from, &len), to - from, out);
}

static void copy_added(const struct patch_place *place, const char *mark, struct buf *out)
{
	const char *added = buf_str(&place->added);

	copy_lines(mark, added, count_lines(added), out);
}

/* At the end of the text a new section comes behind what goes on with the last. */
static bool is_before(const struct patch_place *a, const struct patch_place *b)
{
	return a->behind != b->behind ? a->behind < b->behind : !a->with_head && b->with_head;
}

/* Places in the order of the text, of one line in the order in which they were asked for. */
static size_t in_order(const struct plan_patch *p, const struct patch_place *ret[])
{
	for (size_t i = 0; i < p->count; i++) {
		size_t at = i;

		for (; at > 0 && is_before(&p->places[i], ret[at - 1]); at--)
			ret[at] = ret[at - 1];
		ret[at] = &p->places[i];
	}
	return p->count;
}

void plan_patch_apply(const struct plan_patch *p, struct buf *out)
{
	const struct patch_place *places[PATCH_PLACES_MAX];
	size_t count = in_order(p, places), done = 0;

	for (size_t i = 0; i < count; i++) {
		copy_text(p, done, places[i]->behind, "", out);
		copy_added(places[i], "", out);
		done = places[i]->behind;
	}
	copy_text(p, done, p->lines, "", out);
}

static size_t added_by(const struct patch_place *const *places, size_t count)
{
	size_t lines = 0;

	for (size_t i = 0; i < count; i++)
		lines += count_lines(buf_str(&places[i]->added));
	return lines;
}

static size_t end_of(const struct plan_patch *p, const struct patch_place *place)
{
	return place->behind + CONTEXT < p->lines ? place->behind + CONTEXT : p->lines;
}

static void write_hunk(const struct plan_patch *p, const struct patch_place *const *places,
	size_t count, size_t before, struct buf *out)
{
	size_t from = places[0]->behind > CONTEXT ? places[0]->behind - CONTEXT : 0;
	size_t to = end_of(p, places[count - 1]), done = from;

	buf_printf(out, "@@ -%zu,%zu +%zu,%zu @@\n", from + 1, to - from, from + 1 + before,
		to - from + added_by(places, count));
	for (size_t i = 0; i < count; i++) {
		copy_text(p, done, places[i]->behind, " ", out);
		copy_added(places[i], "+", out);
		done = places[i]->behind;
	}
	copy_text(p, done, to, " ", out);
}

void plan_patch_write(const struct plan_patch *p, const char *path, struct buf *out)
{
	const struct patch_place *places[PATCH_PLACES_MAX];
	size_t count = in_order(p, places), before = 0;

	buf_printf(out, "--- %s\n+++ %s\n", path, path);
	for (size_t i = 0, n; i < count; i += n) {
		for (n = 1; i + n < count &&
			    places[i + n]->behind <= end_of(p, places[i + n - 1]) + CONTEXT;
			n++)
			;
		write_hunk(p, places + i, n, before, out);
		before += added_by(places + i, n);
	}
}
