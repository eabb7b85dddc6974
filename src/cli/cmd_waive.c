/* `airlock waive GATE`: an exception that somebody signs for. */
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/cmd.h"
#include "gate/gates.h"

#define FOR_MS (24 * 3600 * 1000)

static int may_waive(const char *id, struct err *err)
{
	if (gate_must_exist(id, err))
		return -1;
	if (!gate_find(id)->waivable)
		return err_set(err, ERR_REFUSED,
			"gate %s cannot be waived: what it finds would break what Airlock "
			"promises (airlock explain %s)",
			id, id);
	return 0;
}

int cmd_waive(struct cmd_ctx *ctx, struct err *err)
{
	const char *gate = ctx->opt->args[0];
	int64_t until_s =
		(int64_t)time(NULL) + opt_time_ms(ctx->opt, FLAG_WAIVE_FOR, FOR_MS) / 1000;
	char until[CLOCK_STAMP_BYTES];
	struct journal_entry entry = {.kind = "waiver", .key = gate};
	BUF_AUTO text = BUF_INIT;
	json_t *doc;
	char *detail;
	int rc;

	if (may_waive(gate, err))
		return -1;
	clock_date(until_s, until);
	doc = json_pack("{s:s, s:s, s:o, s:o, s:I, s:s}", "gate", gate, "plan", ctx->plan->hash,
		"by", out_json_string(opt_text(ctx->opt, FLAG_WAIVE_BY)), "reason",
		out_json_string(opt_text(ctx->opt, FLAG_WAIVE_REASON)), "until_s",
		(json_int_t)until_s, "until", until);
	detail = json_dumps(doc, JSON_COMPACT);
	ENSURE(detail != NULL);
	buf_printf(&text, "gate %s is waived until %s", gate, until);
	entry.text = buf_str(&text);
	entry.detail = detail;
	rc = journal_put(ctx->journal, &entry, err);
	free(detail);
	json_decref(doc);
	if (rc == 0)
		out_note(ctx->out, "%s, for plan %s", buf_str(&text), ctx->plan->hash);
	return rc == 0 ? EXIT_DONE : -1;
}
