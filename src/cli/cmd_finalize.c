/* `airlock finalize`: the one-way door. */
#include "cli/approval.h"
#include "cli/cmd.h"
#include "cli/leftovers.h"
#include "cli/mover.h"
#include "cli/moves.h"

int cmd_finalize(struct cmd_ctx *ctx, struct err *err)
{
	struct mover_order order = {.mode = CORE_FINALIZE};
	FLEET_AUTO fleet = {0};
	int rc;

	if (approval_need(ctx, FLAG_FINALIZE_APPROVE, APPROVAL_NOW, "give up the way back for good",
		    err) ||
		cmd_lock(ctx, err) || fleet_open(ctx->plan, &fleet, err) ||
		moves_need_side(ctx, SIDE_NEW, "without a way back it would stay there",
			"`airlock run`", err))
		return -1;
	rc = mover_run(ctx, &fleet, &order, err);
	if (rc == EXIT_DONE)
		leftovers_tell(ctx, &fleet);
	return rc;
}
