/*
 * wrap.h - running text within 80 columns.
 */
#ifndef AIRLOCK_CLI_WRAP_H
#define AIRLOCK_CLI_WRAP_H

#include "base/buf.h"

#define WRAP_COLUMNS 80

/*
 * Appends the text made safe (out_safe), its words flowing between column `indent` and the last
 * one, and a newline at the end.  The cursor is at column `at` now; further lines start at indent.
 * A word that does not fit between the two begins its line further left; one longer than a line is
 * left to the terminal.  A newline in the text is a space, unless a sentence or a colon ends before
 * it: then it stays.
 */
void wrap_text(struct buf *out, const char *text, size_t at, size_t indent);

/* Appends `name` padded to `columns`; what is as long or longer stands on a line of its own, with
 * the padding on the next. */
void wrap_name(struct buf *out, const char *name, size_t columns);

#endif
