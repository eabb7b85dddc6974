#include "route/none.h"

#include <stdlib.h>

static int none_arm(struct route *route, const struct route_call *call, struct err *err)
{
	(void)route, (void)call, (void)err;
	return 0;
}

static int none_hold(struct route *route, const struct route_call *call,
	struct route_held *ret_held, struct err *err)
{
	(void)route, (void)call, (void)err;
	*ret_held = (struct route_held){0};
	return 0;
}

static int none_release(struct route *route, enum side side, int64_t epoch, int64_t deadline_ms,
	struct route_released *ret_released, struct err *err)
{
	(void)route;
	(void)side;
	(void)epoch;
	(void)deadline_ms;
	(void)err;
	*ret_released = (struct route_released){.stall_ms = -1};
	return 0;
}

static void none_free(struct route *route)
{
	free(route);
}

static const struct route_ops none_ops = {
	.name = "none",
	.can = 0,
	.arm = none_arm,
	.hold = none_hold,
	.release = none_release,
	.free = none_free,
};

int route_none_new(const char *name, struct env *env, struct route **ret_route, struct err *err)
{
	struct route *route = calloc(1, sizeof *route);

	if (!route)
		return err_set(err, ERR_NOMEM, "no memory for route %s", name);
	*route = (struct route){&none_ops, env, name};
	*ret_route = route;
	return 0;
}
