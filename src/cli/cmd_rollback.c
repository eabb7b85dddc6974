/* `airlock rollback`: the same machine with the sides exchanged. */
#include "cli/approval.h"
#include "cli/cmd.h"
#include "cli/mover.h"
#include "cli/readiness.h"

int cmd_rollback(struct cmd_ctx *ctx, struct err *err)
{
	int64_t to = opt_number(ctx->opt, FLAG_ROLLBACK_TO, 0);
	struct mover_order order = {
		.mode = CORE_RUN, .goal = SIDE_OLD, .first_wave = to ? to + 1 : 0};
	FLEET_AUTO fleet = {0};

	if (approval_need(ctx, FLAG_ROLLBACK_APPROVE, APPROVAL_RECORDED, "roll back", err) ||
		cmd_lock(ctx, err) || fleet_open(ctx->plan, &fleet, err) ||
		readiness_need(ctx, &fleet, err))
		return -1;
	return mover_run(ctx, &fleet, &order, err);
}
