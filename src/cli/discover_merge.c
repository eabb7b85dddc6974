#include "cli/discover_merge.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"

#define ENTRIES_MAX 500
#define CONTEXT 3
#define NAMES_MANY 3 /* as many sessions of one role by different names are no coincidence */

struct entry {
	char name[SERVICE_NAME_BYTES];
	struct buf body, found; /* the service; where it was found */
};

struct entries {
	struct entry rows[ENTRIES_MAX];
	size_t count;
};

static void entries_fini(struct entries *e)
{
	for (size_t i = 0; i < e->count; i++) {
		buf_fini(&e->rows[i].body);
		buf_fini(&e->rows[i].found);
	}
}

static bool is_taken(const struct plan *plan, const struct entries *e, const char *name)
{
	for (size_t i = 0; i < plan->stores_count + plan->services_count; i++)
		if (strcmp(plan_node_name(plan, i), name) == 0)
			return true;
	for (size_t i = 0; i < e->count; i++)
		if (strcmp(e->rows[i].name, name) == 0)
			return true;
	return false;
}

/* The same service twice, of a session and of the file that it has its string from, is one. */
static void add(struct entries *e, const struct plan *plan, const char *name,
	const struct buf *body, const struct buf *found)
{
	struct entry *row;

	for (size_t i = 0; i < e->count; i++)
		if (strcmp(buf_str(&e->rows[i].body), buf_str(body)) == 0) {
			buf_printf(&e->rows[i].found, "\n%s", buf_str(found));
			return;
		}
	if (e->count == ENTRIES_MAX)
		return;
	row = &e->rows[e->count];
	*row = (struct entry){{0}, BUF_INIT, BUF_INIT};
	snprintf(row->name, sizeof row->name, "%s", name);
	for (int n = 2; is_taken(plan, e, row->name); n++)
		snprintf(row->name, sizeof row->name, "%.50s-%d", name, n);
	buf_puts(&row->body, buf_str(body));
	buf_puts(&row->found, buf_str(found));
	e->count++;
}

/* A role whose sessions go by ever other names is declared by itself. */
static bool has_many_names(const struct discovered *d, const struct writer *w)
{
	size_t count = 0;

	for (size_t i = 0; i < d->writers.count; i++) {
		const struct writer *other = &d->writers.rows[i];

		count += strcmp(other->store, w->store) == 0 && strcmp(other->user, w->user) == 0;
	}
	return w->also[0] != '\0' || count >= NAMES_MANY;
}

static void collect(const struct plan *plan, const struct discovered *d, struct entries *e)
{
	char name[SERVICE_NAME_BYTES];

	for (size_t store = 0; store < plan->stores_count; store++)
		for (size_t i = 0; i < d->writers.count; i++) {
			BUF_AUTO body = BUF_INIT;
			BUF_AUTO found = BUF_INIT;

			if (!writer_is_undeclared(plan, store, &d->writers.rows[i], 0))
				continue;
			writer_service_entry(&d->writers.rows[i],
				has_many_names(d, &d->writers.rows[i]), name, &body);
			buf_puts(&found, "session: ");
			writer_describe(&d->writers.rows[i], &found);
			add(e, plan, name, &body, &found);
		}
	for (size_t i = 0; i < d->findings.count; i++) {
		const struct finding *f = &d->findings.rows[i];
		BUF_AUTO body = BUF_INIT;
		BUF_AUTO found = BUF_INIT;

		if (!finding_service_entry(f, name, &body))
			continue;
		buf_printf(&found, "%s: %s", finding_id(f->kind), f->place);
		add(e, plan, name, &body, &found);
	}
}

/* ---- the plan's text ------------------------------------------------------------------------- */

static int read_plan(const char *path, struct buf *out, struct err *err)
{
	FILE *file = fopen(path, "re");
	char block[4096];
	size_t n;

	if (file == NULL)
		return err_set_errno(err, ERR_IO, "cannot read %s", path);
	while ((n = fread(block, 1, sizeof block, file)) > 0)
		buf_add(out, block, n);
	fclose(file);
	return 0;
}

/* Lines of a text; the newline is not part of one. */
struct lines {
	const char *text;
	size_t count;
};

static const char *line_at(const struct lines *l, size_t n, size_t *ret_len)
{
	const char *at = l->text;

	while (n-- > 0)
		at = strchr(at, '\n') + 1;
	*ret_len = strcspn(at, "\n");
	return at;
}

/* Behind which line the services go, counted from 1; 0 = there is no `services:`. */
static int services_line(const struct lines *l, size_t *ret_line, struct err *err)
{
	*ret_line = 0;
	for (size_t i = 0; i < l->count; i++) {
		size_t len, rest;
		const char *line = line_at(l, i, &len);

		if (len < 9 || strncmp(line, "services:", 9) != 0)
			continue;
		rest = strspn(line + 9, " \t\r");
		if (line[9 + rest] != '\n' && line[9 + rest] != '#')
			return err_set(err, ERR_REFUSED,
				"`services` of the plan is written on one line: write one service "
				"per line below it, then ask again");
		*ret_line = i + 1;
		return 0;
	}
	return 0;
}

