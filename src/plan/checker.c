#include "plan/checker.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "plan/secret.h"
#include "plan/text.h"

/* As high as a tree can be. */
#define LEVELS_MAX (PLAN_DEPTH_MAX + 1)

static size_t levels(const struct path *path, const struct path *ret[LEVELS_MAX])
{
	size_t count = 0, at;

	for (const struct path *p = path; p && (p->key || p->up); p = p->up)
		count++;
	REQUIRE(count <= LEVELS_MAX);
	at = count;
	for (const struct path *p = path; at > 0; p = p->up)
		ret[--at] = p;
	return count;
}

static void put_key(struct buf *out, const struct path *path)
{
	size_t len = strlen(path->key);

	if (secret_suspected(path->key, len))
		buf_puts(out, "(hidden)");
	else
		text_visible(path->key, strnlen(path->key, TEXT_NAME_MAX), out);
}

const char *path_text(const struct path *path, char ret[CHECKER_PATH_BYTES])
{
	const struct path *all[LEVELS_MAX];
	size_t count = levels(path, all);
	BUF_AUTO out = BUF_INIT;

	for (size_t i = 0; i < count; i++) {
		if (!all[i]->key) {
			buf_printf(&out, "[%zu]", all[i]->index);
			continue;
		}
		if (out.len)
			buf_putc(&out, '.');
		put_key(&out, all[i]);
	}
	snprintf(ret, CHECKER_PATH_BYTES, "%s", out.len ? buf_str(&out) : "plan");
	text_trim(ret);
	return ret;
}

const char *path_pattern(const struct path *path, char ret[CHECKER_PATH_BYTES])
{
	const struct path *all[LEVELS_MAX];
	size_t count = levels(path, all);
	BUF_AUTO out = BUF_INIT;

	for (size_t i = 0; i < count; i++)
		buf_printf(&out, "%s%s", out.len ? "." : "",
			all[i]->chosen || !all[i]->key ? "*" : all[i]->key);
	snprintf(ret, CHECKER_PATH_BYTES, "%s", buf_str(&out));
	return ret;
}

static void add_error(struct checker *ck, const char *path, const char *id, struct span at,
	const char *help, const char *fmt, va_list ap)
{
	char message[640];

	vsnprintf(message, sizeof message, fmt, ap);
	text_trim(message);
	source_report(ck->src, ck->ps, id, PROBLEM_ERROR, at, help, "%s: %s", path, message);
}

void checker_error(struct checker *ck, const struct path *path, const char *id, struct span at,
	const char *help, const char *fmt, ...)
{
	char text[CHECKER_PATH_BYTES];
	va_list ap;

	va_start(ap, fmt);
	add_error(ck, path_text(path, text), id, at, help, fmt, ap);
	va_end(ap);
}

void checker_error_at(struct checker *ck, const char *path, const char *id, struct span at,
	const char *help, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_error(ck, path, id, at, help, fmt, ap);
	va_end(ap);
}

const char *checker_name(struct checker *ck, const char *name)
{
	char shown[TEXT_QUOTE_BYTES];

	return arena_strdup(ck->scratch, text_quote(name, strlen(name), shown));
}

const char *checker_guess(struct checker *ck, const struct text_nearest *near)
{
	return near->best ? arena_printf(ck->scratch, " (did you mean %s?)",
				    checker_name(ck, near->best))
			  : "";
}

void checker_add_ref(struct checker *ck, const struct ref *ref)
{
	ck->refs =
		arena_grow(ck->scratch, ck->refs, ck->refs_count, &ck->refs_cap, sizeof *ck->refs);
	ck->refs[ck->refs_count++] = *ref;
}
