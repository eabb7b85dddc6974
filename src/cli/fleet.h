/*
 * fleet.h - the stores and routes of a plan, opened for a command.
 */
#ifndef AIRLOCK_CLI_FLEET_H
#define AIRLOCK_CLI_FLEET_H

#include "plan/plan.h"
#include "port/env.h"
#include "port/route.h"
#include "port/store.h"
#include "store/postgres/driver.h"

struct fleet {
	const struct plan *plan; /* borrowed */
	struct env *env;
	struct store_pg **stores; /* by the plan's store index */
	struct route **routes;	  /* likewise: the route of that store */
};

#define FLEET_AUTO __attribute__((cleanup(fleet_close))) struct fleet

/* Connects to nobody yet. */
int fleet_open(const struct plan *plan, struct fleet *ret_fleet, struct err *err) MUST_CHECK;
void fleet_close(struct fleet *fleet);

/* The side that clients write to; the other one is shut, or will be.  Old where the register of new
 * cannot be read within `patience_ms`. */
enum side fleet_open_side(struct store_pg *store, int64_t patience_ms);

#endif
