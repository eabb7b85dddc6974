/*
 * controller.c - one process of airlock as the simulator sees it: its env, its engine, its death.
 */
#include <string.h>

#include "base/check.h"
#include "sim.h"

static struct controller *of(struct env *env)
{
	return (struct controller *)env;
}

static int64_t sim_now_us(struct env *env)
{
	return of(env)->sim->sched.now_us;
}

static uint64_t sim_random(struct env *env)
{
	return prng_next(&of(env)->sim->sched.prng);
}

static void sim_wake(struct env *env)
{
	struct controller *c = of(env);

	c->woken = true;
	if (c->waiting)
		sched_wake(&c->sim->sched, c->task);
}

static void run_errand(void *arg)
{
	struct job *job = arg;
	struct controller *c = (struct controller *)job->next;
	struct sched *s = &c->sim->sched;

	job->next = NULL;
	sched_sleep(s, (int64_t)sched_dice(s, 200));
	if (c->dead)
		return;
	job->run(job);
	if (c->dead)
		return;
	*c->done_tail = job;
	c->done_tail = &job->next;
	sim_wake(&c->env);
}

/* Until it runs, `next` says whose it is. */
static void sim_submit(struct env *env, struct job *job)
{
	struct controller *c = of(env);

	job->next = (struct job *)c;
	sched_spawn(&c->sim->sched, "job", c, run_errand, job);
}

static struct job *sim_next(struct env *env, int64_t until_us)
{
	struct controller *c = of(env);
	struct job *job;

	if (!c->done_head && !c->woken) {
		c->waiting = true;
		sched_sleep_until(&c->sim->sched, until_us);
		c->waiting = false;
	}
	c->woken = false;
	job = c->done_head;
	if (!job)
		return NULL;
	c->done_head = job->next;
	if (!c->done_head)
		c->done_tail = &c->done_head;
	return job;
}

static void sim_pause(struct env *env, int64_t us)
{
	struct controller *c = of(env);

	sched_sleep(&c->sim->sched, us);
	if (c->dead)
		sched_exit(&c->sim->sched);
}

static void sim_point(struct env *env, const char *when, const char *what)
{
	network_point(of(env), when, what);
}

static const struct env_ops sim_env_ops = {
	.now_us = sim_now_us,
	.random = sim_random,
	.submit = sim_submit,
	.next = sim_next,
	.wake = sim_wake,
	.pause = sim_pause,
	.point = sim_point,
};

/* --- hooks ----------------------------------------------------------------------------------- */

static int on_intent(void *arg, int64_t attempt, enum side src, struct err *err)
{
	struct controller *c = arg;

	(void)attempt;
	(void)src;
	if (c->journal_broken)
		return err_set(err, ERR_IO, "the journal cannot be written");
	return 0;
}

static void on_moved(void *arg, const struct core_trace *trace, int64_t at_us)
{
	struct controller *c = arg;

	(void)at_us;
	c->sim->totals->cell[trace->from][trace->signal]++;
	sim_trace(c->sim, "c%u: %s %s -> %s (%lld)", c->id, phase_name(trace->from),
		signal_name(trace->signal), phase_name(trace->to), (long long)trace->attempt);
}

static void on_ended(void *arg, size_t member, enum verb verb, int64_t attempt,
	enum core_outcome outcome, const struct err *err, int64_t began_us, int64_t at_us)
{
	struct controller *c = arg;

	(void)began_us;
	(void)at_us;
	sim_trace(c->sim, "c%u: %s of %zu at %lld: %s %s", c->id, verb_word(verb), member,
		(long long)attempt, core_outcome_name(outcome),
		outcome == OUTCOME_DONE ? "" : err->msg);
}

/* --- life and death -------------------------------------------------------------------------- */

static void run_engine(void *arg)
{
	struct controller *c = arg;

	engine_run(&c->config, &c->report);
	c->finished = true;
	sched_wake(&c->sim->sched, c->sim->operator);
	sim_trace(c->sim, "c%u: %s", c->id, core_verdict_name(c->report.verdict));
}

static void init_stores(struct controller *c)
{
	for (size_t m = 0; m < c->sim->stores; m++) {
		fake_store_init(&c->store[m], &c->sim->world[m], &c->env);
		c->store[m].travel = network_travel;
		c->store[m].travel_arg = c;
		c->route[m] = (struct sim_route){
			.route = {.ops = &gateway_route_ops, .env = &c->env, .name = "gateway"},
			.controller = c,
			.gateway = &c->sim->gateway[m],
		};
		bug_wrap(c, m);
		c->config.member[m] =
			(struct engine_member){&c->store[m].store, &c->route[m].route};
	}
}

static void init_config(struct controller *c, enum core_mode mode, enum side goal)
{
	c->config.env = &c->env;
	c->config.core = (struct core_config){
		.mode = mode,
		.members = c->sim->stores,
		.decider = c->sim->decider,
		.goal = goal,
		.attempts_max = 3,
		.backoff_ms = 20,
		.tries_max = 4,
	};
	c->config.timeouts = (struct engine_timeouts){
		.look_ms = 400, .prepare_ms = 1000, .hold_ms = 600, .finish_ms = 600};
	c->config.hooks = (struct engine_hooks){
		.arg = c, .intent = on_intent, .moved = on_moved, .ended = on_ended};
	c->config.abort_asked = &c->abort_asked;
}

struct controller *controller_start(struct sim *sim, enum core_mode mode, enum side goal)
{
	static const char *const modes[] = {"run", "resume", "finalize"};
	struct controller *c;

	if (sim->controllers == SIM_CONTROLLERS_MAX)
		return NULL;
	c = &sim->controller[sim->controllers];
	memset(c, 0, sizeof *c);
	c->env.ops = &sim_env_ops;
	c->sim = sim;
	c->id = (unsigned)sim->controllers++;
	c->done_tail = &c->done_head;
	init_config(c, mode, goal);
	init_stores(c);
	sim_trace(sim, "c%u: airlock %s toward %s", c->id, modes[mode], side_name(goal));
	c->task = sched_spawn(&sim->sched, "engine", c, run_engine, c);
	return c;
}

void controller_kill(struct controller *c)
{
	if (c->dead || c->finished)
		return;
	sim_trace(c->sim, "c%u: killed", c->id);
	c->dead = true;
	if (c->sim->sched.current != c->task)
		c->task->over = true; /* otherwise it leaves by itself at once */
	sched_wake(&c->sim->sched, c->sim->operator);
}
