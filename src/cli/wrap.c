#include "cli/wrap.h"

#include <string.h>

#include "base/check.h"
#include "base/utf8.h"
#include "cli/out.h"

/* Characters, not bytes; double width is not worth a table here. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text >> 6) != 2;
	return width;
}

static void new_line(struct buf *out, size_t indent)
{
	buf_printf(out, "\n%*s", (int)indent, "");
}

/* A name that is too long for the indent is kept whole: its line begins further left. */
static size_t indent_for(size_t width, size_t indent)
{
	if (width >= WRAP_COLUMNS)
		return 0;
	return indent + width > WRAP_COLUMNS ? WRAP_COLUMNS - width : indent;
}

void wrap_text(struct buf *out, const char *text, size_t at, size_t indent)
{
	bool first = true; /* on its line */

	REQUIRE(indent < WRAP_COLUMNS);
	if (at < indent)
		buf_printf(out, "%*s", (int)(indent - at), "");
	at = at < indent ? indent : at;
	while (*text) {
		size_t len = strcspn(text, " \n");
		BUF_AUTO raw = BUF_INIT;
		BUF_AUTO word = BUF_INIT;

		buf_add(&raw, text, len);
		out_safe(&word, buf_str(&raw));
		if (len && !(first && at == indent) &&
			at + !first + width_of(buf_str(&word)) > WRAP_COLUMNS) {
			at = indent_for(width_of(buf_str(&word)), indent);
			new_line(out, at);
			first = true;
		}
		if (len && !first)
			buf_putc(out, ' ');
		buf_add(out, buf_str(&word), word.len);
		at += (len && !first) + width_of(buf_str(&word));
		first = first && !len;
		text += len;
		if (*text == '\n' && text[1] && len && strchr(".:", text[-1])) {
			new_line(out, indent);
			at = indent;
			first = true;
		}
		text += *text != '\0';
	}
	buf_putc(out, '\n');
}

void wrap_name(struct buf *out, const char *name, size_t columns)
{
	bool fits = strlen(name) < columns;

	buf_printf(out, "%s%s%*s", name, fits ? "" : "\n",
		(int)(fits ? columns - strlen(name) : columns), "");
}
