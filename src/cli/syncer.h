/*
 * syncer.h - sets replication up for every store of the plan, with progress; for `sync` and as the
 * first part of `run`.
 */
#ifndef AIRLOCK_CLI_SYNCER_H
#define AIRLOCK_CLI_SYNCER_H

#include "cli/cmd.h"
#include "cli/fleet.h"

/* All stores, from wherever an earlier call got to. */
int syncer_run(struct cmd_ctx *ctx, struct fleet *fleet, struct err *err) MUST_CHECK;
/* Only stores that have no register yet. */
int syncer_ensure(struct cmd_ctx *ctx, struct fleet *fleet, struct err *err) MUST_CHECK;

#endif
