/* `airlock init-roles`: the DBA's part, printed or carried out. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/fleet.h"
#include "store/postgres/leave.h"
#include "store/postgres/roles.h"

#define ROLES_MS 30000

static const char *const level_text[] = {
	"not set up",
	("database owner with REPLICATION: not enough, up to PostgreSQL 15 only a superuser or a "
	 "definer function may create subscriptions"),
	"provider admin, or what a DBA granted",
	"superuser",
};

static int apply_side(
	struct cmd_ctx *ctx, struct store_pg *s, enum side side, int level, struct err *err)
{
	const char *user = opt_text(ctx->opt, FLAG_INIT_ROLES_AS);
	struct err unusable = ERR_INIT;
	int reached = 0;

	if (roles_apply(s, side, level, user ? user : "postgres", clock_now_ms() + ROLES_MS, err))
		return err_wrap(err, "store %s, %s", s->store.name, side_name(side));
	if (roles_level(s, side, clock_now_ms() + ROLES_MS, &reached, &unusable))
		out_warn(ctx->out, "%s %s: airlock cannot log in yet: %s", s->store.name,
			side_name(side), unusable.msg);
	else
		out_data(ctx->out, "%s %s: rights level %d (%s)\n", s->store.name, side_name(side),
			reached, level_text[reached]);
	return 0;
}

int cmd_init_roles(struct cmd_ctx *ctx, struct err *err)
{
	const char *asked = opt_text(ctx->opt, FLAG_INIT_ROLES_LEVEL);
	const char *only = opt_text(ctx->opt, FLAG_INIT_ROLES_SIDE);
	int level = asked ? atoi(asked) : 2;
	FLEET_AUTO fleet = {0};

	if (level == 1)
		return err_set(err, ERR_CANNOT, "level 1 is %s", level_text[1]);
	if (fleet_open(ctx->plan, &fleet, err))
		return -1;
	for (size_t i = 0; i < ctx->plan->stores_count; i++) {
		for (int side = 0; side < SIDE_COUNT; side++) {
			BUF_AUTO sql = BUF_INIT;

			if (only && strcmp(only, side_name((enum side)side)) != 0)
				continue;
			if (opt_given(ctx->opt, FLAG_INIT_ROLES_REMOVE))
				leave_script(fleet.stores[i], (enum side)side, &sql);
			else if (opt_given(ctx->opt, FLAG_INIT_ROLES_PRINT))
				roles_script(fleet.stores[i], (enum side)side, level, &sql);
			else if (apply_side(ctx, fleet.stores[i], (enum side)side, level, err))
				return -1;
			out_text(ctx->out, &sql);
		}
	}
	return 0;
}
