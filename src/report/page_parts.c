#include "report/page_parts.h"

void page_section(struct buf *out, const char *id, const char *title, const char *note)
{
	buf_printf(out, "<section id=\"%s\" aria-labelledby=\"%s-title\">\n<h2 id=\"%s-title\">",
		id, id, id);
	html_text(out, title);
	buf_puts(out, "</h2>\n");
	if (note != NULL) {
		html_element(out, "p", " class=\"note\"", note);
		buf_putc(out, '\n');
	}
}

void page_scroll(struct buf *out, const char *label)
{
	buf_puts(out, "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"");
	html_text(out, label);
	buf_puts(out, "\">\n");
}

void page_scroll_end(struct buf *out)
{
	buf_puts(out, "</div>\n");
}

void page_badge(struct buf *out, const char *kind, const char *text)
{
	buf_printf(out, "<span class=\"badge %s\">", kind);
	html_text(out, text);
	buf_puts(out, "</span>");
}
