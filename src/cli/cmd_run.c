/* `airlock run`: check, sync when it has not been done, then the waves. */
#include "cli/approval.h"
#include "cli/cmd.h"
#include "cli/mover.h"
#include "cli/readiness.h"
#include "cli/syncer.h"

static void dry_run(struct cmd_ctx *ctx)
{
	for (int phase = PHASE_READY; phase <= PHASE_RETIRED; phase++) {
		size_t count;
		const struct step *steps = table_steps((enum phase)phase, &count);

		for (size_t i = 0; i < count; i++)
			out_data(ctx->out, "would %-10s undo: %s\n", verb_word(steps[i].verb),
				verb_undo(steps[i].verb));
	}
}

int cmd_run(struct cmd_ctx *ctx, struct err *err)
{
	int64_t wave = opt_number(ctx->opt, FLAG_RUN_WAVE, 0);
	int64_t until = opt_number(ctx->opt, FLAG_RUN_UNTIL, 0);
	struct mover_order order = {.mode = CORE_RUN,
		.goal = SIDE_NEW,
		.first_wave = wave,
		.last_wave = wave ? wave : until};
	FLEET_AUTO fleet = {0};
	int code;

	if (opt_given(ctx->opt, FLAG_RUN_DRY_RUN)) {
		dry_run(ctx);
		return 0;
	}
	if (approval_need(ctx, FLAG_RUN_APPROVE, APPROVAL_RECORDED, "run the plan", err) ||
		cmd_lock(ctx, err) || fleet_open(ctx->plan, &fleet, err) ||
		syncer_ensure(ctx, &fleet, err) || readiness_need(ctx, &fleet, err))
		return -1;
	code = mover_run(ctx, &fleet, &order, err);
	return code == 0 && until ? 4 : code;
}
