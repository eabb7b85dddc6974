/*
 * page_parts.h - what every section of the page is made of.
 */
#ifndef AIRLOCK_REPORT_PAGE_PARTS_H
#define AIRLOCK_REPORT_PAGE_PARTS_H

#include "report/html.h"

/* <section id> with its heading and, when not NULL, a note below it. */
void page_section(struct buf *out, const char *id, const char *title, const char *note);
/* A box that scrolls sideways and can be reached by keyboard; close with page_scroll_end. */
void page_scroll(struct buf *out, const char *label);
void page_scroll_end(struct buf *out);
/* <span class="badge KIND">text</span>; kind is "good", "bad", "warn" or "". */
void page_badge(struct buf *out, const char *kind, const char *text);

#endif
