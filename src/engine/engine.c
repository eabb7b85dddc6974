#include "engine/engine.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "engine/verbs.h"

/* At most three verbs of a member are out at once: TRY and SEQUENCES beside one other. */
#define WORKS_MAX (3 * CORE_MEMBERS_MAX)
#define LULL_MS_MAX 1000 /* what preparing has held up is caught up with by then */

/* One verb or observation in a worker. */
struct work {
	struct job job; /* first: the env hands it back */
	bool busy;
	struct core_event event; /* filled in by the worker */
	enum core_effect_kind kind;
	struct verb_call call;
	struct err err;
	int64_t began_us, ended_us;
};

struct engine {
	const struct engine_config *config;
	struct core core;
	struct work work[WORKS_MAX];
	int64_t epoch_seen[CORE_MEMBERS_MAX];
	int64_t timer_us;      /* 0 = none */
	int64_t hold_end_us;   /* what the source's register is told; 0 = nobody is held */
	int64_t window_end_us; /* what this controller allows itself, never later */
	bool abort_sent;
	struct engine_report *report;
};

/* Whose deadline it was: the engine's, if the two are the same, or a shorter one of the verb's own. */
static void say_time_given(struct work *work)
{
	int64_t took_us = env_now_us(work->call.env) - work->began_us;
	int64_t given_us = work->call.deadline_ms * 1000 - work->began_us;

	err_wrap(&work->err, "after %.1f of %.1f s", (double)took_us / 1e6, (double)given_us / 1e6);
}

static void work_run(struct job *job)
{
	struct work *work = (struct work *)job;

	if (work->kind == EFFECT_OBSERVE) {
		verb_observe(&work->call, &work->event.view);
		return;
	}
	work->event.outcome = verb_run(work->event.verb, &work->call, &work->err);
	if (work->event.outcome != OUTCOME_DONE && work->err.code == ERR_TIMEOUT)
		say_time_given(work);
}

static struct work *work_take(struct engine *engine)
{
	size_t i = 0;

	while (i < WORKS_MAX && engine->work[i].busy)
		i++;
	INVARIANT(i < WORKS_MAX);
	memset(&engine->work[i], 0, sizeof engine->work[i]);
	engine->work[i].busy = true;
	engine->work[i].job.run = work_run;
	return &engine->work[i];
}

static int64_t now_ms(const struct engine *engine)
{
	return env_now_ms(engine->config->env);
}

/* Before the hold: time to prepare.  During it: what is left of it.  Later: one try. */
static int64_t verb_deadline_ms(const struct engine *engine)
{
	const struct engine_timeouts *t = &engine->config->timeouts;
	int flags = phase_flags(engine->core.phase);

	if (!(flags & PHASE_BEFORE))
		return now_ms(engine) + t->finish_ms;
	if (engine->hold_end_us == 0)
		return now_ms(engine) + t->prepare_ms;
	return engine->window_end_us / 1000;
}

/* A fifth of the hold at most, whose deadline at the source comes nearer by it.  Of several stores
 * none may wait for another's good moment. */
static int64_t lull_ms(const struct engine *engine)
{
	int64_t part = engine->config->timeouts.hold_ms / 5;

	if (engine->core.config.members > 1)
		return 0;
	return part < LULL_MS_MAX ? part : LULL_MS_MAX;
}

/* The window is as long as the plan wants from the moment on at which clients are stopped. */
static void begin_window(struct engine *engine, int64_t from_us)
{
	const struct engine_timeouts *t = &engine->config->timeouts;
	int64_t end_us = from_us + t->window_ms * 1000;

	engine->window_end_us = engine->hold_end_us;
	if (t->window_ms > 0 && end_us < engine->hold_end_us)
		engine->window_end_us = end_us;
}

static struct verb_call make_call(struct engine *engine, size_t member)
{
	const struct engine_config *config = engine->config;
	int64_t left_ms = engine->hold_end_us / 1000 - now_ms(engine);

	return (struct verb_call){
		.env = config->env,
		.store = config->member[member].store,
		.route = config->member[member].route,
		.src = engine->core.src,
		.undoing = engine->core.phase == PHASE_UNDOING,
		.decides = config->core.members > 1 && member == config->core.decider,
		.attempt = engine->core.attempt,
		.deadline_ms = verb_deadline_ms(engine),
		.hold_ms = left_ms > 1 ? left_ms : 1,
		.drain_ms = config->timeouts.drain_ms,
		.lull_ms = lull_ms(engine),
		.ret_held = &engine->report->held[member],
		.ret_released = &engine->report->released[member],
		.ret_tried = &engine->report->tried[member],
		.ret_silence = engine->report->silence[member],
		/* With less than this the destination might be asked after the source's own
		 * deadline has given it back. */
		.commit_ms = config->timeouts.hold_ms / 10,
		.epoch_seen = &engine->epoch_seen[member],
	};
}

