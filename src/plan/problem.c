#include "plan/problem.h"

#include <string.h>

#include "base/check.h"

#define ROWS_MAX 200
/* Longer lines are shown through a window around the caret. */
#define WINDOW_CHARS 100

static const struct {
	const char *id, *text;
} explanations[] = {
#define PROBLEM(id, text) {id, text},
#include "plan/problems.def"
#undef PROBLEM
};

void problems_init(struct problems *ps, struct arena *arena)
{
	REQUIRE(arena != NULL);
	*ps = (struct problems){.arena = arena};
}

static const char *copy(struct arena *arena, const char *str)
{
	return str ? arena_strdup(arena, str) : NULL;
}

bool problems_full(const struct problems *ps)
{
	return ps->count == ROWS_MAX;
}

void problems_add(struct problems *ps, const struct problem *p)
{
	struct problem *row;

	REQUIRE(p->id != NULL);
	REQUIRE(p->message != NULL);
	if (p->severity == PROBLEM_ERROR)
		ps->errors++;
	if (p->severity == PROBLEM_REFUSAL)
		ps->refusals++;
	if (problems_full(ps))
		return;
	ps->rows = arena_grow(ps->arena, ps->rows, ps->count, &ps->cap, sizeof *ps->rows);
	row = &ps->rows[ps->count++];
	*row = *p;
	row->id = copy(ps->arena, p->id);
	row->file = copy(ps->arena, p->file);
	row->message = copy(ps->arena, p->message);
	row->help = copy(ps->arena, p->help);
	row->source = copy(ps->arena, p->source);
	if (row->width < 1)
		row->width = 1;
}

static bool comes_later(const struct problem *a, const struct problem *b)
{
	return a->line != b->line ? a->line > b->line : a->column > b->column;
}

/* By insertion: at most ROWS_MAX rows, mostly in order already, and equal places keep theirs. */
void problems_sort(struct problems *ps)
{
	for (size_t i = 1; i < ps->count; i++) {
		struct problem row = ps->rows[i];
		size_t at = i;

		for (; at > 0 && comes_later(&ps->rows[at - 1], &row); at--)
			ps->rows[at] = ps->rows[at - 1];
		ps->rows[at] = row;
	}
}

static bool starts_char(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

/* The first byte of character n, or the end. */
static const char *char_at(const char *str, int n)
{
	for (; *str; str++)
		if (starts_char(*str) && n-- == 0)
			break;
	return str;
}

static int count_chars(const char *str)
{
	int n = 0;

	for (; *str; str++)
		n += starts_char(*str);
	return n;
}

static void print_source(const struct problem *p, bool color, struct buf *out)
{
	int total = count_chars(p->source);
	int first = 0, caret = p->column - 1, width = p->width;
	const char *from, *to;

	if (total > WINDOW_CHARS && caret > WINDOW_CHARS / 2)
		first = caret - WINDOW_CHARS / 2;
	from = char_at(p->source, first);
	to = char_at(from, WINDOW_CHARS);
	buf_printf(out, "%5d | %s", p->line, first ? "…" : "");
	buf_add(out, from, (size_t)(to - from));
	buf_printf(out, "%s\n      | %s", *to ? "…" : "", first ? " " : "");
	if (width > WINDOW_CHARS - (caret - first))
		width = WINDOW_CHARS - (caret - first);
	buf_printf(out, "%*s%s^", caret - first, "", color ? "\033[1;32m" : "");
	while (--width > 0)
		buf_putc(out, '~');
	buf_puts(out, color ? "\033[0m\n" : "\n");
}

static void print_one(const struct problem *p, bool color, struct buf *out)
{
	static const char *const colors[] = {
		[PROBLEM_ERROR] = "\033[1;31m",
		[PROBLEM_WARNING] = "\033[1;35m",
		[PROBLEM_NOTE] = "\033[1;36m",
		[PROBLEM_REFUSAL] = "\033[1;31m",
	};

	buf_puts(out, p->file ? p->file : "plan");
	if (p->line > 0)
		buf_printf(out, ":%d:%d", p->line, p->column);
	buf_printf(out, ": %s%s:%s %s\n", color ? colors[p->severity] : "",
		problem_severity_name(p->severity), color ? "\033[0m" : "", p->message);
	if (p->line > 0 && p->source)
		print_source(p, color, out);
	if (p->help)
		buf_printf(out, "  help: %s\n", p->help);
	buf_printf(out, "  help: airlock explain %s\n", p->id);
}

static void print_left(size_t all, size_t shown, const char *what, struct buf *out)
{
	if (all > shown)
		buf_printf(out, "and %zu more %s\n", all - shown, what);
}

static void print_some(struct problems *ps, bool refusals, bool others, bool color, struct buf *out)
{
	size_t errors = 0, refused = 0;

	problems_sort(ps);
	for (size_t i = 0; i < ps->count; i++) {
		bool refusal = ps->rows[i].severity == PROBLEM_REFUSAL;

		if (refusal ? refusals : others)
			print_one(&ps->rows[i], color, out);
		errors += ps->rows[i].severity == PROBLEM_ERROR;
		refused += refusal;
	}
	if (others)
		print_left(ps->errors, errors, "errors", out);
	if (refusals)
		print_left(ps->refusals, refused, "refusals", out);
}

void problems_print(struct problems *ps, bool color, struct buf *out)
{
	print_some(ps, true, true, color, out);
}

void problems_print_others(struct problems *ps, bool color, struct buf *out)
{
	print_some(ps, false, true, color, out);
}

void problems_print_refusals(struct problems *ps, bool color, struct buf *out)
{
	print_some(ps, true, false, color, out);
}

const char *problem_severity_name(enum problem_severity severity)
{
	static const char *const names[] = {
		[PROBLEM_ERROR] = "error",
		[PROBLEM_WARNING] = "warning",
		[PROBLEM_NOTE] = "note",
		[PROBLEM_REFUSAL] = "refused",
	};

	REQUIRE(severity < ARRAY_LEN(names));
	return names[severity];
}

const char *problem_explain(const char *id)
{
	for (size_t i = 0; i < ARRAY_LEN(explanations); i++)
		if (strcmp(explanations[i].id, id) == 0)
			return explanations[i].text;
	return NULL;
}

size_t problem_ids(const char *const **ret_ids)
{
	static const char *const ids[] = {
#define PROBLEM(id, text) id,
#include "plan/problems.def"
#undef PROBLEM
	};

	*ret_ids = ids;
	return ARRAY_LEN(ids);
}
