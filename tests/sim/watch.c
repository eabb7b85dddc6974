/*
 * watch.c - what must hold after every slice, of each store and of the wave as a whole.
 */
#include "base/check.h"
#include "sim.h"

/* The decider's answer is everybody's. */
static void watch_wave(struct sim *sim)
{
	uint64_t decider = sim->world[sim->decider].promoted;

	for (size_t m = 0; m < sim->stores; m++) {
		const struct fake_world *w = &sim->world[m];

		if (w->promoted & ~decider)
			sim_fail(sim,
				"store %zu was promoted at an attempt that the decider was not", m);
		if (w->revoked & decider)
			sim_fail(
				sim, "store %zu was revoked at an attempt that the decider won", m);
	}
}

bool watch_slice(struct sim *sim)
{
	for (size_t m = 0; m < sim->stores; m++) {
		const char *wrong = fake_audit(&sim->world[m]);

		if (wrong)
			sim_fail(sim, "store %zu: %s", m, wrong);
	}
	watch_wave(sim);
	return !sim->failure[0];
}

void watch_release(struct sim *sim, const struct gateway *g, enum side side, int64_t epoch)
{
	const struct reg *reg = &sim->world[g->store].side[side].reg;

	/* A release that arrives late finds the register elsewhere; the door itself refuses. */
	if (reg->state != REG_ACTIVE || reg->epoch != epoch || reg->promoted != reg->attempt ||
		reg->promoted == 0)
		return;
	for (size_t m = 0; m < sim->stores; m++)
		if (!((sim->world[m].promoted >> reg->promoted) & 1))
			sim_fail(sim,
				"clients of store %zu are released while store %zu waits for "
				"its promotion",
				g->store, m);
}

void watch_rest(struct sim *sim)
{
	bool open = sim->world[0].side[SIDE_NEW].reg.open;

	for (size_t m = 0; m < sim->stores; m++) {
		const char *wrong = fake_audit_rest(&sim->world[m]);

		if (wrong)
			sim_fail(sim, "store %zu: %s", m, wrong);
		if (sim->world[m].side[SIDE_NEW].reg.open != open)
			sim_fail(sim, "at rest the stores of the wave are on different sides");
		if (sim->gateway[m].holding)
			sim_fail(sim, "at rest clients of store %zu are still held", m);
	}
}
