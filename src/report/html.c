#include "report/html.h"

#include <string.h>

#include "base/check.h"
#include "base/utf8.h"
#include "report/record.h"
#include "report/report.h"

static void add_character(struct buf *out, uint32_t value, const char *bytes, size_t len)
{
	if (value == '&')
		buf_puts(out, "&amp;");
	else if (value == '<')
		buf_puts(out, "&lt;");
	else if (value == '>')
		buf_puts(out, "&gt;");
	else if (value == '"')
		buf_puts(out, "&quot;");
	else if (value == '\'')
		buf_puts(out, "&#39;");
	else if (value == '\n' || value == '\t')
		buf_putc(out, ' ');
	else if (utf8_is_unsafe(value))
		buf_printf(out, value < 0x100 ? "\\x%02x" : "\\u%04x", value);
	else
		buf_add(out, bytes, len);
}

/* Returns what is left of the text after `max` characters. */
static const char *add_characters(struct buf *out, const char *text, size_t max)
{
	uint32_t value = 0;

	for (size_t n = 0; *text && n < max; n++) {
		size_t len = utf8_next(text, &value);

		if (len == 0)
			buf_printf(out, "\\x%02x", (unsigned char)*text);
		else
			add_character(out, value, text, len);
		text += len > 0 ? len : 1;
	}
	return text;
}

void html_text(struct buf *out, const char *text)
{
	REQUIRE(text != NULL);
	add_characters(out, text, SIZE_MAX);
}

void html_text_cut(struct buf *out, const char *text, size_t max)
{
	REQUIRE(max > 0);
	if (*add_characters(out, text, max))
		buf_puts(out, "\u2026");
}

void html_element(struct buf *out, const char *tag, const char *attributes, const char *text)
{
	buf_printf(out, "<%s%s>", tag, attributes);
	html_text(out, text);
	buf_printf(out, "</%s>", tag);
}

void html_time(struct buf *out, int64_t ms)
{
	char text[STAMP_BYTES];

	if (ms < 0) {
		buf_puts(out, "not known");
		return;
	}
	stamp_text(ms, text);
	buf_printf(out, "<time datetime=\"%.10sT%sZ\">%s</time>", text, text + 11, text);
}

void html_span(struct buf *out, double ms)
{
	char text[SPAN_BYTES];

	span_text(ms, text);
	buf_puts(out, text);
}
