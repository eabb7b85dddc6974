#include "cli/waiver.h"

#include <string.h>
#include <time.h>

#include "base/check.h"

/* The waiver of this gate that holds now, as an owned object; NULL = none. */
static json_t *find(struct cmd_ctx *ctx, const char *gate)
{
	struct journal_fact fact;
	struct err err = ERR_INIT;
	bool found = false, holds;
	json_t *detail;

	if (ctx->journal == NULL)
		return NULL;
	if (journal_get(ctx->journal, "waiver", gate, &found, &fact, &err)) {
		out_warn(ctx->out, "waivers cannot be read: %s", err.msg);
		return NULL;
	}
	if (!found)
		return NULL;
	detail = json_loads(fact.detail, 0, NULL);
	journal_fact_fini(&fact);
	holds = json_is_string(json_object_get(detail, "plan")) &&
		strcmp(json_string_value(json_object_get(detail, "plan")), ctx->plan->hash) == 0 &&
		json_integer_value(json_object_get(detail, "until_s")) >= (int64_t)time(NULL);
	if (!holds) {
		json_decref(detail);
		return NULL;
	}
	return detail;
}

static const char *text_of(const json_t *waiver, const char *key)
{
	const char *text = json_string_value(json_object_get(waiver, key));

	return text ? text : "?";
}

static void waive(struct gate_answer *answer, const json_t *waiver)
{
	BUF_AUTO evidence = BUF_INIT;

	buf_printf(&evidence, "waived by %s until %s (%s); %s: %s", text_of(waiver, "by"),
		text_of(waiver, "until"), text_of(waiver, "reason"), gate_state_name(answer->state),
		buf_str(&answer->evidence));
	buf_clear(&answer->evidence);
	buf_puts(&answer->evidence, buf_str(&evidence));
	answer->state = GATE_WAIVED;
}

void waiver_apply(struct cmd_ctx *ctx, struct gates_round *round)
{
	for (size_t i = 0; i < round->count; i++) {
		struct gate_result *result = &round->results[i];
		const struct gate *gate = gate_find(result->id);
		json_t *waiver = NULL;

		if (result->answer.state != GATE_PASS && gate != NULL && gate->waivable)
			waiver = find(ctx, result->id);
		if (waiver != NULL)
			waive(&result->answer, waiver);
		json_decref(waiver);
	}
}

int waiver_record_use(struct cmd_ctx *ctx, const struct gates_round *round, struct err *err)
{
	for (size_t i = 0; i < round->count; i++) {
		const struct gate_result *result = &round->results[i];
		struct journal_entry entry = {.kind = "waived"};
		BUF_AUTO text = BUF_INIT;
		BUF_AUTO safe = BUF_INIT;

		if (result->answer.state != GATE_WAIVED)
			continue;
		buf_printf(&text, "goes on without gate %s: %s", result->id,
			buf_str(&result->answer.evidence));
		entry.text = buf_str(&text);
		if (journal_append(ctx->journal, &entry, err))
			return err_wrap(err, "the journal cannot record the waiver");
		out_safe(&safe, buf_str(&text));
		out_warn(ctx->out, "%s", buf_str(&safe));
	}
	return 0;
}
