/*
 * test_core.c - the step function under everything that can be fed to it.
 *
 * A *walk* keeps what the core asked for and has not been answered, answers it in every possible
 * way, and checks after each step what the laws ask of any controller, whatever the world does.
 */
#include "../testing.h"

#include <string.h>

#include "base/prng.h"
#include "core/classify.h"
#include "views.h"

#define OUT_MAX CORE_EFFECTS_MAX
#define MEMBERS 3

struct walk {
	struct core core;
	struct core_effect out[OUT_MAX]; /* asked, not answered */
	size_t out_count;
	bool held[MEMBERS];			    /* HOLD was asked for and no RELEASE since */
	bool committed[MEMBERS], promoted[MEMBERS]; /* answered done, at `attempt` */
	bool seen_yes;				    /* the newest look allowed to go forward */
	int64_t attempt;
	bool reopened; /* the decider, in this undo */
	bool ended, aborted, late;
	int deviations;
};

struct totals {
	long steps, ends[VERDICT_UNKNOWN + 1];
	bool cell[PHASE_COUNT][SIGNAL_COUNT];
};

/* --- what must hold of every effect --------------------------------------------------------- */

static bool is_out(const struct walk *w, size_t member, enum verb verb)
{
	for (size_t i = 0; i < w->out_count; i++)
		if (w->out[i].kind == EFFECT_VERB && w->out[i].member == member &&
			w->out[i].verb == verb)
			return true;
	return false;
}

static bool all(const bool *flags, size_t count)
{
	for (size_t m = 0; m < count; m++)
		if (!flags[m])
			return false;
	return true;
}

static bool any(const bool *flags, size_t count)
{
	for (size_t m = 0; m < count; m++)
		if (flags[m])
			return true;
	return false;
}

static bool may_run_beside(enum verb verb)
{
	return verb == VERB_TRY || verb == VERB_SEQUENCES;
}

/* Of one member at most one verb is out, but for those that run beside the others of their phase;
 * the next phase begins only when they have answered. */
static void check_not_twice(const struct walk *w, const struct core_effect *fx)
{
	for (int v = 0; v < VERB_COUNT; v++) {
		bool beside = w->core.phase == PHASE_SEALED &&
			      (enum verb)v != fx->verb &&
			      (may_run_beside((enum verb)v) || may_run_beside(fx->verb));

		if (!beside)
			assert_false(is_out(w, fx->member, (enum verb)v));
	}
}

static void check_commit_order(const struct walk *w, const struct core_effect *fx)
{
	const struct core_config *config = &w->core.config;

	if (fx->verb == VERB_COMMIT && fx->member == config->decider) {
		for (size_t m = 0; m < config->members; m++)
			assert_true(m == config->decider || w->committed[m]);
	}
	if (fx->verb == VERB_PROMOTE) {
		assert_true(all(w->committed, config->members) || w->seen_yes);
		if (fx->member != config->decider)
			assert_true(w->promoted[config->decider]);
	}
}

/* The others refuse and reopen only when the decider is open again. */
static void check_undo_order(const struct walk *w, const struct core_effect *fx)
{
	if ((fx->verb == VERB_REVOKE || fx->verb == VERB_REOPEN) &&
		fx->member != w->core.config.decider)
		assert_true(w->reopened);
}

static void check_release(const struct walk *w, const struct core_effect *fx)
{
	if (fx->verb == VERB_RELEASE && w->core.phase == PHASE_PROMOTED)
		assert_true(all(w->promoted, w->core.config.members) || w->seen_yes);
}

static void check_verb(struct walk *w, const struct core_effect *fx)
{
	assert_true(fx->member < w->core.config.members);
	check_not_twice(w, fx);
	check_commit_order(w, fx);
	check_undo_order(w, fx);
	check_release(w, fx);
	if (fx->verb == VERB_HOLD)
		w->held[fx->member] = true;
	if (fx->verb == VERB_RELEASE)
		w->held[fx->member] = false;
}

/* Law 4: no way out while traffic is held, unless no door is known to be open. */
static void check_end(struct walk *w, const struct core_effect *fx, struct totals *t)
{
	assert_int_equal(w->out_count, 0);
	assert_int_not_equal(fx->verdict, VERDICT_NONE);
	if (w->core.phase != PHASE_UNKNOWN)
		assert_false(any(w->held, w->core.config.members));
	if (fx->verdict == VERDICT_REFUSED)
		assert_false(w->core.held); /* refused means that nobody noticed */
	w->ended = true;
	t->ends[fx->verdict]++;
}

