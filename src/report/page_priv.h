/*
 * page_priv.h - the sections of the page; each appends one <section>.
 */
#ifndef AIRLOCK_REPORT_PAGE_PRIV_H
#define AIRLOCK_REPORT_PAGE_PRIV_H

#include "report/html.h"
#include "report/report.h"

extern const char page_style[]; /* style.css */

void page_timeline(const struct report *report, struct buf *out);
void page_attempts(const struct report *report, struct buf *out);
void page_graph(const struct report *report, struct buf *out);
void page_latency(const struct report *report, struct buf *out);
void page_gates(const struct report *report, struct buf *out);
void page_decisions(const struct report *report, struct buf *out);
void page_verifies(const struct report *report, struct buf *out);
void page_guard(const struct report *report, struct buf *out);
void page_journal(const struct report *report, struct buf *out);

/* <section id> with its heading and, when not NULL, a note below it. */
void page_section(struct buf *out, const char *id, const char *title, const char *note);
/* A box that scrolls sideways and can be reached by keyboard; close with page_scroll_end. */
void page_scroll(struct buf *out, const char *label);
void page_scroll_end(struct buf *out);
/* <span class="badge KIND">text</span>; kind is "good", "bad", "warn" or "". */
void page_badge(struct buf *out, const char *kind, const char *text);

#endif