static void submit_observe(struct engine *engine, const struct core_effect *effect)
{
	struct work *work = work_take(engine);

	work->kind = EFFECT_OBSERVE;
	work->event = (struct core_event){.kind = EVENT_OBSERVED, .member = effect->member};
	work->call = make_call(engine, effect->member);
	work->call.deadline_ms = now_ms(engine) + engine->config->timeouts.look_ms;
	env_submit(engine->config->env, &work->job);
}

static void begin_hold(struct engine *engine)
{
	const struct engine_timeouts *t = &engine->config->timeouts;
	int64_t now_us = env_now_us(engine->config->env);

	if (engine->hold_end_us != 0)
		return;
	engine->hold_end_us = now_us + t->hold_ms * 1000;
	begin_window(engine, now_us + lull_ms(engine) * 1000);
}

/* Law 4: one durable record before the first effect of an attempt. */
static int record_intent(struct engine *engine, enum verb verb, struct err *err)
{
	const struct engine_hooks *hooks = &engine->config->hooks;

	if (verb != VERB_GUARD || !hooks->intent)
		return 0;
	return hooks->intent(hooks->arg, engine->core.attempt, engine->core.src, err);
}

static void feed(struct engine *engine, const struct core_event *event);

static void work_done(struct engine *engine, struct work *work);

static void submit_verb(struct engine *engine, const struct core_effect *effect)
{
	const struct engine_hooks *hooks = &engine->config->hooks;
	struct work *work = work_take(engine);

	work->kind = EFFECT_VERB;
	work->event = (struct core_event){
		.kind = EVENT_VERB, .member = effect->member, .verb = effect->verb};
	work->began_us = env_now_us(engine->config->env);
	if (effect->verb == VERB_HOLD)
		begin_hold(engine);
	work->call = make_call(engine, effect->member);
	if (hooks->began)
		hooks->began(hooks->arg, effect->member, effect->verb, engine->core.attempt,
			work->began_us);
	if (record_intent(engine, effect->verb, &work->err)) {
		work->event.outcome = OUTCOME_REFUSED;
		work_done(engine, work);
		return;
	}
	env_submit(engine->config->env, &work->job);
}

/* As clients had it: nobody waited while the route looked for a good moment to hold, and those who
 * had waited had gone on when it let them be served before it answered the release. */
static void take_off_what_nobody_waited(struct engine *engine, struct work *work)
{
	size_t member = work->event.member;

	if (work->event.verb == VERB_HOLD)
		work->began_us += engine->report->held[member].lull_ms * 1000;
	if (work->event.verb == VERB_RELEASE && work->event.outcome == OUTCOME_DONE)
		work->ended_us -= engine->report->released[member].served_ms * 1000;
	if (work->ended_us < work->began_us)
		work->ended_us = work->began_us;
}

static void note_part(struct engine *engine, const struct work *work)
{
	struct engine_part *part = &engine->report->part[work->event.verb];

	if (!part->ran || work->began_us < part->began_us)
		part->began_us = work->began_us;
	part->ended_us = work->ended_us;
	part->ran = true;
}

/* They stay ended, whatever becomes of the attempt. */
static void note_ended(struct engine_report *report, const struct route_held *held)
{
	size_t len = strlen(report->ended_who);

	report->ended += held->ended;
	if (held->ended > 0)
		snprintf(report->ended_who + len, sizeof report->ended_who - len, "%s%s",
			len > 0 ? "; " : "", held->who);
}

static void note_verb(struct engine *engine, struct work *work)
{
	const struct engine_hooks *hooks = &engine->config->hooks;
	struct engine_report *report = engine->report;

	work->ended_us = env_now_us(engine->config->env);
	take_off_what_nobody_waited(engine, work);
	note_part(engine, work);
	if (work->event.verb == VERB_HOLD && engine->core.config.members == 1)
		begin_window(engine, work->began_us);
	if (work->event.verb == VERB_HOLD)
		note_ended(report, &report->held[work->event.member]);
	if (work->event.verb == VERB_RELEASE)
		report->unreleased[work->event.member] =
			work->event.outcome == OUTCOME_DONE ? ERR_INIT : work->err;
	if (work->event.outcome == OUTCOME_LATER)
		report->later = true;
	/* What went wrong first is the cause; what went wrong while undoing it is not. */
	if (work->event.outcome > OUTCOME_LATER &&
		(!work->call.undoing || report->cause.code == ERR_OK)) {
		report->cause = work->err;
		report->cause_verb = work->event.verb;
		report->cause_member = work->event.member;
	}
	if (hooks->ended)
		hooks->ended(hooks->arg, work->event.member, work->event.verb, work->call.attempt,
			work->event.outcome, &work->err, work->began_us, work->ended_us);
}

