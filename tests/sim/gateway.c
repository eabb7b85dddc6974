/*
 * gateway.c - holds and releases the clients of one store, ends a hold by itself, and believes
 * registers rather than controllers.
 */
#include "base/check.h"
#include "sim.h"

#define POLL_US 15000
/* After this long past the deadline with no door open, the held are refused. */
#define GRACE_US 400000

static struct fake_world *world_of(struct gateway *g)
{
	return &g->sim->world[g->store];
}

void gateway_release(struct gateway *g, enum side side, int64_t epoch)
{
	g->epoch_seen = epoch;
	g->target = side;
	if (g->holding)
		g->released++;
	g->holding = false;
	sim_trace(g->sim, "gateway %zu: released to %s at epoch %lld", g->store, side_name(side),
		(long long)epoch);
}

static void look_at_registers(struct gateway *g)
{
	struct fake_world *w = world_of(g);

	for (int s = 0; s < SIDE_COUNT; s++) {
		const struct reg *reg = &w->side[s].reg;

		if (w->side[s].up && reg->state == REG_ACTIVE && reg->epoch >= g->epoch_seen) {
			gateway_release(g, (enum side)s, reg->epoch);
			return;
		}
	}
}

/* Law 6. */
static void end_hold(struct gateway *g)
{
	struct sched *s = &g->sim->sched;

	for (int side = 0; side < SIDE_COUNT; side++)
		if (fake_abort_if_expired(world_of(g), (enum side)side, g->attempt))
			sim_trace(g->sim, "gateway %zu: the hold of %lld has expired", g->store,
				(long long)g->attempt);
	sched_sleep(s, (int64_t)sched_dice(s, 2000));
	look_at_registers(g);
	if (g->holding && s->now_us > g->hold_until_us + GRACE_US) {
		g->holding = false;
		g->refused++;
		sim_trace(g->sim, "gateway %zu: no door is open, the held are refused", g->store);
	}
}

static void run_gateway(void *arg)
{
	struct gateway *g = arg;
	struct sched *s = &g->sim->sched;

	while (!g->sim->over) {
		if (!g->holding) {
			/* gateway_hold wakes it. */
			sched_sleep(s, INT64_C(3600) * 1000000);
		} else if (s->now_us < g->hold_until_us) {
			sched_sleep_until(s, g->hold_until_us);
		} else if (g->sim->bug == BUG_NO_DEADLINE) {
			sched_sleep(s, POLL_US);
		} else {
			end_hold(g);
			sched_sleep(s, POLL_US);
		}
	}
}

void gateway_init(struct gateway *g, struct sim *sim, size_t store)
{
	*g = (struct gateway){.sim = sim, .store = store, .target = SIDE_OLD, .epoch_seen = 1};
	g->task = sched_spawn(&sim->sched, "gateway", NULL, run_gateway, g);
}

/* --- the contract ---------------------------------------------------------------------------- */

static struct sim_route *of(struct route *route)
{
	return (struct sim_route *)route;
}

static int route_arm_(struct route *route, const struct route_call *call, struct err *err)
{
	(void)call;
	return network_journey(of(route)->controller, err);
}

static int wait_drained(
	struct gateway *g, struct controller *c, int64_t deadline_ms, struct err *err)
{
	while (g->running > 0) {
		if (env_now_ms(&c->env) >= deadline_ms)
			return err_set(err, ERR_TIMEOUT, "%u requests still run", g->running);
		env_pause(&c->env, 1000);
	}
	return 0;
}

static int route_hold_(struct route *route, const struct route_call *call,
	struct route_held *ret_held, struct err *err)
{
	struct gateway *g = of(route)->gateway;
	struct controller *c = of(route)->controller;

	if (network_journey(c, err))
		return -1;
	if (call->attempt < g->attempt)
		return err_set(
			err, ERR_LOST, "the gateway has seen attempt %lld", (long long)g->attempt);
	g->attempt = call->attempt;
	g->holding = true;
	g->held++;
	g->hold_until_us = c->sim->sched.now_us + call->hold_ms * 1000;
	sched_wake(&c->sim->sched, g->task);
	*ret_held = (struct route_held){.held = g->running};
	return wait_drained(g, c, call->deadline_ms, err);
}

static int route_release_(struct route *route, enum side side, int64_t epoch, int64_t deadline_ms,
	struct route_released *ret_released, struct err *err)
{
	struct gateway *g = of(route)->gateway;

	(void)deadline_ms;
	if (network_journey(of(route)->controller, err))
		return -1;
	if (epoch < g->epoch_seen)
		return err_set(
			err, ERR_LOST, "the gateway has seen epoch %lld", (long long)g->epoch_seen);
	/* Only a controller owes this to the wave: at the deadline each hold ends by itself. */
	watch_release(g->sim, g, side, epoch);
	gateway_release(g, side, epoch);
	*ret_released = (struct route_released){.stall_ms = -1};
	return 0;
}

static int route_look_(
	struct route *route, int64_t deadline_ms, struct route_view *ret_view, struct err *err)
{
	(void)deadline_ms;
	ret_view->held = of(route)->gateway->holding;
	return network_journey(of(route)->controller, err);
}

/* Its clients are those of the simulator, which are nobody's sessions. */
static int route_accounts_(struct route *route, int64_t deadline_ms,
	struct route_accounts *accounts, struct err *err)
{
	(void)deadline_ms;
	(void)accounts;
	return network_journey(of(route)->controller, err);
}

static void route_free_(struct route *route)
{
	(void)route;
}

const struct route_ops gateway_route_ops = {
	.name = "simulated gateway",
	.can = ROUTE_CAN_HOLD,
	.arm = route_arm_,
	.hold = route_hold_,
	.release = route_release_,
	.look = route_look_,
	.survey = route_look_,
	.accounts = route_accounts_,
	.free = route_free_,
};
