/*
 * chaos.c - the faults of a seed: how many, of which kind, at which point of the run.
 */
#include <limits.h>
#include <string.h>

#include "base/check.h"
#include "sim.h"

/* Points of a run in which nothing goes wrong, roughly; later ones fall into what follows it. */
#define POINTS 500

static const char *const names[FAULT_KIND_COUNT] = {
	[FAULT_CRASH] = "crash",
	[FAULT_KILL] = "kill",
	[FAULT_PAUSE] = "pause",
	[FAULT_PART] = "partition",
	[FAULT_PART_SIDES] = "sides parted",
	[FAULT_SECOND] = "second controller",
	[FAULT_ABORT] = "abort",
	[FAULT_JOURNAL] = "journal",
	[FAULT_SKEW] = "clock skew",
	[FAULT_EXPIRE] = "expire",
};

const char *fault_name(enum fault_kind kind)
{
	return names[kind];
}

static uint64_t dice(struct sim *sim, uint64_t below)
{
	return sched_dice(&sim->sched, below);
}

static void name_fault(struct sim *sim, struct fault *fault)
{
	size_t names_count = 0;

	while (env_points[names_count])
		names_count++;
	fault->name = env_points[dice(sim, names_count)];
	fault->nth = 1 + (int)dice(sim, 3);
	fault->at_point = LONG_MAX;
}

void chaos_choose(struct sim *sim)
{
	static const unsigned losses[] = {0, 0, 0, 2, 10, 50};
	static const int64_t latencies[] = {300, 1000, 1000, 5000};

	sim->lost_per_mille = losses[dice(sim, ARRAY_LEN(losses))];
	sim->latency_us = latencies[dice(sim, ARRAY_LEN(latencies))];
	sim->faults = dice(sim, 10);
	sim->points = 0;
	for (size_t i = 0; i < sim->faults; i++) {
		/* One die per statement: compilers differ in the order of the others. */
		sim->fault[i] = (struct fault){.done = false};
		sim->fault[i].kind = (enum fault_kind)dice(sim, FAULT_KIND_COUNT);
		sim->fault[i].at_point = (long)dice(sim, POINTS * sim->stores);
		if (dice(sim, 3) == 0)
			name_fault(sim, &sim->fault[i]);
	}
}

/* --- repairs ---------------------------------------------------------------------------------- */

static void run_repair(void *arg)
{
	struct repair *r = arg;

	sched_sleep(&r->sim->sched, r->after_us);
	*r->flag = r->good;
}

/* Sets *flag to its bad value now and back to `good` after a while. */
static void break_for_a_while(struct sim *sim, bool *flag, bool good, int64_t us_max)
{
	struct repair *r = &sim->repair[sim->repairs];

	if (sim->repairs == SIM_REPAIRS_MAX)
		return;
	sim->repairs++;
	*flag = !good;
	*r = (struct repair){sim, flag, good, (int64_t)dice(sim, (uint64_t)us_max)};
	sched_spawn(&sim->sched, "repair", NULL, run_repair, r);
}

/* --- faults ----------------------------------------------------------------------------------- */

static void crash(struct sim *sim)
{
	size_t store = dice(sim, sim->stores);
	enum side side = (enum side)dice(sim, SIDE_COUNT);

	if (sim->repairs == SIM_REPAIRS_MAX)
		return;
	fake_crash(&sim->world[store], side);
	break_for_a_while(sim, &sim->world[store].side[side].up, true, 1500000);
	sim_trace(sim, "store %zu: %s crashes", store, side_name(side));
}

static struct controller *any_controller(struct sim *sim, struct controller *here)
{
	struct controller *c = &sim->controller[dice(sim, sim->controllers)];

	return c->dead || c->finished || dice(sim, 2) ? here : c;
}

