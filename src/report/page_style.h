/* page_style.h - style.css, as it is built in. */
#ifndef AIRLOCK_REPORT_PAGE_STYLE_H
#define AIRLOCK_REPORT_PAGE_STYLE_H

extern const char page_style[];

#endif
