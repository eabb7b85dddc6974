/* `airlock resume`: reads the registers, finishes or undoes.  Works without the journal. */
#include "cli/cmd.h"
#include "cli/mover.h"

int cmd_resume(struct cmd_ctx *ctx, struct err *err)
{
	struct mover_order order = {.mode = CORE_RESUME};
	FLEET_AUTO fleet = {0};

	/* No lock: a controller that hangs must not keep anybody from settling what it left, and
	 * two at once are harmless. */
	if (fleet_open(ctx->plan, &fleet, err))
		return -1;
	return mover_run(ctx, &fleet, &order, err);
}
