/*
 * source.h - a text with its lines: from a position to the place that a person sees, and problems
 * that point there.
 *
 * Positions are character indices as libyaml counts them (code points from 0, a leading byte order
 * mark left out).  A line ends at \n, \r\n or \r, as editors have it; libyaml's own line numbers
 * also count U+2028 and are not used.
 *
 * A line that was hidden because a secret stands in it is never copied into a problem (law 12),
 * nor is one that merely looks so: a comment, or a text that is too broken to be parsed.
 *
 * Everything is in the arena given to source_init; path and text are borrowed, and text[len]
 * is NUL.
 */
#ifndef AIRLOCK_PLAN_SOURCE_H
#define AIRLOCK_PLAN_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "plan/plan.h"
#include "plan/problem.h"

struct source_line {
	size_t byte, chr; /* where it begins */
	bool hidden;
};

struct source {
	const char *path;
	const char *text;
	size_t len, chars;
	struct source_line *lines; /* at least one */
	size_t lines_count;
};

/* Characters [start, end). */
struct span {
	size_t start, end;
};

void source_init(
	struct source *src, struct arena *arena, const char *path, const char *text, size_t len);
struct plan_pos source_pos(const struct source *src, size_t chr);
/* Between characters and bytes; both are clipped at the end of the text. */
size_t source_byte(const struct source *src, size_t chr);
size_t source_chr(const struct source *src, size_t byte);
void source_hide(struct source *src, struct span at);

/*
 * Adds a problem that underlines `at` as far as its first line goes.  `help` may be NULL.  Control
 * characters and the like in the message have been made harmless by text_quote() before.
 */
void source_report(const struct source *src, struct problems *ps, const char *id,
	enum problem_severity severity, struct span at, const char *help, const char *fmt, ...)
	__attribute__((format(printf, 7, 8)));

#endif
