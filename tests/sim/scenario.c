/*
 * scenario.c - one seed: a few commands in bad weather, then calm, then a lone `resume`.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "sim.h"

/* Virtual time after which a command that does not end is a finding. */
#define COMMAND_US (INT64_C(120) * 1000000)

void sim_fail(struct sim *sim, const char *fmt, ...)
{
	va_list ap;

	if (sim->failure[0])
		return;
	va_start(ap, fmt);
	vsnprintf(sim->failure, sizeof sim->failure, fmt, ap);
	va_end(ap);
	sim_trace(sim, "VIOLATION: %s", sim->failure);
}

void sim_trace(struct sim *sim, const char *fmt, ...)
{
	va_list ap;

	if (!sim->tracing)
		return;
	printf("%10.3f ms  ", (double)sim->sched.now_us / 1000);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* --- hooks of the scheduler ------------------------------------------------------------------- */

static int64_t delay(void *arg, struct task *task)
{
	const struct controller *c = task->owner;

	(void)arg;
	/* What is in the network already goes on without its sender. */
	return c && !task->in_network ? c->paused_until_us : 0;
}

static bool ran(void *arg, struct task *task)
{
	struct sim *sim = arg;

	(void)task;
	return watch_slice(sim) && !sim->over;
}

static int64_t world_now_us(void *arg)
{
	return ((struct sim *)arg)->sched.now_us;
}

/* --- the commands ----------------------------------------------------------------------------- */

static bool is_through(const struct controller *c)
{
	return c->dead || c->finished;
}

/* Until it is through, or for so long at most. */
static void await(struct sim *sim, const struct controller *c, int64_t us)
{
	int64_t until_us = sim->sched.now_us + us;

	while (!is_through(c) && sim->sched.now_us < until_us)
		sched_sleep_until(&sim->sched, until_us);
}

static enum side open_side(const struct sim *sim)
{
	return sim->world[sim->decider].side[SIDE_NEW].reg.open ? SIDE_NEW : SIDE_OLD;
}

static void begin_command(struct sim *sim, int nth)
{
	enum side other = side_other(open_side(sim));
	enum core_mode mode = CORE_RUN;
	struct controller *c;
	uint64_t dice = sched_dice(&sim->sched, 100);

	if (nth > 0 && dice < 35)
		mode = CORE_RESUME;
	else if (nth > 0 && dice < 37)
		mode = CORE_FINALIZE;
	else if (dice > 95)
		other = side_other(other);
	c = controller_start(sim, mode, other);
	await(sim, c, 500000 + (int64_t)sched_dice(&sim->sched, 8000000));
	sched_sleep(&sim->sched, (int64_t)sched_dice(&sim->sched, 200000));
}

static const struct controller *run_alone(struct sim *sim, enum core_mode mode, enum side goal)
{
	struct controller *c = controller_start(sim, mode, goal);

	INVARIANT(c != NULL);
	await(sim, c, COMMAND_US);
	if (!c->finished)
		sim_fail(sim, "a command alone in calm weather does not end");
	return c;
}

static bool is_settled(const struct engine_report *report)
{
	return (report->verdict == VERDICT_DONE || report->verdict == VERDICT_UNDONE) &&
	       !report->later;
}

/* "After everything that failed has stopped": the product's promise for the next morning. */
static void settle(struct sim *sim)
{
	const struct controller *c = NULL;

	sched_sleep(&sim->sched, 1500000); /* last words of the dead arrive */
	for (int i = 0; i < 3; i++) {
		c = run_alone(sim, CORE_RESUME, SIDE_NEW);
		if (is_settled(&c->report))
			break;
	}
	if (!is_settled(&c->report))
		sim_fail(sim, "a lone resume ends with %s", core_verdict_name(c->report.verdict));
	/* A gateway that nobody told any more believes the registers. */
	sched_sleep(&sim->sched, 1500000);
	watch_rest(sim);
}

static bool is_finalized(const struct sim *sim)
{
	for (size_t m = 0; m < sim->stores; m++)
		if (sim->world[m].link[SIDE_OLD].dropped)
			return true;
	return false;
}

/* What was settled is whole: it can be moved. */
static void move_once_more(struct sim *sim)
{
	enum side goal = side_other(open_side(sim));
	const struct controller *c;

	if (is_finalized(sim) || sim->failure[0] || sched_chance(&sim->sched, 500))
		return;
	c = run_alone(sim, CORE_RUN, goal);
	if (c->report.verdict != VERDICT_DONE)
		sim_fail(sim, "a run in calm weather ends with %s: %s: %s",
			core_verdict_name(c->report.verdict), verb_word(c->report.cause_verb),
			c->report.cause.msg);
	else
		watch_rest(sim);
}

static void run_operator(void *arg)
{
	struct sim *sim = arg;
	int commands = 1 + (int)sched_dice(&sim->sched, 3);

	sched_sleep(&sim->sched, (int64_t)sched_dice(&sim->sched, 100000));
	for (int i = 0; i < commands; i++)
		begin_command(sim, i);
	chaos_calm(sim);
	settle(sim);
	move_once_more(sim);
	sim->over = true;
}

/* --- one seed --------------------------------------------------------------------------------- */

void sim_init(struct sim *sim, struct fiber_pool *pool, struct sim_totals *totals)
{
	memset(sim, 0, sizeof *sim);
	sched_init(&sim->sched, pool);
	sim->totals = totals;
}

void sim_fini(struct sim *sim)
{
	sched_fini(&sim->sched);
}

static void reset(struct sim *sim, uint64_t seed)
{
	sched_reset(&sim->sched, seed * UINT64_C(0x9e3779b97f4a7c15) + 1);
	sim->sched.hooks = (struct sched_hooks){sim, delay, ran};
	sim->seed = seed;
	sim->controllers = 0;
	sim->repairs = 0;
	sim->calm = sim->over = false;
	sim->failure[0] = '\0';
	/* One store most of the time: it is where most of the protocol lives. */
	sim->stores = sched_chance(&sim->sched, 500) ? 1 : 2 + sched_dice(&sim->sched, 2);
	sim->decider = sched_dice(&sim->sched, sim->stores);
}

static void count(struct sim *sim)
{
	struct sim_totals *t = sim->totals;

	t->seeds++;
	t->slices += sim->sched.slices;
	for (size_t i = 0; i < sim->controllers; i++) {
		const struct controller *c = &sim->controller[i];

		if (c->finished)
			t->verdicts[c->report.verdict]++;
	}
	for (size_t m = 0; m < sim->stores; m++) {
		t->cutovers += __builtin_popcountll(sim->world[m].promoted);
		t->held += sim->gateway[m].held;
		t->refused += sim->gateway[m].refused;
	}
}

bool sim_run(struct sim *sim, uint64_t seed)
{
	reset(sim, seed);
	for (size_t m = 0; m < sim->stores; m++) {
		fake_world_init(&sim->world[m], "store");
		sim->world[m].now_us = world_now_us;
		sim->world[m].now_arg = sim;
		gateway_init(&sim->gateway[m], sim, m);
	}
	bug_plant(sim);
	chaos_choose(sim);
	people_start(sim);
	sim->operator= sched_spawn(&sim->sched, "operator", NULL, run_operator, sim);
	sched_run(&sim->sched);
	count(sim);
	return !sim->failure[0];
}
