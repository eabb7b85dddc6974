/*
 * services.h - the services of a wave that do not run while it crosses (engine/background.h), with
 * the journal as their memory.
 */
#ifndef AIRLOCK_CLI_SERVICES_H
#define AIRLOCK_CLI_SERVICES_H

#include "cli/mover.h"
#include "cli/mover_report.h"

/* Before the engine.  -1: one could not be stopped, what was stopped runs again, and
 * result->services says why. */
int services_before(struct cmd_ctx *ctx, struct mover_result *result,
	const struct mover_order *order) MUST_CHECK;
/* After the engine: starts again what was stopped, by this run or one that died, when one side is
 * open.  What could not be started is in result->services; it does not change the verdict (law 8).
 */
void services_after(
	struct cmd_ctx *ctx, struct mover_result *result, const struct mover_order *order);

#endif
