#include "core/core.h"

#include <string.h>

#include "base/check.h"
#include "core/classify.h"
#include "core/invariant.h"

/* Generous: each takes another controller that moved meanwhile. */
#define LOOKS_MAX 16

static const char *const outcome_names[] = {
	[OUTCOME_DONE] = "done",
	[OUTCOME_LATER] = "later",
	[OUTCOME_FAILED] = "failed",
	[OUTCOME_REFUSED] = "refused",
	[OUTCOME_LOST] = "lost",
};

static const char *const verdict_names[] = {
	[VERDICT_NONE] = "running",
	[VERDICT_DONE] = "done",
	[VERDICT_UNDONE] = "undone",
	[VERDICT_REFUSED] = "refused",
	[VERDICT_TIMED_OUT] = "timed-out",
	[VERDICT_UNKNOWN] = "unknown",
};

const char *core_outcome_name(enum core_outcome outcome)
{
	REQUIRE(outcome < ARRAY_LEN(outcome_names));
	return outcome_names[outcome];
}

const char *core_verdict_name(enum core_verdict verdict)
{
	REQUIRE(verdict < ARRAY_LEN(verdict_names));
	return verdict_names[verdict];
}

void core_init(struct core *core, const struct core_config *config)
{
	REQUIRE(config->members >= 1 && config->members <= CORE_MEMBERS_MAX);
	REQUIRE(config->decider < config->members);
	REQUIRE(config->tries_max >= 1);
	memset(core, 0, sizeof *core);
	core->config = *config;
	core->phase = PHASE_IDLE;
	core_invariant(core);
}

/* --- effects ------------------------------------------------------------------------------- */

static struct core_effect *emit(struct core_effects *fx, enum core_effect_kind kind)
{
	INVARIANT(fx->count < CORE_EFFECTS_MAX);
	fx->row[fx->count] = (struct core_effect){.kind = kind};
	return &fx->row[fx->count++];
}

static void emit_end(struct core *core, struct core_effects *fx, enum core_verdict verdict)
{
	REQUIRE(core->pending == 0 && core->beside == 0);
	core->verdict = verdict;
	emit(fx, EFFECT_END)->verdict = verdict;
}

static void emit_wait(struct core *core, struct core_effects *fx)
{
	int shift = core->tries < 5 ? core->tries : 5;

	core->waiting = true;
	emit(fx, EFFECT_WAIT)->wait_ms = core->config.backoff_ms << shift;
}

static void emit_observe(struct core *core, struct core_effects *fx)
{
	for (size_t m = 0; m < core->config.members; m++) {
		core->member[m].seen = false;
		emit(fx, EFFECT_OBSERVE)->member = m;
		core->pending++;
	}
}

/* --- steps of a phase ---------------------------------------------------------------------- */

static bool is_in_turn(const struct core *core, const struct step *step, size_t member)
{
	bool decides = member == core->config.decider;

	if (step->order == ORDER_ALL || step->order == ORDER_BESIDE)
		return core->turn == 0;
	if (step->order == ORDER_DECIDER || step->order == ORDER_OTHERS)
		return core->turn == 0 && decides == (step->order == ORDER_DECIDER);
	return (step->order == ORDER_FIRST) == (decides == (core->turn == 0));
}

/* Emits the verbs of (group, turn).  Returns how many of them the turn waits for. */
static size_t emit_turn(struct core *core, struct core_effects *fx)
{
	size_t count, awaited = 0;
	const struct step *steps = table_steps(core->phase, &count);

	for (size_t s = 0; s < count; s++) {
		if (steps[s].group != core->group)
			continue;
		for (size_t m = 0; m < core->config.members; m++) {
			struct core_effect *effect;

			if (!is_in_turn(core, &steps[s], m))
				continue;
			effect = emit(fx, EFFECT_VERB);
			effect->member = m;
			effect->verb = steps[s].verb;
			if (steps[s].order == ORDER_BESIDE)
				core->beside++;
			else
				awaited++;
			if (effect->verb == VERB_HOLD)
				core->holding = core->held = true; /* whatever the answer */
		}
	}
	core->pending += awaited;
	core->worst = OUTCOME_DONE;
	return awaited;
}