static void stop_for_a_while(struct sim *sim, struct controller *c)
{
	c->paused_until_us = sim->sched.now_us + (int64_t)dice(sim, 3000000);
	sim_trace(sim, "c%u: stopped for %lld ms", c->id,
		(long long)(c->paused_until_us - sim->sched.now_us) / 1000);
}

static void part(struct sim *sim, struct controller *c)
{
	size_t store = dice(sim, sim->stores);
	enum side side = (enum side)dice(sim, SIDE_COUNT);

	break_for_a_while(sim, &c->parted[store][side], false, 1500000);
	sim_trace(sim, "c%u: cut off from %s of store %zu", c->id, side_name(side), store);
}

static void part_sides(struct sim *sim)
{
	size_t store = dice(sim, sim->stores);

	break_for_a_while(sim, &sim->world[store].parted, false, 1500000);
	sim_trace(sim, "store %zu: its sides are parted", store);
}

static void second(struct sim *sim)
{
	enum core_mode mode = dice(sim, 2) ? CORE_RESUME : CORE_RUN;
	enum side goal = (enum side)dice(sim, SIDE_COUNT);

	/* Leaves room for those that tidy up at the end. */
	if (sim->controllers < SIM_CONTROLLERS_MAX / 2)
		controller_start(sim, mode, goal);
}

static void skew(struct sim *sim)
{
	struct fake_world *w = &sim->world[dice(sim, sim->stores)];
	struct fake_side *at = &w->side[dice(sim, SIDE_COUNT)];

	at->clock_skew_us += (int64_t)dice(sim, 2000000) - 1000000;
}

static void expire(struct sim *sim)
{
	struct fake_world *w = &sim->world[dice(sim, sim->stores)];
	enum side side = (enum side)dice(sim, SIDE_COUNT);

	fake_abort_if_expired(w, side, w->side[side].reg.attempt);
}

static void abort_asked(struct controller *c)
{
	c->abort_asked = 1;
	env_wake(&c->env);
	sim_trace(c->sim, "c%u: a person asks it to stop", c->id);
}

static void happen(struct sim *sim, enum fault_kind kind, struct controller *here)
{
	struct controller *c = any_controller(sim, here);

	sim->totals->faults[kind]++;
	switch (kind) {
	case FAULT_CRASH:
		crash(sim);
		break;
	case FAULT_KILL:
		controller_kill(c);
		break;
	case FAULT_PAUSE:
		stop_for_a_while(sim, c);
		break;
	case FAULT_PART:
		part(sim, c);
		break;
	case FAULT_PART_SIDES:
		part_sides(sim);
		break;
	case FAULT_SECOND:
		second(sim);
		break;
	case FAULT_ABORT:
		abort_asked(c);
		break;
	case FAULT_JOURNAL:
		c->journal_broken = true;
		break;
	case FAULT_SKEW:
		skew(sim);
		break;
	case FAULT_EXPIRE:
		expire(sim);
		break;
	case FAULT_KIND_COUNT:
		break;
	}
}

void chaos_point(struct sim *sim, struct controller *c)
{
	sim->points++;
	for (size_t i = 0; i < sim->faults && !sim->calm; i++) {
		struct fault *fault = &sim->fault[i];

		if (fault->done || fault->at_point > sim->points)
			continue;
		fault->done = true;
		happen(sim, fault->kind, c);
	}
}

void chaos_named(struct sim *sim, const char *name)
{
	for (size_t i = 0; i < sim->faults && !sim->calm; i++) {
		struct fault *fault = &sim->fault[i];

		if (fault->name && strcmp(fault->name, name) == 0 && --fault->nth == 0)
			fault->at_point = sim->points + (long)dice(sim, 4);
	}
}

void chaos_calm(struct sim *sim)
{
	sim->calm = true;
	for (size_t i = 0; i < sim->controllers; i++)
		controller_kill(&sim->controller[i]);
	for (size_t i = 0; i < sim->repairs; i++)
		*sim->repair[i].flag = sim->repair[i].good;
	sim_trace(sim, "from here on nothing fails");
}