static void forget_attempt(struct walk *w)
{
	memset(w->committed, 0, sizeof w->committed);
	memset(w->promoted, 0, sizeof w->promoted);
}

static void take_effects(struct walk *w, const struct core_effects *fx, struct totals *t)
{
	for (size_t i = 0; i < fx->trace_count; i++) {
		const struct core_trace *trace = &fx->trace[i];

		t->cell[trace->from][trace->signal] = true;
		if (trace->from != PHASE_UNDOING)
			w->reopened = false;
		if (trace->from == PHASE_IDLE)
			w->seen_yes = trace->signal == SIGNAL_SEEN_COMMITTING ||
				      trace->signal == SIGNAL_SEEN_PROMOTED ||
				      trace->signal == SIGNAL_SEEN_RETIRED;
		else if (trace->signal == SIGNAL_DONE && trace->to == PHASE_READY)
			w->seen_yes = false;
	}
	if (w->core.attempt != w->attempt) {
		forget_attempt(w);
		w->attempt = w->core.attempt;
	}
	for (size_t i = 0; i < fx->count; i++) {
		assert_false(w->ended);
		if (fx->row[i].kind == EFFECT_VERB)
			check_verb(w, &fx->row[i]);
		if (fx->row[i].kind == EFFECT_WAIT)
			assert_true(fx->row[i].wait_ms > 0);
		if (fx->row[i].kind == EFFECT_END) {
			check_end(w, &fx->row[i], t);
			continue;
		}
		assert_true(w->out_count < OUT_MAX);
		w->out[w->out_count++] = fx->row[i];
	}
	/* Never stuck: somebody owes an answer, or the run has ended. */
	assert_true(w->ended || w->out_count > 0);
}

static void feed(struct walk *w, const struct core_event *event, struct totals *t)
{
	struct core_effects fx;

	core_step(&w->core, event, &fx);
	t->steps++;
	take_effects(w, &fx, t);
}

static struct core_effect take_out(struct walk *w, size_t i)
{
	struct core_effect fx = w->out[i];

	memmove(&w->out[i], &w->out[i + 1], (w->out_count - i - 1) * sizeof *w->out);
	w->out_count--;
	return fx;
}

static void answer_verb(
	struct walk *w, const struct core_effect *fx, enum core_outcome outcome, struct totals *t)
{
	if (outcome <= OUTCOME_LATER && fx->verb == VERB_COMMIT)
		w->committed[fx->member] = true;
	if (outcome <= OUTCOME_LATER && fx->verb == VERB_PROMOTE)
		w->promoted[fx->member] = true;
	if (outcome <= OUTCOME_LATER && fx->verb == VERB_REOPEN &&
		fx->member == w->core.config.decider)
		w->reopened = true;
	feed(w,
		&(struct core_event){.kind = EVENT_VERB,
			.member = fx->member,
			.verb = fx->verb,
			.outcome = outcome},
		t);
}

static void answer_look(struct walk *w, const struct core_effect *fx, enum view_kind kind,
	enum side src, struct totals *t)
{
	int64_t a = w->core.attempt > 0 ? w->core.attempt : 1;

	feed(w,
		&(struct core_event){.kind = EVENT_OBSERVED,
			.member = fx->member,
			.view = view_make(kind, src, a)},
		t);
}

static void begin(struct walk *w, enum core_mode mode, size_t members, struct totals *t)
{
	struct core_config config = {.mode = mode,
		.members = members,
		.decider = members - 1,
		.goal = SIDE_NEW,
		.attempts_max = 2,
		.backoff_ms = 10,
		.tries_max = 2};

	memset(w, 0, sizeof *w);
	core_init(&w->core, &config);
	feed(w, &(struct core_event){.kind = EVENT_START}, t);
}

/* --- exhaustive: every answer, at every place, up to a budget of deviations ------------------ */

/* What a look finds when nobody interferes: where this walk's own steps have led. */
static enum view_kind natural_view(const struct walk *w)
{
	if (any(w->promoted, w->core.config.members))
		return VIEW_PROMOTED;
	return any(w->committed, w->core.config.members) ? VIEW_DOUBT : VIEW_ABORTED;
}

static const enum view_kind looks[] = {VIEW_SETTLED, VIEW_GUARDED, VIEW_SEALED, VIEW_CUT,
	VIEW_DOUBT, VIEW_REVOKED, VIEW_PROMOTED, VIEW_TURN, VIEW_TURNED, VIEW_BLIND,
	VIEW_BOTH_OPEN};