static bool has_group(const struct core *core)
{
	size_t count;
	const struct step *steps = table_steps(core->phase, &count);

	for (size_t s = 0; s < count; s++)
		if (steps[s].group == core->group)
			return true;
	return false;
}

/* Emits the next turn or group that has work; false when the phase is through. */
static bool emit_next(struct core *core, struct core_effects *fx)
{
	while (has_group(core)) {
		while (core->turn < 2) {
			if (emit_turn(core, fx) > 0)
				return true;
			core->turn++;
		}
		core->group++;
		core->turn = 0;
	}
	return false;
}

/* --- the one mutator ----------------------------------------------------------------------- */

static void core_move(struct core *core, enum signal signal, struct core_effects *fx)
{
	struct edge edge = table_edge(core->phase, signal);
	struct core_trace *trace;

	INVARIANT(edge.kind != EDGE_ILLEGAL);
	INVARIANT(fx->trace_count < ARRAY_LEN(fx->trace));
	INVARIANT(core->beside == 0);
	trace = &fx->trace[fx->trace_count++];
	*trace = (struct core_trace){core->phase, edge.next, signal, core->attempt, edge.sentence};
	if (edge.kind == EDGE_STAY)
		return;
	core->came_from = core->phase;
	core->phase = edge.next;
	core->group = 0;
	core->turn = 0;
	core->tries = 0;
	core->worst_beside = OUTCOME_DONE;
	if (core->phase == PHASE_UNDOING)
		core->undone = true;
	core_invariant(core);
}

static void take_signal(struct core *core, enum signal signal, struct core_effects *fx);

/* One side is open and serves, as far as was just seen.  An older view proves nothing. */
static bool some_door_is_open(const struct core *core, enum signal signal)
{
	const struct core_view *view = &core->member[core->config.decider].view;

	if (signal != SIGNAL_SPENT || core->came_from != PHASE_IDLE)
		return false;
	for (int s = 0; s < SIDE_COUNT; s++)
		if (view->reachable[s] && view->door[s].reg.state == REG_ACTIVE)
			return true;
	return false;
}

static void enter_ready(struct core *core, struct core_effects *fx)
{
	bool may_try = core->config.mode == CORE_RUN && !core->hopeless && !core->asked_abort &&
		       core->src != core->config.goal &&
		       core->attempts_made < core->config.attempts_max;

	if (core->config.mode == CORE_RESUME) {
		emit_end(core, fx, core->undone ? VERDICT_UNDONE : VERDICT_DONE);
	} else if (!may_try) {
		/* Where nobody was ever held, nothing was stopped: it was refused. */
		emit_end(core, fx,
			core->held || core->asked_abort ? VERDICT_UNDONE : VERDICT_REFUSED);
	} else {
		core->attempt++;
		core->attempts_made++;
		core->asked_deadline = false;
		if (core->attempts_made > 1) {
			core->tries = (int)core->attempts_made - 1;
			emit_wait(core, fx);
		} else {
			emit_next(core, fx);
		}
	}
}

static void enter_baking(struct core *core, struct core_effects *fx)
{
	/* A run may have had to finish the turn of an earlier attempt before its own. */
	if (core->config.mode == CORE_FINALIZE)
		emit_next(core, fx);
	else if (core->config.mode == CORE_RUN && side_other(core->src) != core->config.goal &&
		 core->attempts_made == 0) {
		take_signal(core, SIGNAL_AGAIN, fx);
	} else {
		emit_end(core, fx, VERDICT_DONE);
	}
}

/* Whoever keeps losing yields: first a pause, so that two controllers do not march in step, then
 * for good.  `resume` goes on from the registers. */
static void enter_idle(struct core *core, struct core_effects *fx)
{
	if (++core->looks > LOOKS_MAX) {
		take_signal(core, SIGNAL_SPENT, fx);
	} else if (core->looks > 1) {
		core->tries = core->looks;
		emit_wait(core, fx);
		core->tries = 0;
	} else {
		emit_observe(core, fx);
	}
}

