/* `airlock resume`: its row and flags stand; what it does comes with the engine and the stores. */
#include "cli/cmd.h"

int cmd_resume(struct cmd_ctx *ctx, struct err *err)
{
	return err_set(err, ERR_INTERNAL, "%s is not built yet", ctx->command->name);
}