static void explore(const struct walk *w, int depth, int budget, struct totals *t);

static void explore_look(
	const struct walk *w, const struct core_effect *fx, int depth, int budget, struct totals *t)
{
	bool first = !w->core.looked;

	for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
		struct walk next = *w;
		bool natural = first || looks[i] == natural_view(w);

		if (!natural && budget == 0 && looks[i] != VIEW_SETTLED)
			continue;
		answer_look(&next, fx, looks[i], SIDE_OLD, t);
		explore(&next, depth - 1, natural ? budget : budget > 0 ? budget - 1 : 0, t);
	}
}

static void explore_verb(
	const struct walk *w, const struct core_effect *fx, int depth, int budget, struct totals *t)
{
	for (int o = OUTCOME_DONE; o <= OUTCOME_LOST; o++) {
		struct walk next = *w;

		if (o != OUTCOME_DONE && budget == 0)
			continue;
		answer_verb(&next, fx, (enum core_outcome)o, t);
		explore(&next, depth - 1, o == OUTCOME_DONE ? budget : budget - 1, t);
	}
}

static void explore_interrupt(
	const struct walk *w, enum core_event_kind kind, int depth, int budget, struct totals *t)
{
	struct walk next = *w;

	if (kind == EVENT_ABORT)
		next.aborted = true;
	else
		next.late = true;
	feed(&next, &(struct core_event){.kind = kind}, t);
	explore(&next, depth - 1, budget - 1, t);
}

static void explore(const struct walk *w, int depth, int budget, struct totals *t)
{
	struct walk next = *w;
	struct core_effect fx;

	if (w->ended || depth == 0)
		return;
	if (budget > 0 && !w->aborted)
		explore_interrupt(w, EVENT_ABORT, depth, budget, t);
	if (budget > 0 && !w->late)
		explore_interrupt(w, EVENT_DEADLINE, depth, budget, t);
	fx = take_out(&next, 0);
	switch (fx.kind) {
	case EFFECT_OBSERVE:
		explore_look(&next, &fx, depth, budget, t);
		break;
	case EFFECT_VERB:
		explore_verb(&next, &fx, depth, budget, t);
		break;
	case EFFECT_WAIT:
		feed(&next, &(struct core_event){.kind = EVENT_TIMER}, t);
		explore(&next, depth - 1, budget, t);
		break;
	case EFFECT_END:
		fail();
	}
}

/* --- what runs beside the others of its phase ------------------------------------------------- */

/* Everything succeeds, and one verb has not answered yet. */
static void run_until_only_it_is_out(struct walk *w, enum verb verb, struct totals *t)
{
	begin(w, CORE_RUN, 2, t);
	for (size_t i = 0; i < w->out_count;) {
		struct core_effect fx = w->out[i];

		if (fx.kind == EFFECT_VERB && fx.verb == verb) {
			i++;
			continue;
		}
		take_out(w, i);
		if (fx.kind == EFFECT_OBSERVE)
			answer_look(w, &fx, VIEW_SETTLED, SIDE_OLD, t);
		else
			answer_verb(w, &fx, OUTCOME_DONE, t);
		i = 0;
	}
}

static void committed_only_after(enum verb verb)
{
	struct totals t = {0};
	struct core_effect fx;
	struct walk w;

	run_until_only_it_is_out(&w, verb, &t);
	assert_int_equal(w.core.phase, PHASE_SEALED);
	assert_int_equal(w.out_count, 2); /* of both members */
	fx = take_out(&w, 0);
	answer_verb(&w, &fx, OUTCOME_DONE, &t);
	assert_int_equal(w.core.phase, PHASE_SEALED);
	fx = take_out(&w, 0);
	answer_verb(&w, &fx, OUTCOME_DONE, &t);
	assert_int_equal(w.core.phase, PHASE_CAUGHT_UP);
}

static void nothing_is_committed_before_the_tried_write_was_refused(void **state)
{
	(void)state;
	committed_only_after(VERB_TRY);
}

static void nothing_is_committed_before_sequences_have_moved(void **state)
{
	(void)state;
	committed_only_after(VERB_SEQUENCES);
}

