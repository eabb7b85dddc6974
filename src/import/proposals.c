#include "import/proposals.h"

#include <stdlib.h>
#include <string.h>

#include "import/tree.h"
#include "plan/overlap.h"

#define LINE_COLUMN 100 /* where a list of names goes to the next line */

/* Crossings with the same verbs whose one ends have the same set of other ends: one entry. */
struct group {
	uint32_t *ends, *others;
	size_t ends_count, ends_cap, others_count;
	uint8_t kinds;
	const char *verbs;
};

struct groups {
	struct arena *arena;
	bool by_to; /* `ends` are what is asked, else who asks */
	struct group *rows;
	size_t count, cap;
	struct node *index; /* "kinds: others" -> a group's number */
};

/* ---- grouping ---- */

static uint32_t end_of(const struct groups *g, const struct crossing *c)
{
	return g->by_to ? c->to : c->from;
}

static uint32_t other_of(const struct groups *g, const struct crossing *c)
{
	return g->by_to ? c->from : c->to;
}

static int compare_for(const struct crossing *a, const struct crossing *b, bool by_to)
{
	uint32_t ends[] = {by_to ? a->to : a->from, by_to ? b->to : b->from};
	uint32_t others[] = {by_to ? a->from : a->to, by_to ? b->from : b->to};

	if (ends[0] != ends[1])
		return ends[0] < ends[1] ? -1 : 1;
	if (a->kinds != b->kinds)
		return a->kinds < b->kinds ? -1 : 1;
	return others[0] < others[1] ? -1 : others[0] > others[1];
}

static int by_from(const void *a, const void *b)
{
	return compare_for(a, b, false);
}

static int by_to(const void *a, const void *b)
{
	return compare_for(a, b, true);
}

/* The group of these `count` crossings of one end; they become its model when it is new. */
static struct group *group_of(struct groups *g, const struct crossing *first, size_t count)
{
	BUF_AUTO key = BUF_INIT;
	struct node *node;
	struct group *group;

	buf_printf(&key, "%u:", first->kinds);
	for (size_t i = 0; i < count; i++)
		buf_printf(&key, " %u", other_of(g, &first[i]));
	node = node_get(g->index, buf_str(&key));
	if (node)
		return &g->rows[node->count];
	g->rows = arena_grow(g->arena, g->rows, g->count, &g->cap, sizeof *g->rows);
	node = node_new(g->arena, NODE_NULL, (struct place){0});
	node->count = g->count;
	node_put(g->arena, g->index, arena_strdup(g->arena, buf_str(&key)), node->at, node);
	group = &g->rows[g->count++];
	*group = (struct group){.kinds = first->kinds,
		.verbs = crossing_verbs(first),
		.others = arena_calloc(g->arena, count, sizeof *group->others),
		.others_count = count};
	for (size_t i = 0; i < count; i++)
		group->others[i] = other_of(g, &first[i]);
	return group;
}

static void make_groups(struct groups *g, struct crossing *list, size_t count)
{
	if (count)
		qsort(list, count, sizeof *list, g->by_to ? by_to : by_from);
	g->index = node_new(g->arena, NODE_MAP, (struct place){0});
	for (size_t i = 0, next; i < count; i = next) {
		struct group *group;

		for (next = i + 1; next < count && list[next].kinds == list[i].kinds &&
				   end_of(g, &list[next]) == end_of(g, &list[i]);)
			next++;
		group = group_of(g, &list[i], next - i);
		group->ends = arena_grow(g->arena, group->ends, group->ends_count, &group->ends_cap,
			sizeof *group->ends);
		group->ends[group->ends_count++] = end_of(g, &list[i]);
	}
}

/* ---- lines ---- */

/* Behind a comma: a blank, or the next line where `len` more would be too long. */
static void separate(struct buf *out, size_t *line, size_t len)
{
	buf_putc(out, ',');
	if (out->len - *line + len <= LINE_COLUMN) {
		buf_putc(out, ' ');
		return;
	}
	buf_putc(out, '\n');
	*line = out->len;
	buf_puts(out, "#       ");
}

static void write_names(
	struct buf *out, size_t *line, const struct plan *plan, const uint32_t *nodes, size_t count)
{
	if (count > 1)
		buf_putc(out, '[');
	for (size_t i = 0; i < count; i++) {
		const char *name = plan_node_name(plan, nodes[i]);

		if (i)
			separate(out, line, strlen(name) + 2);
		buf_puts(out, name);
	}
	if (count > 1)
		buf_putc(out, ']');
}

static void write_group(
	struct buf *out, const struct plan *plan, const struct groups *g, const struct group *row)
{
	size_t line = out->len;
	bool ends_first = !g->by_to;

	buf_puts(out, "#   - {from: ");
	write_names(out, &line, plan, ends_first ? row->ends : row->others,
		ends_first ? row->ends_count : row->others_count);
	separate(out, &line, strlen("to: ") + 20);
	buf_puts(out, "to: ");
	write_names(out, &line, plan, ends_first ? row->others : row->ends,
		ends_first ? row->others_count : row->ends_count);
	separate(out, &line, strlen("because: \"...\", at_most: 30m}"));
	buf_printf(out, "because: \"...\", at_most: 30m}  # %s\n", row->verbs);
}

static void write_head(struct buf *out, size_t count)
{
	if (count == 0)
		buf_puts(out,
			"\n# Crossings between the environments that are meant: `airlock plan` "
			"lists all.\n# overlap:\n#   - {from: SERVICE, to: STORE, because: "
			"\"...\", at_most: 30m}\n");
	else
		buf_printf(out,
			"\n# %zu crossing%s between the environments while only a part has moved: "
			"`airlock plan` refuses each\n# until somebody declares it.  Uncomment "
			"what is meant and say why; `together` moves two in one piece.\n"
			"# overlap:\n",
			count, count == 1 ? "" : "s");
}

static void write_groups(struct buf *out, const struct plan *plan, const struct groups *g)
{
	for (size_t i = 0; i < g->count && i < PROPOSALS_MAX; i++)
		write_group(out, plan, g, &g->rows[i]);
	if (g->count > PROPOSALS_MAX)
		buf_printf(out, "#   and %zu more such lines\n", g->count - PROPOSALS_MAX);
}

size_t proposals_write(const struct plan *plan, struct arena *arena, struct buf *out)
{
	struct sequence sequence;
	struct crossings crossings = {0};
	struct groups from = {.arena = arena}, to = {.arena = arena, .by_to = true};
	size_t count = 0;

	if (plan) {
		sequence_make(plan, arena, &sequence);
		crossings_find(&sequence, arena, &crossings);
	}
	for (size_t i = 0; i < crossings.count; i++)
		if (crossing_is_accident(&crossings.list[i]))
			crossings.list[count++] = crossings.list[i];
	write_head(out, count);
	make_groups(&from, crossings.list, count);
	make_groups(&to, crossings.list, count);
	write_groups(out, plan, to.count <= from.count ? &to : &from);
	return count;
}