static size_t indent_of(const struct lines *l, size_t line)
{
	for (size_t i = line; i < l->count; i++) {
		size_t len, indent;
		const char *at = line_at(l, i, &len);

		indent = strspn(at, " ");
		if (indent < len && at[indent] != '#' && at[indent] != '\r')
			return indent > 0 ? indent : 2;
	}
	return 2;
}

/* Nothing that was found may end the comment or act on a terminal. */
static void comment(const char *text, const char *mark, size_t indent, struct buf *out)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		BUF_AUTO one = BUF_INIT;

		buf_add(&one, text, len);
		buf_printf(out, "%s%*s# found: ", mark, (int)indent, "");
		out_safe(out, buf_str(&one));
		buf_putc(out, '\n');
		text += len + (text[len] != '\0');
	}
}

static void write_entries(
	const struct entries *e, const char *mark, size_t indent, bool with_head, struct buf *out)
{
	if (with_head)
		buf_printf(out, "%sservices:\n", mark);
	for (size_t i = 0; i < e->count; i++) {
		comment(buf_str(&e->rows[i].found), mark, indent, out);
		buf_printf(out, "%s%*s%s: ", mark, (int)indent, "", e->rows[i].name);
		out_safe(out, buf_str(&e->rows[i].body));
		buf_putc(out, '\n');
	}
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += *text == '\n';
	return count;
}

static void copy_lines(
	const struct lines *l, size_t from, size_t to, const char *mark, struct buf *out)
{
	for (size_t i = from; i < to; i++) {
		size_t len;
		const char *line = line_at(l, i, &len);

		buf_printf(out, "%s%.*s\n", mark, (int)len, line);
	}
}

static void write_patch(const struct lines *l, size_t behind, const struct buf *added,
	const char *path, struct buf *out)
{
	size_t from = behind > CONTEXT ? behind - CONTEXT : 0;
	size_t to = behind + CONTEXT < l->count ? behind + CONTEXT : l->count;

	buf_printf(out, "--- %s\n+++ %s\n@@ -%zu,%zu +%zu,%zu @@\n", path, path, from + 1,
		to - from, from + 1, to - from + count_lines(buf_str(added)));
	copy_lines(l, from, behind, " ", out);
	buf_puts(out, buf_str(added));
	copy_lines(l, behind, to, " ", out);
}

/* What the patch would make has to be a plan. */
static int prove(struct cmd_ctx *ctx, const struct lines *l, size_t behind, const struct entries *e,
	size_t indent, bool with_head, struct err *err)
{
	BUF_AUTO text = BUF_INIT;
	PLAN_AUTO plan = NULL;
	struct problems problems;

	problems_init(&problems, &ctx->arena);
	copy_lines(l, 0, behind, "", &text);
	write_entries(e, "", indent, with_head, &text);
	copy_lines(l, behind, l->count, "", &text);
	if (plan_parse(ctx->plan_path, buf_str(&text), text.len, &plan, &problems, err))
		return err_wrap(err, "what was found cannot be declared by itself (%s)",
			problems.count > 0 ? problems.rows[0].message : "?");
	return 0;
}

static int make(struct cmd_ctx *ctx, const struct entries *e, struct buf *out, struct err *err)
{
	BUF_AUTO text = BUF_INIT;
	BUF_AUTO added = BUF_INIT;
	struct lines lines;
	size_t behind, indent;
	bool with_head;

	if (read_plan(ctx->plan_path, &text, err))
		return -1;
	if (text.len == 0 || text.data[text.len - 1] != '\n')
		buf_putc(&text, '\n');
	lines = (struct lines){buf_str(&text), count_lines(buf_str(&text))};
	if (services_line(&lines, &behind, err))
		return -1;
	with_head = behind == 0;
	indent = with_head ? 2 : indent_of(&lines, behind);
	behind = with_head ? lines.count : behind;
	if (prove(ctx, &lines, behind, e, indent, with_head, err))
		return -1;
	write_entries(e, "+", indent, with_head, &added);
	write_patch(&lines, behind, &added, ctx->plan_path, out);
	return 0;
}

int discover_merge(
	struct cmd_ctx *ctx, const struct discovered *d, struct buf *out, struct err *err)
{
	struct entries *e = arena_alloc(&ctx->arena, sizeof *e);
	int rc = 0;

	collect(ctx->plan, d, e);
	if (e->count > 0)
		rc = make(ctx, e, out, err);
	entries_fini(e);
	return rc;
}
