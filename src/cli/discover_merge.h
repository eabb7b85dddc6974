/*
 * discover_merge.h - what would declare everything undeclared, as a patch for the plan file.
 *
 * The plan itself is never written.  The patch is in unified form; each service says in a comment
 * where it was found.  What would cross between the environments by that is declared under
 * `overlap`.  What it would make is checked as a plan first; what `run` would refuse in it all the
 * same is told as a note.
 */
#ifndef AIRLOCK_CLI_DISCOVER_MERGE_H
#define AIRLOCK_CLI_DISCOVER_MERGE_H

#include "cli/discover_view.h"

/* "" in `out` when there is nothing to declare.  ERR_REFUSED when the plan's `services` or
 * `overlap` is not written one per line: the message says what to do. */
int discover_merge(struct cmd_ctx *ctx, const struct discovered *d, struct buf *out,
	struct err *err) MUST_CHECK;

#endif
