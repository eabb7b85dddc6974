#include "plan/source.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "plan/secret.h"
#include "plan/text.h"

/* A longer line is no help to anyone; the place is printed all the same. */
#define SHOWN_BYTES_MAX 4096

static bool starts_char(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static bool ends_line(const char *text, size_t len, size_t at)
{
	return text[at] == '\n' || (text[at] == '\r' && (at + 1 == len || text[at + 1] != '\n'));
}

static size_t count_lines(const char *text, size_t len)
{
	size_t lines = 1;

	for (size_t i = 0; i < len; i++)
		lines += ends_line(text, len, i);
	return lines;
}

void source_init(
	struct source *src, struct arena *arena, const char *path, const char *text, size_t len)
{
	size_t chr = 0, line = 0;

	REQUIRE(path != NULL);
	REQUIRE(text[len] == '\0');
	*src = (struct source){.path = path, .text = text, .len = len};
	src->lines_count = count_lines(text, len);
	src->lines = arena_calloc(arena, src->lines_count, sizeof *src->lines);
	for (size_t i = 0; i < len; i++) {
		chr += starts_char(text[i]);
		if (ends_line(text, len, i))
			src->lines[++line] = (struct source_line){.byte = i + 1, .chr = chr};
	}
	src->chars = chr;
	ENSURE(line + 1 == src->lines_count);
}

/* The last line that begins at or before chr. */
static size_t find_line(const struct source *src, size_t chr)
{
	size_t low = 0, high = src->lines_count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (src->lines[middle].chr <= chr)
			low = middle;
		else
			high = middle;
	}
	return low;
}

struct plan_pos source_pos(const struct source *src, size_t chr)
{
	size_t line = find_line(src, chr < src->chars ? chr : src->chars);

	if (chr > src->chars)
		chr = src->chars;
	return (struct plan_pos){
		.line = (int)line + 1, .column = (int)(chr - src->lines[line].chr) + 1};
}

size_t source_byte(const struct source *src, size_t chr)
{
	const struct source_line *line;
	size_t byte, at;

	if (chr >= src->chars)
		return src->len;
	line = &src->lines[find_line(src, chr)];
	byte = line->byte;
	for (at = line->chr; byte < src->len; byte++)
		if (starts_char(src->text[byte]) && at++ == chr)
			break;
	return byte;
}

size_t source_chr(const struct source *src, size_t byte)
{
	size_t line = 0, high = src->lines_count, chr;

	while (high - line > 1) {
		size_t middle = line + (high - line) / 2;

		if (src->lines[middle].byte <= byte)
			line = middle;
		else
			high = middle;
	}
	chr = src->lines[line].chr;
	for (size_t i = src->lines[line].byte; i < byte && i < src->len; i++)
		chr += starts_char(src->text[i]);
	return chr;
}

void source_hide(struct source *src, struct span at)
{
	size_t last = find_line(src, at.end > at.start ? at.end - 1 : at.start);

	for (size_t line = find_line(src, at.start); line <= last; line++)
		src->lines[line].hidden = true;
}

static size_t line_bytes(const struct source *src, size_t line)
{
	size_t from = src->lines[line].byte;
	size_t to = line + 1 < src->lines_count ? src->lines[line + 1].byte : src->len;

	while (to > from && strchr("\r\n", src->text[to - 1]) && src->text[to - 1])
		to--;
	return to - from;
}

/* NULL when the line must not or can not be shown. */
static const char *shown_line(const struct source *src, size_t line, struct buf *out)
{
	const char *text = src->text + src->lines[line].byte;
	size_t len = line_bytes(src, line);

	if (src->lines[line].hidden || len > SHOWN_BYTES_MAX || secret_suspected(text, len))
		return NULL;
	text_visible(text, len, out);
	return buf_str(out);
}

static int underlined(const struct source *src, size_t line, struct span at)
{
	const struct source_line *begin = &src->lines[line];
	size_t end = source_chr(src, begin->byte + line_bytes(src, line));

	if (at.end < end)
		end = at.end;
	return end > at.start + 1 ? (int)(end - at.start) : 1;
}

void source_report(const struct source *src, struct problems *ps, const char *id,
	enum problem_severity severity, struct span at, const char *help, const char *fmt, ...)
{
	struct plan_pos pos = source_pos(src, at.start);
	size_t line = (size_t)pos.line - 1;
	BUF_AUTO shown = BUF_INIT;
	char message[1024];
	va_list ap;

	REQUIRE(at.start <= at.end);
	/* A flood is counted, and costs no more than that however long its lines are. */
	if (problems_full(ps)) {
		problems_add(ps, &(struct problem){.id = id, .severity = severity, .message = fmt});
		return;
	}
	va_start(ap, fmt);
	vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	text_trim(message);
	problems_add(ps, &(struct problem){
				 .id = id,
				 .severity = severity,
				 .file = src->path,
				 .line = pos.line,
				 .column = pos.column,
				 .width = underlined(src, line, at),
				 .message = message,
				 .help = help,
				 .source = shown_line(src, line, &shown),
			 });
}