/* What a phase begins with. */
static void enter(struct core *core, enum signal signal, struct core_effects *fx)
{
	switch (core->phase) {
	case PHASE_IDLE:
		enter_idle(core, fx);
		break;
	case PHASE_READY:
		enter_ready(core, fx);
		break;
	case PHASE_BAKING:
		enter_baking(core, fx);
		break;
	case PHASE_FINAL:
		emit_end(core, fx, VERDICT_DONE);
		break;
	case PHASE_UNKNOWN:
		emit_end(core, fx,
			some_door_is_open(core, signal) ? VERDICT_TIMED_OUT : VERDICT_UNKNOWN);
		break;
	case PHASE_HELD:
	case PHASE_SEALED:
	case PHASE_CAUGHT_UP:
	case PHASE_COMMITTING:
	case PHASE_PROMOTED:
	case PHASE_RELEASED:
	case PHASE_RETIRED:
	case PHASE_UNDOING:
		emit_next(core, fx);
		break;
	case PHASE_COUNT:
		INVARIANT(core->phase != PHASE_COUNT);
	}
}

/* --- signals ------------------------------------------------------------------------------- */

/* A signal that stays in its phase: try again, or stop trying. */
static void stay(struct core *core, enum signal signal, struct core_effects *fx)
{
	if (signal == SIGNAL_FAILED || signal == SIGNAL_SEEN_BLIND || signal == SIGNAL_SEEN_TORN) {
		if (++core->tries >= core->config.tries_max) {
			take_signal(core, SIGNAL_SPENT, fx);
			return;
		}
		emit_wait(core, fx);
	} else if (signal == SIGNAL_SEEN_BUSY) {
		emit_end(core, fx, VERDICT_REFUSED);
	} else if (signal == SIGNAL_SPENT) {
		emit_end(core, fx, VERDICT_TIMED_OUT);
	}
}

static void take_signal(struct core *core, enum signal signal, struct core_effects *fx)
{
	enum phase was = core->phase;

	core_move(core, signal, fx);
	if (core->phase != was)
		enter(core, signal, fx);
	else
		stay(core, signal, fx);
}

/* RUN does not meddle with an attempt that somebody else may still be carrying out; a turn that is
 * pending is finished by anyone. */
static bool is_busy(const struct core *core, enum signal signal)
{
	return core->config.mode != CORE_RESUME && !core->looked && signal != SIGNAL_SEEN_READY &&
	       signal != SIGNAL_SEEN_GOAL && signal != SIGNAL_SEEN_RETIRED &&
	       signal != SIGNAL_SEEN_BLIND && signal != SIGNAL_SEEN_BROKEN;
}

/* The sides and members are read one after the other.  While somebody moves, that can look like a
 * contradiction; a real one is still there at the next looks. */
static enum signal believe(struct core *core, enum signal signal)
{
	bool last = core->tries + 1 >= core->config.tries_max;

	if (signal != SIGNAL_SEEN_BROKEN) {
		core->torn = 0;
		return signal;
	}
	core->torn++;
	return core->torn > 2 || (core->torn > 1 && last) ? SIGNAL_SEEN_BROKEN : SIGNAL_SEEN_TORN;
}

static void after_observations(struct core *core, struct core_effects *fx)
{
	struct classified seen = classify_wave(core);

	if (is_busy(core, seen.signal))
		seen.signal = SIGNAL_SEEN_BUSY;
	seen.signal = believe(core, seen.signal);
	if (seen.signal != SIGNAL_SEEN_BLIND && seen.signal != SIGNAL_SEEN_TORN) {
		core->looked = true;
		core->src = seen.signal == SIGNAL_SEEN_GOAL ? side_other(seen.src) : seen.src;
		if (seen.attempt > core->attempt || core->phase == PHASE_IDLE)
			core->attempt = seen.attempt;
	}
	take_signal(core, seen.signal, fx);
}

static bool is_before_commit(const struct core *core)
{
	return (phase_flags(core->phase) & PHASE_BEFORE) != 0;
}

