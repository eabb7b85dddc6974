#include "cli/fleet.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "env/env_real.h"
#include "route/gateway.h"
#include "route/none.h"

/* Three verbs of a member may be out at once. */
#define FLEET_WORKERS 8

static int open_route(
	const struct plan *plan, size_t store, struct env *env, struct route **ret, struct err *err)
{
	const struct plan_route *route = &plan->routes[plan->stores[store].route];

	if (route->kind == ROUTE_GATEWAY)
		return route_gateway_new(plan->name, route, env, ret, err);
	/* The plan's checker refuses by name what this version has not built. */
	REQUIRE(route->kind == ROUTE_NONE);
	return route_none_new(route->name, env, ret, err);
}

int fleet_open(const struct plan *plan, struct fleet *ret_fleet, struct err *err)
{
	FLEET_AUTO fleet = {.plan = plan};

	fleet.stores = calloc(plan->stores_count + 1, sizeof(struct store_pg *));
	fleet.routes = calloc(plan->stores_count + 1, sizeof(struct route *));
	if (!fleet.stores || !fleet.routes)
		return err_set(err, ERR_NOMEM, "no memory for %zu stores", plan->stores_count);
	if (env_real_new(FLEET_WORKERS, &fleet.env, err))
		return -1;
	for (size_t i = 0; i < plan->stores_count; i++)
		if (store_pg_new(plan, i, fleet.env, &fleet.stores[i], err) ||
			open_route(plan, i, fleet.env, &fleet.routes[i], err))
			return -1;
	*ret_fleet = fleet;
	fleet = (struct fleet){0};
	return 0;
}

void fleet_close(struct fleet *fleet)
{
	for (size_t i = 0; fleet->plan && i < fleet->plan->stores_count; i++) {
		if (fleet->stores && fleet->stores[i])
			store_free(&fleet->stores[i]->store);
		if (fleet->routes)
			route_free(fleet->routes[i]);
	}
	free(fleet->stores);
	free(fleet->routes);
	env_real_free(fleet->env);
	*fleet = (struct fleet){0};
}

enum side fleet_open_side(struct store_pg *store, int64_t patience_ms)
{
	struct err not_set_up = ERR_INIT;
	struct reg reg;

	if (pg_register(store, SIDE_NEW, clock_now_ms() + patience_ms, &reg, &not_set_up) == 0 &&
		reg.state == REG_ACTIVE)
		return SIDE_NEW;
	return SIDE_OLD;
}
