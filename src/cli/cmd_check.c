/* `airlock check`: the gates, exercised. */
#include "base/clock.h"
#include "cli/check_report.h"
#include "cli/cmd.h"
#include "cli/evidence.h"
#include "cli/fleet.h"
#include "cli/memory.h"
#include "cli/waiver.h"

#define CHECK_MS 60000
#define NAGIOS_CRITICAL 2

/* One gate is asked about itself; all of them are asked whether `run` would begin. */
static bool refused(const struct cmd_ctx *ctx, const char *only)
{
	return only == NULL && ctx->problems.refusals > 0;
}

static int answer_nagios(struct cmd_ctx *ctx, const struct gates_round *round, const char *only)
{
	if (!refused(ctx, only))
		return check_nagios(ctx->out, round);
	out_data(ctx->out, "AIRLOCK CRITICAL - plan: refused for %zu reasons, see airlock plan\n",
		ctx->problems.refusals);
	return NAGIOS_CRITICAL;
}

static void answer_json(struct cmd_ctx *ctx, const struct gates_round *round, const char *only)
{
	json_t *doc = check_json(round);

	json_object_set_new(doc, "refusals", json_integer((json_int_t)ctx->problems.refusals));
	if (refused(ctx, only))
		json_object_set_new(doc, "verdict", json_string("not-ready"));
	out_json(ctx->out, doc);
}

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
		gates_ask(ctx->plan, fleet.stores, fleet.routes, only, clock_now_ms() + CHECK_MS,
			&writers, &round, err) ||
		evidence_keep(ctx, &round, err))
		return -1;
	memory_keep(ctx, &writers);
	waiver_apply(ctx, &round);
	if (opt_given(ctx->opt, FLAG_CHECK_NAGIOS))
		return answer_nagios(ctx, &round, only);
	if (ctx->out->json)
		answer_json(ctx, &round, only);
	else
		check_text(ctx->out, &round);
	if (only == NULL && cmd_need_unrefused(ctx, err))
		return -1;
	return gates_ready(&round) ? EXIT_DONE : EXIT_REFUSED;
}
