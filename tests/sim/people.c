/*
 * people.c - who lives in the world without being asked: clients that write on whichever side lets
 * them, replication, the database's own housekeeping, and `guard` on its visits.
 */
#include "base/check.h"
#include "sim.h"

#define CLIENTS 3 /* of each store, one of them through the gateway */

static struct fake_world *world_of(const struct person *p)
{
	return &p->sim->world[p->store];
}

static void rest(struct person *p, int64_t us)
{
	sched_sleep(&p->sim->sched, 1 + (int64_t)sched_dice(&p->sim->sched, (uint64_t)us));
}

/* Logs in step by step; NULL when the door is shut. */
static struct fake_session *log_in(struct person *p, enum side side, unsigned *ret_id)
{
	struct fake_session *s = fake_connect(world_of(p), side);

	if (!s)
		return NULL;
	*ret_id = s->id;
	for (int step = 0; step < 2; step++) {
		rest(p, 3000);
		if (!fake_login_step(world_of(p), s, *ret_id))
			return NULL;
	}
	return s;
}

/* A few rows on one connection. */
static void write_some(struct person *p, struct fake_session *s, unsigned id)
{
	int rows = 1 + (int)sched_dice(&p->sim->sched, 3);
	size_t row;

	while (rows-- > 0 && p->budget > 0 && !p->sim->calm) {
		rest(p, 6000);
		if (!fake_write(world_of(p), s, id, &row))
			return;
		p->budget--;
		p->sim->totals->rows++;
	}
	if (sched_chance(&p->sim->sched, 300))
		rest(p, 400000); /* idle in its session */
}

static void run_direct(void *arg)
{
	struct person *p = arg;
	enum side side = SIDE_OLD;

	while (!p->sim->calm && p->budget > 0) {
		unsigned id = 0;
		struct fake_session *s = log_in(p, side, &id);

		if (s) {
			write_some(p, s, id);
			fake_disconnect(s, id);
		} else {
			side = side_other(side);
		}
		rest(p, 80000);
	}
}

/* One request through the gateway; it has to wait while the gateway holds. */
static void request(struct person *p, struct gateway *g)
{
	enum side side = g->target;
	struct fake_session *s;
	unsigned id = 0;
	size_t row;
	bool held = g->holding;

	while (g->holding && !p->sim->calm)
		rest(p, 10000);
	if (g->holding)
		return;
	side = g->target;
	g->running++;
	s = log_in(p, side, &id);
	if (s && fake_write(world_of(p), s, id, &row)) {
		p->budget--;
		p->sim->totals->rows++;
		if (held && p->sim->bug == BUG_HOLD_TWICE)
			fake_write_again(world_of(p), side, row);
	}
	if (s)
		fake_disconnect(s, id);
	else if (!g->holding && world_of(p)->side[side_other(side)].reg.open)
		g->target = side_other(side);
	g->running--;
}

static void run_through_gateway(void *arg)
{
	struct person *p = arg;

	while (!p->sim->calm && p->budget > 0) {
		request(p, &p->sim->gateway[p->store]);
		rest(p, 50000);
	}
}

static void housekeeping(struct sim *sim, struct fake_world *w)
{
	enum side side = (enum side)sched_dice(&sim->sched, SIDE_COUNT);

	switch (sched_dice(&sim->sched, 12)) {
	case 0:
		if (!sim->calm)
			fake_noise(w, side);
		break;
	case 1:
		fake_checkpoint(w, side);
		break;
	case 2:
	case 3:
	case 4:
		if (w->side[side].up)
			fake_flush(w, side);
		break;
	default:
		break;
	}
}

static void run_nature(void *arg)
{
	struct person *p = arg;
	struct fake_world *w = world_of(p);

	while (!p->sim->over) {
		bool busy = false;

		for (uint64_t n = sched_dice(&p->sim->sched, 4); n > 0; n--)
			busy |= fake_link_step(w, (enum side)sched_dice(&p->sim->sched, 2));
		housekeeping(p->sim, w);
		rest(p, busy ? 2000 : 10000);
	}
}

/* `guard`: looks, thinks, acts only if nothing moved meanwhile. */
static void run_visits(void *arg)
{
	struct person *p = arg;

	while (!p->sim->calm) {
		enum side side = (enum side)sched_dice(&p->sim->sched, SIDE_COUNT);
		struct fake_visit visit;

		rest(p, 150000);
		fake_visit_look(world_of(p), side, &visit);
		rest(p, 30000);
		fake_visit_act(world_of(p), side, &visit);
	}
}

static void person_start(struct sim *sim, size_t store, const char *name, fiber_fn *fn, int budget)
{
	struct person *p = &sim->person[sim->people++];

	INVARIANT(sim->people <= SIM_PEOPLE_MAX);
	*p = (struct person){sim, store, budget};
	sched_spawn(&sim->sched, name, NULL, fn, p);
}

void people_start(struct sim *sim)
{
	sim->people = 0;
	for (size_t m = 0; m < sim->stores; m++) {
		person_start(sim, m, "nature", run_nature, 0);
		person_start(sim, m, "visits", run_visits, 0);
		person_start(sim, m, "client", run_through_gateway, 30);
		for (int i = 1; i < CLIENTS; i++)
			person_start(sim, m, "client", run_direct, 30);
	}
}
