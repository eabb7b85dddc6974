/* `airlock check`: the gates, exercised. */
#include <stdlib.h>

#include "base/clock.h"
#include "cli/check_report.h"
#include "cli/cmd.h"
#include "cli/fleet.h"
#include "cli/memory.h"
#include "cli/waiver.h"

#define CHECK_MS 60000

/* What was measured, when, and how long it is worth something; the newest of a gate holds. */
static int record(struct cmd_ctx *ctx, const struct gate_result *result, struct err *err)
{
	json_t *doc = check_gate_json(result);
	char *detail = json_dumps(doc, JSON_COMPACT);
	BUF_AUTO text = BUF_INIT;
	struct journal_entry entry = {.kind = "evidence", .key = result->id};
	int rc;

	buf_printf(&text, "gate %s: %s", result->id, gate_state_name(result->answer.state));
	entry.text = buf_str(&text);
	entry.detail = detail;
	rc = journal_put(ctx->journal, &entry, err);
	free(detail);
	json_decref(doc);
	return rc;
}

static int record_all(struct cmd_ctx *ctx, const struct gates_round *round, struct err *err)
{
	for (size_t i = 0; ctx->journal != NULL && i < round->count; i++)
		if (round->results[i].answer.valid_s > 0 && record(ctx, &round->results[i], err))
			return -1;
	return 0;
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
		gates_ask(ctx->plan, fleet.stores, only, clock_now_ms() + CHECK_MS, &writers,
			&round, err) ||
		record_all(ctx, &round, err))
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
