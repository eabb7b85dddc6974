#include "cli/discover_merge.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cli/plan_patch.h"
#include "plan/overlap.h"

#define ENTRIES_MAX 500
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
		BUF_AUTO open = BUF_INIT;

		if (!finding_service_entry(f, name, &body))
			continue;
		finding_open_question(f, &open);
		buf_printf(&found, "%s: %s%s%s", finding_id(f->kind), f->place,
			open.len > 0 ? ": " : "", buf_str(&open));
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

/* Nothing that was found may end the comment or act on a terminal. */
static void comment(const char *text, size_t indent, struct buf *out)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		BUF_AUTO one = BUF_INIT;

		buf_add(&one, text, len);
		buf_printf(out, "%*s# found: ", (int)indent, "");
		out_safe(out, buf_str(&one));
		buf_putc(out, '\n');
		text += len + (text[len] != '\0');
	}
}

static int add_services(struct plan_patch *patch, const struct entries *e, struct err *err)
{
	struct patch_place *place = plan_patch_section(patch, "services", false, err);

	if (place == NULL)
		return -1;
	if (place->with_head)
		buf_puts(&place->added, "services:\n");
	for (size_t i = 0; i < e->count; i++) {
		comment(buf_str(&e->rows[i].found), place->indent, &place->added);
		buf_printf(&place->added, "%*s%s: ", (int)place->indent, "", e->rows[i].name);
		out_safe(&place->added, buf_str(&e->rows[i].body));
		buf_putc(&place->added, '\n');
	}
	return 0;
}

/* What the patch would make has to be a plan. */
static int prove(struct cmd_ctx *ctx, const struct plan_patch *patch, struct plan **ret,
	struct problems *problems, struct err *err)
{
	BUF_AUTO text = BUF_INIT;

	problems_init(problems, &ctx->arena);
	plan_patch_apply(patch, &text);
	if (plan_parse(ctx->plan_path, buf_str(&text), text.len, ret, problems, err))
		return err_wrap(err, "what was found cannot be declared by itself (%s)",
			problems->count > 0 ? problems->rows[0].message : "?");
	return 0;
}

/* ---- what would cross ------------------------------------------------------------------------ */

static void find_crossings(const struct plan *plan, struct arena *arena, struct crossings *ret)
{
	struct sequence *q = arena_alloc(arena, sizeof *q);

	sequence_make(plan, arena, q);
	crossings_find(q, arena, ret);
}

static bool is_accident(
	const struct plan *plan, const struct crossings *all, const char *from, const char *to)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].overlap == CROSSING_ACCIDENT &&
			strcmp(plan_node_name(plan, all->list[i].from), from) == 0 &&
			strcmp(plan_node_name(plan, all->list[i].to), to) == 0)
			return true;
	return false;
}

/* Of the crossings that the plan with the services has by accident, those that it had not before
 * are declared; the others are no affair of what was found. */
static int add_overlaps(
	struct cmd_ctx *ctx, struct plan_patch *patch, const struct plan *plan, struct err *err)
{
	struct patch_place *place = NULL;
	struct crossings before, after;

	find_crossings(ctx->plan, &ctx->arena, &before);
	find_crossings(plan, &ctx->arena, &after);
	for (size_t i = 0; i < after.count; i++) {
		const struct crossing *c = &after.list[i];
		const char *from = plan_node_name(plan, c->from), *to = plan_node_name(plan, c->to);

		if (c->overlap != CROSSING_ACCIDENT || is_accident(ctx->plan, &before, from, to))
			continue;
		if (place == NULL) {
			place = plan_patch_section(patch, "overlap", true, err);
			if (place == NULL)
				return -1;
			if (place->with_head)
				buf_puts(&place->added, "overlap:\n");
		}
		buf_printf(&place->added,
			"%*s# found: %s %s %s across the environments from the end of wave %u to "
			"the end of wave %u\n"
			"%*s- {from: %s, to: %s, because: \"found by discover: say why it may\", "
			"at_most: 30m}\n",
			(int)place->indent, "", from, crossing_verbs(c), to, c->begin, c->end,
			(int)place->indent, "", from, to);
	}
	return 0;
}

/* What the patched plan is refused for and this one is not: a human has to say more. */
static void tell_refusals(
	struct cmd_ctx *ctx, const struct problems *before, const struct problems *after)
{
	for (size_t i = 0; i < after->count; i++) {
		const struct problem *p = &after->rows[i];
		bool known = p->severity != PROBLEM_REFUSAL;

		for (size_t k = 0; !known && k < before->count; k++)
			known = strcmp(before->rows[k].message, p->message) == 0;
		if (!known)
			out_note(ctx->out,
				"with this patch `run` refuses until you say more: %s (%s)",
				p->message, p->help != NULL ? p->help : p->id);
	}
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int make(struct cmd_ctx *ctx, const struct entries *e, struct buf *out, struct err *err)
{
	BUF_AUTO text = BUF_INIT;
	PLAN_PATCH_AUTO patch = {0}, none = {0};
	PLAN_AUTO as_it_is = NULL;
	PLAN_AUTO with_services = NULL;
	PLAN_AUTO whole = NULL;
	struct problems before, after;

	if (read_plan(ctx->plan_path, &text, err))
		return -1;
	if (text.len == 0 || text.data[text.len - 1] != '\n')
		buf_putc(&text, '\n');
	plan_patch_init(&patch, buf_str(&text));
	plan_patch_init(&none, buf_str(&text));
	if (add_services(&patch, e, err) || prove(ctx, &none, &as_it_is, &before, err) ||
		prove(ctx, &patch, &with_services, &after, err) ||
		add_overlaps(ctx, &patch, with_services, err) ||
		prove(ctx, &patch, &whole, &after, err))
		return -1;
	tell_refusals(ctx, &before, &after);
	plan_patch_write(&patch, ctx->plan_path, out);
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
