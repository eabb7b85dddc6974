/* `airlock sync`: sets replication up and watches it until new follows old. */
#include "cli/cmd.h"
#include "cli/schema_copy.h"
#include "cli/syncer.h"

int cmd_sync(struct cmd_ctx *ctx, struct err *err)
{
	FLEET_AUTO fleet = {0};

	if (cmd_lock(ctx, err) || fleet_open(ctx->plan, &fleet, err))
		return -1;
	for (size_t i = 0;
		opt_given(ctx->opt, FLAG_SYNC_COPY_SCHEMA) && i < ctx->plan->stores_count; i++)
		if (schema_copy(ctx, fleet.stores[i], err))
			return -1;
	return syncer_run(ctx, &fleet, err);
}
