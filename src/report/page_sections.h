/*
 * page_sections.h - the sections of the page; each appends one <section>.
 */
#ifndef AIRLOCK_REPORT_PAGE_SECTIONS_H
#define AIRLOCK_REPORT_PAGE_SECTIONS_H

#include "base/buf.h"
#include "report/report.h"

void page_timeline(const struct report *report, struct buf *out);
void page_attempts(const struct report *report, struct buf *out);
void page_graph(const struct report *report, struct buf *out);
void page_latency(const struct report *report, struct buf *out);
void page_gates(const struct report *report, struct buf *out);
void page_decisions(const struct report *report, struct buf *out);
void page_verifies(const struct report *report, struct buf *out);
void page_guard(const struct report *report, struct buf *out);
void page_journal(const struct report *report, struct buf *out);

#endif
