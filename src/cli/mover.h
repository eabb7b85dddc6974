/*
 * mover.h - runs the engine over the waves of a plan for `run`, `resume`, `rollback` and
 * `finalize`, keeps the journal, and says what happened: as text, and as airlock.run/1.
 */
#ifndef AIRLOCK_CLI_MOVER_H
#define AIRLOCK_CLI_MOVER_H

#include "cli/cmd.h"
#include "cli/fleet.h"
#include "core/core.h"
#include "plan/sequence.h"

struct mover_order {
	enum core_mode mode;
	enum side goal;	    /* CORE_RUN only */
	int64_t first_wave; /* from 1; 0 = all */
	int64_t last_wave;  /* 0 = all */
};

bool mover_wants(const struct mover_order *order, size_t wave);
/* Returns an exit code, or -1 when it could not even begin. */
int mover_run(
	struct cmd_ctx *ctx, struct fleet *fleet, const struct mover_order *order, struct err *err);

#endif
