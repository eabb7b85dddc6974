/*
 * gateway.h - clients come through airlock-gateway, which holds them at a transaction boundary and
 * carries their sessions over.
 *
 * The gateway is told over its control socket (control/control.h).  It never takes the controller's
 * word for a door: it reads the register itself before it lets a client go there.  A gateway that
 * does not answer makes an attempt fail before the commit, and is left to the registers after it.
 */
#ifndef AIRLOCK_ROUTE_GATEWAY_H
#define AIRLOCK_ROUTE_GATEWAY_H

#include "plan/plan.h"
#include "port/env.h"
#include "port/route.h"

/* Of the plan of that name.  Connects at the first call.  Returns owned: route_free.  All are
 * borrowed. */
int route_gateway_new(const char *plan, const struct plan_route *plan_route, struct env *env,
	struct route **ret_route, struct err *err) MUST_CHECK;

#endif
