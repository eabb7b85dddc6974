/*
 * runbook_text.h - a runbook for a terminal or a sheet of paper: 80 columns, safe.
 */
#ifndef AIRLOCK_CLI_RUNBOOK_TEXT_H
#define AIRLOCK_CLI_RUNBOOK_TEXT_H

#include "base/buf.h"
#include "report/runbook.h"

/* Commands to type stay on one line, however long. */
void runbook_text(const struct runbook *runbook, struct arena *arena, struct buf *out);

#endif