static void a_write_that_went_through_undoes_the_attempt_however_late_it_is_known(void **state)
{
	struct totals t = {0};
	struct core_effect fx;
	struct walk w;

	(void)state;
	run_until_only_it_is_out(&w, VERB_TRY, &t);
	fx = take_out(&w, 0);
	answer_verb(&w, &fx, OUTCOME_REFUSED, &t);
	assert_int_equal(w.core.phase, PHASE_SEALED); /* the other one is still out */
	fx = take_out(&w, 0);
	answer_verb(&w, &fx, OUTCOME_DONE, &t);
	assert_int_equal(w.core.phase, PHASE_UNDOING);
	assert_true(w.core.hopeless);
}

static void every_path_of_eight_events(void **state)
{
	struct totals t = {0};

	(void)state;
	for (int mode = CORE_RUN; mode <= CORE_FINALIZE; mode++) {
		struct walk w;

		begin(&w, (enum core_mode)mode, 1, &t);
		explore(&w, 8, 8, &t);
	}
	print_message("%ld steps\n", t.steps);
	assert_true(t.steps > 1000000);
}

/* To the end of the run, with up to three things going wrong anywhere. */
static void every_run_with_few_faults(void **state)
{
	struct totals t = {0};
	long cells = 0;

	(void)state;
	for (int mode = CORE_RUN; mode <= CORE_FINALIZE; mode++) {
		for (size_t members = 1; members <= 2; members++) {
			struct walk w;

			begin(&w, (enum core_mode)mode, members, &t);
			explore(&w, 200, members == 1 ? 3 : 1, &t);
		}
	}
	for (int p = 0; p < PHASE_COUNT; p++)
		for (int s = 0; s < SIGNAL_COUNT; s++)
			cells += t.cell[p][s];
	print_message(
		"%ld steps, %ld cells; done %ld undone %ld refused %ld later %ld unknown %ld\n",
		t.steps, cells, t.ends[VERDICT_DONE], t.ends[VERDICT_UNDONE],
		t.ends[VERDICT_REFUSED], t.ends[VERDICT_TIMED_OUT], t.ends[VERDICT_UNKNOWN]);
	for (int v = VERDICT_DONE; v <= VERDICT_UNKNOWN; v++)
		assert_true(t.ends[v] > 0);
}

/* --- random: any order of answers, any views, to the end ------------------------------------- */

static void random_answer(struct walk *w, struct prng *p, unsigned calm, struct totals *t)
{
	struct core_effect fx = take_out(w, prng_below(p, w->out_count));
	bool bad = prng_below(p, 100) >= calm;

	switch (fx.kind) {
	case EFFECT_OBSERVE:
		answer_look(w, &fx,
			bad ? (enum view_kind)prng_below(p, VIEW_KIND_COUNT) : natural_view(w),
			bad ? (enum side)prng_below(p, SIDE_COUNT) : SIDE_OLD, t);
		break;
	case EFFECT_VERB:
		answer_verb(w, &fx,
			bad ? (enum core_outcome)prng_below(p, OUTCOME_LOST + 1) : OUTCOME_DONE, t);
		break;
	case EFFECT_WAIT:
		feed(w, &(struct core_event){.kind = EVENT_TIMER}, t);
		break;
	case EFFECT_END:
		fail();
	}
}

/* However hostile the world, a run has at most so many steps. */
#define STEPS_MAX 2000

static void random_walk(uint64_t seed, struct totals *t)
{
	struct prng p = {.state = seed};
	size_t members = 1 + prng_below(&p, MEMBERS);
	unsigned calm = (unsigned)prng_below(&p, 100);
	struct walk w;
	int steps = 0;

	begin(&w, (enum core_mode)prng_below(&p, 3), members, t);
	while (!w.ended) {
		uint64_t dice = prng_below(&p, 100);

		if (dice == 0 && !w.aborted) {
			w.aborted = true;
			feed(&w, &(struct core_event){.kind = EVENT_ABORT}, t);
		} else if (dice == 1) {
			feed(&w, &(struct core_event){.kind = EVENT_DEADLINE}, t);
		} else {
			random_answer(&w, &p, calm, t);
		}
		if (++steps > STEPS_MAX)
			fail_msg("seed %llu does not end", (unsigned long long)seed);
	}
}