static void work_done(struct engine *engine, struct work *work)
{
	struct core_event event = work->event;

	if (work->kind == EFFECT_VERB)
		note_verb(engine, work);
	work->busy = false;
	feed(engine, &event);
}

static void carry_out(struct engine *engine, const struct core_effect *effect)
{
	switch (effect->kind) {
	case EFFECT_OBSERVE:
		submit_observe(engine, effect);
		break;
	case EFFECT_VERB:
		submit_verb(engine, effect);
		break;
	case EFFECT_WAIT:
		/* Half fixed, half random: two controllers must not march in step. */
		engine->timer_us = env_now_us(engine->config->env) + effect->wait_ms * 500 +
				   (int64_t)(env_random(engine->config->env) %
					     (uint64_t)(effect->wait_ms * 500 + 1));
		break;
	case EFFECT_END:
		engine->report->verdict = effect->verdict;
		break;
	}
}

static bool is_holding(const struct core *core)
{
	return core->holding || (phase_flags(core->phase) & PHASE_HOLDS) != 0;
}

static void forget_parts(struct engine *engine)
{
	memset(engine->report->part, 0, sizeof engine->report->part);
	memset(engine->report->held, 0, sizeof engine->report->held);
	memset(engine->report->released, 0, sizeof engine->report->released);
	memset(engine->report->unreleased, 0, sizeof engine->report->unreleased);
	memset(engine->report->tried, 0, sizeof engine->report->tried);
}

static void note_moves(struct engine *engine, const struct core_effects *fx)
{
	const struct engine_hooks *hooks = &engine->config->hooks;

	for (size_t i = 0; i < fx->trace_count; i++) {
		if (hooks->moved)
			hooks->moved(hooks->arg, &fx->trace[i], env_now_us(engine->config->env));
		if (fx->trace[i].to == PHASE_READY && fx->trace[i].from != PHASE_READY)
			forget_parts(engine);
	}
	if (is_holding(&engine->core))
		return;
	engine->hold_end_us = 0;
	if (hooks->calm)
		hooks->calm(hooks->arg);
}

static void feed(struct engine *engine, const struct core_event *event)
{
	struct core_effects fx;

	core_step(&engine->core, event, &fx);
	note_moves(engine, &fx);
	for (size_t i = 0; i < fx.count; i++)
		carry_out(engine, &fx.row[i]);
}

/* The nearest of timer and deadline; far away when there is neither. */
static int64_t until_us(const struct engine *engine)
{
	int64_t until = env_now_us(engine->config->env) + 3600 * INT64_C(1000000);

	if (engine->timer_us && engine->timer_us < until)
		until = engine->timer_us;
	if (engine->hold_end_us && engine->window_end_us < until &&
		(phase_flags(engine->core.phase) & PHASE_BEFORE) && !engine->core.asked_deadline)
		until = engine->window_end_us;
	return until;
}

static void fire_clocks(struct engine *engine)
{
	const volatile sig_atomic_t *asked = engine->config->abort_asked;
	int64_t now_us = env_now_us(engine->config->env);

	if (asked && *asked && !engine->abort_sent) {
		engine->abort_sent = true;
		feed(engine, &(struct core_event){.kind = EVENT_ABORT});
	}
	if (engine->hold_end_us && now_us >= engine->window_end_us && !engine->core.asked_deadline)
		feed(engine, &(struct core_event){.kind = EVENT_DEADLINE});
	if (engine->timer_us && now_us >= engine->timer_us) {
		engine->timer_us = 0;
		feed(engine, &(struct core_event){.kind = EVENT_TIMER});
	}
}

static void look_back(struct engine *engine)
{
	for (size_t m = 0; m < engine->config->core.members; m++) {
		struct verb_call call = make_call(engine, m);

		call.deadline_ms = now_ms(engine) + engine->config->timeouts.look_ms;
		verb_observe(&call, &engine->report->view[m]);
	}
}

void engine_run(const struct engine_config *config, struct engine_report *ret_report)
{
	struct engine engine = {.config = config, .report = ret_report};

	REQUIRE(config->timeouts.hold_ms > 0);
	memset(ret_report, 0, sizeof *ret_report);
	core_init(&engine.core, &config->core);
	feed(&engine, &(struct core_event){.kind = EVENT_START});
	while (engine.core.verdict == VERDICT_NONE) {
		struct job *job = env_next(config->env, until_us(&engine));

		if (job)
			work_done(&engine, (struct work *)job);
		if (engine.core.verdict == VERDICT_NONE)
			fire_clocks(&engine);
	}
	ENSURE(engine.core.pending == 0 && engine.core.beside == 0);
	ret_report->phase = engine.core.phase;
	ret_report->attempt = engine.core.attempt;
	ret_report->attempts_made = engine.core.attempts_made;
	ret_report->src = engine.core.src;
	look_back(&engine);
}
