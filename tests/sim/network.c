/*
 * network.c - every journey of a controller to a side and back: what delays it, loses it, and what
 * happens to a controller's last words when it dies.
 */
#include <string.h>

#include "base/check.h"
#include "sim.h"

/* Mostly quick, sometimes very slow. */
static int64_t latency(struct sim *sim)
{
	struct sched *s = &sim->sched;
	int64_t us = (int64_t)sched_dice(s, (uint64_t)sim->latency_us + 1);

	if (!sim->calm && sched_chance(s, 10))
		us += (int64_t)sched_dice(s, 300000);
	return us;
}

static void leave_if_dead(struct controller *c)
{
	if (c->dead)
		sched_exit(&c->sim->sched);
}

static bool is_lost(struct sim *sim)
{
	return !sim->calm && sim->lost_per_mille && sched_chance(&sim->sched, sim->lost_per_mille);
}

/* Not even a refusal comes back: the caller waits for a while, then gives up. */
static int silence(struct controller *c, const char *what, struct err *err)
{
	sched_sleep(&c->sim->sched, (int64_t)sched_dice(&c->sim->sched, 300000));
	leave_if_dead(c);
	return err_set(err, ERR_UNREACHABLE, "%s", what);
}

/* What somebody sent before he stopped may arrive much later. */
static bool has_stopped(const struct controller *c)
{
	return c->dead || c->paused_until_us > c->sim->sched.now_us;
}

static int go_there(struct controller *c, bool parted, struct err *err)
{
	struct sim *sim = c->sim;
	struct task *task = sim->sched.current;

	chaos_point(sim, c);
	leave_if_dead(c);
	if (parted || is_lost(sim))
		return silence(c, "no answer", err);
	task->in_network = true;
	sched_sleep(&sim->sched, latency(sim));
	if (has_stopped(c) && !sim->calm && sched_chance(&sim->sched, 300))
		sched_sleep(&sim->sched, (int64_t)sched_dice(&sim->sched, 1200000));
	task->in_network = false;
	/* It was sent before its sender died: it may arrive. */
	if (c->dead && sched_chance(&sim->sched, 500))
		sched_exit(&sim->sched);
	return 0;
}

static int come_back(struct controller *c, bool parted, struct err *err)
{
	struct sim *sim = c->sim;

	chaos_point(sim, c);
	leave_if_dead(c);
	if (parted || is_lost(sim))
		return silence(c, "the answer was lost", err);
	sched_sleep(&sim->sched, latency(sim) / 2);
	leave_if_dead(c);
	return 0;
}

int network_travel(struct fake_store *store, enum side side, enum fake_leg leg, struct err *err)
{
	struct controller *c = store->travel_arg;
	size_t m = (size_t)(store - c->store);
	bool parted = c->parted[m][side];

	return leg == FAKE_THERE ? go_there(c, parted, err) : come_back(c, parted, err);
}

int network_journey(struct controller *c, struct err *err)
{
	return go_there(c, false, err);
}

void network_point(struct controller *c, const char *when, const char *what)
{
	if (strcmp(when, "before") == 0)
		chaos_named(c->sim, what);
	chaos_point(c->sim, c);
	leave_if_dead(c);
	sched_sleep(&c->sim->sched, (int64_t)sched_dice(&c->sim->sched, 300));
	leave_if_dead(c);
}
