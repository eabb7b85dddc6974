/* `airlock abandon`: undoes sync. */
#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/fleet.h"
#include "cli/leftovers.h"
#include "cli/moves.h"
#include "store/postgres/sync.h"

#define ABANDON_MS 60000

int cmd_abandon(struct cmd_ctx *ctx, struct err *err)
{
	FLEET_AUTO fleet = {0};

	/* Its `rollback` needs the registers that go away here. */
	if (cmd_lock(ctx, err) || fleet_open(ctx->plan, &fleet, err) ||
		moves_need_side(ctx, SIDE_OLD, "its stores stay on old", "`airlock rollback`", err))
		return -1;
	for (size_t i = 0; i < ctx->plan->stores_count; i++) {
		struct journal_entry entry = {.store = ctx->plan->stores[i].name,
			.kind = "abandon",
			.text = "links and slots dropped, admission restored"};

		if (store_pg_abandon(fleet.stores[i], clock_now_ms() + ABANDON_MS, err))
			return err_wrap(err, "store %s", ctx->plan->stores[i].name);
		if (journal_append(ctx->journal, &entry, err))
			return -1;
		out_note(ctx->out, "%s: %s", entry.store, entry.text);
	}
	leftovers_tell(ctx, &fleet);
	return 0;
}
