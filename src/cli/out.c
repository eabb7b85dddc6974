#include "cli/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/utf8.h"

void out_safe(struct buf *out, const char *text)
{
	uint32_t c = 0;

	REQUIRE(text != NULL);
	while (*text) {
		size_t len = utf8_next(text, &c);

		if (len == 0) {
			buf_printf(out, "\\x%02x", (unsigned char)*text++);
			continue;
		}
		if (c == '\n' || c == '\t')
			buf_puts(out, c == '\n' ? "\\n" : "\\t");
		else if (utf8_is_unsafe(c))
			buf_printf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
		else
			buf_add(out, text, len);
		text += len;
	}
}

static bool wants_color(FILE *stream, bool no_color)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (no_color || (no && no[0]) || !term || !strcmp(term, "dumb"))
		return false;
	return isatty(fileno(stream)) == 1;
}

void out_init(struct out *out, FILE *data, FILE *messages, bool no_color)
{
	REQUIRE(data != NULL);
	REQUIRE(messages != NULL);
	*out = (struct out){.data = data, .messages = messages};
	out->color_data = wants_color(data, no_color);
	out->color_messages = wants_color(messages, no_color);
}

void out_data(struct out *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(out->data, fmt, ap);
	va_end(ap);
}

void out_text(struct out *out, const struct buf *text)
{
	fwrite(buf_str(text), 1, text->len, out->data);
}

/* ASCII only: U+0080 to U+009F would otherwise reach a terminal that acts on them. */
static void write_json(struct out *out, json_t *doc, size_t flags)
{
	ENSURE(doc != NULL);
	json_dumpf(doc, out->data, flags | JSON_ENSURE_ASCII);
	putc('\n', out->data);
	json_decref(doc);
}

void out_json(struct out *out, json_t *doc)
{
	write_json(out, doc, out->ndjson ? JSON_COMPACT : JSON_INDENT(2));
}

void out_json_line(struct out *out, json_t *doc)
{
	write_json(out, doc, JSON_COMPACT);
	fflush(out->data); /* as things happen: whoever reads the lines waits for this one */
}

json_t *out_json_string(const char *text)
{
	BUF_AUTO clean = BUF_INIT;

	if (!text)
		return json_null();
	utf8_clean(&clean, text);
	return json_stringn(buf_str(&clean), clean.len);
}

static const char *const sequences[] = {
	[COLOR_NONE] = "\033[0m",
	[COLOR_RED] = "\033[31m",
	[COLOR_GREEN] = "\033[32m",
	[COLOR_YELLOW] = "\033[33m",
	[COLOR_BOLD] = "\033[1m",
	[COLOR_DIM] = "\033[2m",
};

const char *out_color(const struct out *out, enum out_color color)
{
	REQUIRE(color < ARRAY_LEN(sequences));
	return out->color_data ? sequences[color] : "";
}

/* One call per line, so that lines of several processes do not mix. */
static void message(struct out *out, enum out_color color, const char *prefix, const char *text)
{
	BUF_AUTO line = BUF_INIT;
	bool paint = out->color_messages && color != COLOR_NONE;

	if (paint)
		buf_puts(&line, sequences[color]);
	buf_puts(&line, prefix);
	if (paint)
		buf_puts(&line, sequences[COLOR_NONE]);
	out_safe(&line, text);
	buf_putc(&line, '\n');
	fflush(out->data); /* keeps the order of both where they go to one terminal */
	fwrite(line.data, 1, line.len, out->messages);
	fflush(out->messages);
}

void out_message_text(struct out *out, const struct buf *text)
{
	fflush(out->data);
	fwrite(buf_str(text), 1, text->len, out->messages);
	fflush(out->messages);
}

static void message_va(
	struct out *out, enum out_color color, const char *prefix, const char *fmt, va_list ap)
{
	char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		return;
	message(out, color, prefix, text);
	free(text);
}

void out_note(struct out *out, const char *fmt, ...)
{
	va_list ap;

	if (out->quiet)
		return;
	va_start(ap, fmt);
	message_va(out, COLOR_NONE, "", fmt, ap);
	va_end(ap);
}

void out_detail(struct out *out, const char *fmt, ...)
{
	va_list ap;

	if (!out->verbose)
		return;
	va_start(ap, fmt);
	message_va(out, COLOR_DIM, "", fmt, ap);
	va_end(ap);
}

void out_warn(struct out *out, const char *fmt, ...)
{
	va_list ap;

	if (out->quiet)
		return;
	va_start(ap, fmt);
	message_va(out, COLOR_YELLOW, "airlock: warning: ", fmt, ap);
	va_end(ap);
}

void out_error(struct out *out, const char *text, const char *help)
{
	message(out, COLOR_RED, "airlock: ", text);
	if (help)
		message(out, COLOR_NONE, "help: ", help);
}

int out_finish(struct out *out, struct err *err)
{
	bool failed = ferror(out->data) != 0;

	errno = 0;
	if (fflush(out->data) || failed)
		return err_set_errno(err, ERR_IO, "cannot write to standard output");
	return 0;
}
