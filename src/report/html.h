/*
 * html.h - text into HTML, so that it stays text.
 */
#ifndef AIRLOCK_REPORT_HTML_H
#define AIRLOCK_REPORT_HTML_H

#include <stdint.h>

#include "base/buf.h"

/*
 * Appends `text` for an element's content or a double-quoted attribute: what means something to
 * HTML becomes a reference; controls, what reorders text and bytes that are no UTF-8 become visible
 * (\x1b), as in a terminal's output.
 */
void html_text(struct buf *out, const char *text);
/* html_text of the first `max` characters and an ellipsis when there are more. */
void html_text_cut(struct buf *out, const char *text, size_t max);
/* <TAG CLASS>text</TAG>; `attributes` is markup of ours, with a space in front, or "". */
void html_element(struct buf *out, const char *tag, const char *attributes, const char *text);
/* <time datetime="...">2026-11-25 01:30:26.123</time>; "not known" below 0. */
void html_time(struct buf *out, int64_t ms);
/* A span of time for people. */
void html_span(struct buf *out, double ms);

#endif
