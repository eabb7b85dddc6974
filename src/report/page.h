/*
 * page.h - a report as one HTML file that loads nothing and runs nothing.
 */
#ifndef AIRLOCK_REPORT_PAGE_H
#define AIRLOCK_REPORT_PAGE_H

#include "base/buf.h"
#include "report/report.h"

/* Appends the whole document; the same report gives the same bytes. */
void report_html(const struct report *report, struct buf *out);

#endif
