/*
 * manual.h - the manual pages, made from commands.def, exit_codes.def and what `explain` knows, as
 * man(7) source.
 */
#ifndef AIRLOCK_CLI_MANUAL_H
#define AIRLOCK_CLI_MANUAL_H

#include "base/buf.h"

/* airlock(1) */
void manual_program(const char *version, struct buf *out);
/* airlock-explain(7): every id and what to do about it */
void manual_ids(const char *version, struct buf *out);

/* Appends text so that roff takes it for text. */
void manual_text(struct buf *out, const char *text);

#endif