static enum core_outcome worst_of_turn(const struct core *core)
{
	return core->worst > core->worst_beside ? core->worst : core->worst_beside;
}

/* The turn's verbs are complete: does the phase end here, and with which signal? */
static bool ends_phase(const struct core *core, enum signal *ret_signal)
{
	enum core_outcome worst = worst_of_turn(core);

	if (worst == OUTCOME_LOST)
		*ret_signal = SIGNAL_LOST;
	else if (worst >= OUTCOME_FAILED)
		*ret_signal = SIGNAL_FAILED;
	else if (is_before_commit(core) && core->asked_abort)
		*ret_signal = SIGNAL_ABORT;
	else if (is_before_commit(core) && core->asked_deadline)
		*ret_signal = SIGNAL_DEADLINE;
	else
		return false;
	return true;
}

/* What still runs beside has the same deadline as everything else: it is waited for. */
static void after_turn(struct core *core, struct core_effects *fx)
{
	enum signal signal = SIGNAL_DONE;
	bool ends = ends_phase(core, &signal);

	if (!ends) {
		core->turn++;
		if (emit_next(core, fx))
			return;
	}
	if (core->beside > 0)
		return;
	core->hopeless |= worst_of_turn(core) == OUTCOME_REFUSED;
	take_signal(core, signal, fx);
}

static bool runs_beside(const struct core *core, enum verb verb)
{
	size_t count;
	const struct step *steps = table_steps(core->phase, &count);

	for (size_t s = 0; s < count; s++)
		if (steps[s].verb == verb)
			return steps[s].order == ORDER_BESIDE;
	return false;
}

static void count_verb(struct core *core, const struct core_event *event)
{
	bool beside = runs_beside(core, event->verb);
	size_t *out = beside ? &core->beside : &core->pending;
	enum core_outcome *worst = beside ? &core->worst_beside : &core->worst;

	REQUIRE(*out > 0);
	--*out;
	if (event->outcome > *worst)
		*worst = event->outcome;
}

static void on_verb(struct core *core, const struct core_event *event, struct core_effects *fx)
{
	REQUIRE(event->member < core->config.members);
	count_verb(core, event);
	if (event->outcome == OUTCOME_LATER)
		core->member[event->member].later = true;
	if (event->verb == VERB_RELEASE && event->outcome <= OUTCOME_LATER)
		core->holding = false;
	if (core->pending == 0)
		after_turn(core, fx);
}

static void on_observed(struct core *core, const struct core_event *event, struct core_effects *fx)
{
	REQUIRE(event->member < core->config.members);
	REQUIRE(core->pending > 0);
	core->pending--;
	core->member[event->member].view = event->view;
	core->member[event->member].seen = true;
	if (core->pending == 0)
		after_observations(core, fx);
}

static void on_timer(struct core *core, struct core_effects *fx)
{
	REQUIRE(core->waiting);
	core->waiting = false;
	if (is_before_commit(core) && core->asked_abort)
		take_signal(core, SIGNAL_ABORT, fx);
	else if (core->phase == PHASE_IDLE)
		emit_observe(core, fx);
	else if (!emit_next(core, fx))
		take_signal(core, SIGNAL_DONE, fx);
}

void core_step(struct core *core, const struct core_event *event, struct core_effects *fx)
{
	fx->count = 0;
	fx->trace_count = 0;
	if (core->verdict != VERDICT_NONE)
		return;
	switch (event->kind) {
	case EVENT_START:
		REQUIRE(core->phase == PHASE_IDLE && core->pending == 0);
		emit_observe(core, fx);
		break;
	case EVENT_OBSERVED:
		on_observed(core, event, fx);
		break;
	case EVENT_VERB:
		on_verb(core, event, fx);
		break;
	case EVENT_TIMER:
		on_timer(core, fx);
		break;
	case EVENT_DEADLINE:
		/* The steps that are out have the same deadline: they end by themselves. */
		core->asked_deadline = true;
		break;
	case EVENT_ABORT:
		core->asked_abort = true;
		break;
	}
	core_invariant(core);
}
