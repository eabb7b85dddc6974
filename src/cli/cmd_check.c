/* `airlock check`: the gates, exercised. */
#include "base/clock.h"
#include "cli/check_report.h"
#include "cli/cmd.h"
#include "cli/evidence.h"
#include "cli/fleet.h"
#include "cli/memory.h"
#include "cli/waiver.h"

#define CHECK_MS 60000

int cmd_check(struct cmd_ctx *ctx, struct err *err)
{
	const char *only = opt_text(ctx->opt, FLAG_CHECK_GATE);
	GATES_ROUND_AUTO round = {0};
	WRITERS_AUTO writers = {0};
	FLEET_AUTO fleet = {0};

	if (only != NULL && gate_must_exist(only, err))
		return -1;
	memory_recall(ctx, &writers);
	if (fleet_open(ctx->plan, &fleet, err) ||
		gates_ask(ctx->plan, fleet.stores, only, clock_now_ms() + CHECK_MS, &writers,
			&round, err) ||
		evidence_keep(ctx, &round, err))
		return -1;
	memory_keep(ctx, &writers);
	waiver_apply(ctx, &round);
	if (opt_given(ctx->opt, FLAG_CHECK_NAGIOS))
		return check_nagios(ctx->out, &round);
	if (ctx->out->json)
		out_json(ctx->out, check_json(&round));
	else
		check_text(ctx->out, &round);
	return gates_ready(&round) ? EXIT_DONE : EXIT_REFUSED;
}
