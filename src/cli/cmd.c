#include "cli/cmd.h"

const char *cmd_who(struct cmd_ctx *ctx)
{
	return arena_printf(&ctx->arena, "airlock %s", ctx->command->name);
}

int cmd_lock(struct cmd_ctx *ctx, struct err *err)
{
	return journal_lock_take(ctx->state_dir, cmd_who(ctx), &ctx->lock, NULL, err);
}

int cmd_need_unrefused(struct cmd_ctx *ctx, struct err *err)
{
	BUF_AUTO text = BUF_INIT;

	if (ctx->problems.refusals == 0)
		return 0;
	problems_print_refusals(&ctx->problems, ctx->out->color_messages, &text);
	out_message_text(ctx->out, &text);
	return err_set(err, ERR_REFUSED,
		"%s: the plan is refused, for %zu reason%s; nothing was touched", ctx->plan_path,
		ctx->problems.refusals, ctx->problems.refusals == 1 ? "" : "s");
}
