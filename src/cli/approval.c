#include "cli/approval.h"

#include <string.h>
#include <unistd.h>

#include "base/check.h"

#define SHORT_HASH 8

int approval_match(const struct plan *plan, const char *typed, struct err *err)
{
	REQUIRE(strlen(typed) >= SHORT_HASH);
	if (!strncmp(plan->hash, typed, strlen(typed)))
		return 0;
	return err_set(err, ERR_STALE,
		"%.16s is not the hash of the plan as it is now, which is %.16s: look at `airlock "
		"plan` again and approve that",
		typed, plan->hash);
}

int approval_record(struct cmd_ctx *ctx, struct err *err)
{
	BUF_AUTO text = BUF_INIT;
	json_t *detail = json_pack(
		"{s:o, s:s}", "name", out_json_string(ctx->plan->name), "hash", ctx->plan->hash);
	char *detail_text = json_dumps(detail, JSON_COMPACT);
	int rc;

	ENSURE(detail_text != NULL);
	buf_printf(&text, "plan %s approved, hash %s", ctx->plan->name, ctx->plan->hash);
	rc = journal_put(ctx->journal,
		&(struct journal_entry){.kind = "approval",
			.key = ctx->plan->hash,
			.text = buf_str(&text),
			.detail = detail_text},
		err);
	free(detail_text);
	json_decref(detail);
	return rc;
}

static int was_recorded(struct cmd_ctx *ctx, bool *ret_found, struct err *err)
{
	struct journal_fact fact;

	if (journal_get(ctx->journal, "approval", ctx->plan->hash, ret_found, &fact, err))
		return -1;
	if (*ret_found) {
		out_detail(ctx->out, "approved at %s by %s", fact.at, fact.who);
		journal_fact_fini(&fact);
	}
	return 0;
}

/* Typed and not only confirmed: a hand that says yes to everything does not know a hash. */
static int ask(struct cmd_ctx *ctx, const char *what, struct err *err)
{
	char line[128];

	fprintf(ctx->out->messages,
		"Type the first %d digits of the plan's hash, %.*s, to %s: ", SHORT_HASH,
		SHORT_HASH, ctx->plan->hash, what);
	fflush(ctx->out->messages);
	if (!fgets(line, sizeof line, stdin))
		line[0] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	if (strlen(line) < SHORT_HASH || strncmp(ctx->plan->hash, line, strlen(line)))
		return err_set(err, ERR_REFUSED, "not approved; nothing was touched");
	return approval_record(ctx, err);
}

int approval_need(struct cmd_ctx *ctx, enum flag_id flag, enum approval_source source,
	const char *what, struct err *err)
{
	const char *typed = opt_text(ctx->opt, flag);
	bool found = false;

	REQUIRE(ctx->plan != NULL);
	REQUIRE(ctx->journal != NULL);
	if (typed) {
		if (approval_match(ctx->plan, typed, err))
			return -1;
		return approval_record(ctx, err);
	}
	if (source == APPROVAL_RECORDED && was_recorded(ctx, &found, err))
		return -1;
	if (found)
		return 0;
	if (isatty(STDIN_FILENO) && isatty(fileno(ctx->out->messages)))
		return ask(ctx, what, err);
	return err_set(err, ERR_REFUSED,
		"nobody has approved this plan: look at `airlock plan`, then add --approve %.*s%s",
		SHORT_HASH, ctx->plan->hash,
		source == APPROVAL_RECORDED ? " or use `airlock approve`" : "");
}
