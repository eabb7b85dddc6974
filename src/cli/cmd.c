#include "cli/cmd.h"

const char *cmd_who(struct cmd_ctx *ctx)
{
	return arena_printf(&ctx->arena, "airlock %s", ctx->command->name);
}

int cmd_lock(struct cmd_ctx *ctx, struct err *err)
{
	return journal_lock_take(ctx->state_dir, cmd_who(ctx), &ctx->lock, NULL, err);
}
