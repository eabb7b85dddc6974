#include "cli/evidence.h"

#include <stdlib.h>

#include "cli/check_report.h"

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

int evidence_keep(struct cmd_ctx *ctx, const struct gates_round *round, struct err *err)
{
	for (size_t i = 0; ctx->journal != NULL && i < round->count; i++)
		if (round->results[i].answer.valid_s > 0 && record(ctx, &round->results[i], err))
			return -1;
	return 0;
}