static void every_random_run_ends(void **state)
{
	struct totals t = {0};

	(void)state;
	for (uint64_t seed = 0; seed < 50000; seed++)
		random_walk(seed, &t);
	for (int p = 0; p < PHASE_COUNT; p++) {
		for (int s = 0; s < SIGNAL_COUNT; s++) {
			struct edge edge = table_edge((enum phase)p, (enum signal)s);
			bool timed = s == SIGNAL_ABORT || s == SIGNAL_DEADLINE;

			/* Clock and person are asked only where they can change something. */
			if (edge.kind == EDGE_ILLEGAL || (timed && edge.kind == EDGE_STAY))
				assert_false(t.cell[p][s]);
			else if (!t.cell[p][s])
				fail_msg("never seen: %s in %s", signal_name((enum signal)s),
					phase_name((enum phase)p));
		}
	}
}

/* --- single stories ------------------------------------------------------------------------- */

static void the_happy_path(void **state)
{
	struct totals t = {0};
	struct walk w;
	bool first = true;

	(void)state;
	begin(&w, CORE_RUN, 3, &t);
	while (!w.ended) {
		struct core_effect fx = take_out(&w, 0);

		if (fx.kind == EFFECT_OBSERVE)
			answer_look(&w, &fx, VIEW_SETTLED, SIDE_OLD, &t);
		else
			answer_verb(&w, &fx, OUTCOME_DONE, &t);
		if (first && w.core.phase == PHASE_READY) {
			assert_int_equal(w.core.attempt, 1);
			first = false;
		}
	}
	assert_int_equal(w.core.verdict, VERDICT_DONE);
	assert_int_equal(w.core.phase, PHASE_BAKING);
	assert_int_equal(w.core.attempts_made, 1);
}

/* A run may find the turn of an earlier attempt pending: it finishes that, then does its own. */
static void a_run_finishes_an_earlier_turn_first(void **state)
{
	struct totals t = {0};
	struct walk w;

	(void)state;
	begin(&w, CORE_RUN, 1, &t);
	w.core.config.goal = SIDE_OLD;
	for (int looks_done = 0; !w.ended;) {
		struct core_effect fx = take_out(&w, 0);

		if (fx.kind == EFFECT_OBSERVE)
			answer_look(
				&w, &fx, looks_done++ == 0 ? VIEW_TURN : VIEW_TURNED, SIDE_OLD, &t);
		else
			answer_verb(&w, &fx, OUTCOME_DONE, &t);
	}
	assert_int_equal(w.core.verdict, VERDICT_DONE);
	assert_int_equal(w.core.src, SIDE_NEW);
	assert_int_equal(w.core.attempt, 2);
}

static void a_run_leaves_what_others_began_alone(void **state)
{
	static const enum view_kind kinds[] = {
		VIEW_GUARDED, VIEW_SEALED, VIEW_DOUBT, VIEW_REVOKED, VIEW_PROMOTED};

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct totals t = {0};
		struct walk w;
		struct core_effect fx;

		begin(&w, CORE_RUN, 1, &t);
		fx = take_out(&w, 0);
		answer_look(&w, &fx, kinds[i], SIDE_OLD, &t);
		assert_true(w.ended);
		assert_int_equal(w.core.verdict, VERDICT_REFUSED);
	}
}

/* The two looks of two sides are no snapshot: a contradiction must be seen twice. */
static void a_contradiction_is_looked_at_twice(void **state)
{
	struct totals t = {0};
	struct walk w;
	struct core_effect fx;

	(void)state;
	begin(&w, CORE_RESUME, 1, &t);
	fx = take_out(&w, 0);
	answer_look(&w, &fx, VIEW_BOTH_OPEN, SIDE_OLD, &t);
	assert_false(w.ended);
	fx = take_out(&w, 0);
	assert_int_equal(fx.kind, EFFECT_WAIT);
	feed(&w, &(struct core_event){.kind = EVENT_TIMER}, &t);
	fx = take_out(&w, 0);
	answer_look(&w, &fx, VIEW_BOTH_OPEN, SIDE_OLD, &t);
	assert_true(w.ended);
	assert_int_equal(w.core.verdict, VERDICT_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_happy_path),
		cmocka_unit_test(a_run_finishes_an_earlier_turn_first),
		cmocka_unit_test(a_run_leaves_what_others_began_alone),
		cmocka_unit_test(a_contradiction_is_looked_at_twice),
		cmocka_unit_test(nothing_is_committed_before_the_tried_write_was_refused),
		cmocka_unit_test(nothing_is_committed_before_sequences_have_moved),
		cmocka_unit_test(
			a_write_that_went_through_undoes_the_attempt_however_late_it_is_known),
		cmocka_unit_test(every_path_of_eight_events),
		cmocka_unit_test(every_run_with_few_faults),
		cmocka_unit_test(every_random_run_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
