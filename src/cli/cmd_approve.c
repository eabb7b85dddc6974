#include "cli/approval.h"

int cmd_approve(struct cmd_ctx *ctx, struct err *err)
{
	if (approval_match(ctx->plan, ctx->opt->args[0], err) || approval_record(ctx, err))
		return -1;
	out_note(ctx->out, "approved: plan %s, hash %s", ctx->plan->name, ctx->plan->hash);
	return EXIT_DONE;
}
