/*
 * measured.h - what was measured about stores and edges (plan/gravity.h), kept in the journal.
 *
 * Kind "measured", one fact per store (key "store NAME") and per edge (key "edge FROM TO"), the
 * newest holds.  A journal that is not there, or does not answer, remembers nothing.
 */
#ifndef AIRLOCK_CLI_MEASURED_H
#define AIRLOCK_CLI_MEASURED_H

#include "cli/cmd.h"
#include "plan/gravity.h"

/* What is remembered of this plan's stores and edges, in the context's arena. */
void measured_recall(struct cmd_ctx *ctx, struct gravity_book *ret);
/* Writes down one measurement.  Call it only while nobody is held. */
int measured_keep_store(struct cmd_ctx *ctx, size_t store, const struct gravity_store *seen,
	struct err *err) MUST_CHECK;
int measured_keep_edge(
	struct cmd_ctx *ctx, const struct gravity_edge *seen, struct err *err) MUST_CHECK;

#endif
