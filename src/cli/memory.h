/*
 * memory.h - writers that were seen earlier, kept in the journal (kind "writer"), so that a
 * look-back is longer than one look.  A journal that is not there, or does not answer, remembers
 * nothing: what the gate sees now still counts.
 */
#ifndef AIRLOCK_CLI_MEMORY_H
#define AIRLOCK_CLI_MEMORY_H

#include "cli/cmd.h"
#include "discover/finding.h"
#include "discover/writers.h"

/* Adds what the journal knows. */
void memory_recall(struct cmd_ctx *ctx, struct writers *w);
/* Writes down each undeclared writer that was seen now and is new, or was last written down more
 * than ten minutes ago.  Call it only while nobody is held. */
void memory_keep(struct cmd_ctx *ctx, const struct writers *w);

/* The same for what is no session (kind "dependency"): every one that was found now. */
void memory_recall_findings(struct cmd_ctx *ctx, struct findings *f);
void memory_keep_findings(struct cmd_ctx *ctx, const struct findings *f);

#endif
