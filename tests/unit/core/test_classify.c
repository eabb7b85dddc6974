/*
 * test_classify.c - every combination of registers and guards, alone and in waves of one to three.
 */
#include "../testing.h"

#include "core/classify.h"
#include "views.h"

#define ATTEMPTS 3 /* 0, 1, 2 */

/* --- one member: every value of both sides, consistent or not ------------------------------- */

struct odometer {
	int digit[12];
};

/* Counts through all values below the limits; false when it has wrapped around. */
static bool turn(struct odometer *o, const int *limit, int digits)
{
	for (int i = 0; i < digits; i++) {
		if (++o->digit[i] < limit[i])
			return true;
		o->digit[i] = 0;
	}
	return false;
}

#define SIDE_DIGITS 6
static const int side_limits[SIDE_DIGITS] = {
	REG_STATE_COUNT, ATTEMPTS - 1, ATTEMPTS, ATTEMPTS, ATTEMPTS - 1, GUARD_PHASE_COUNT};

static struct door door_of(const struct odometer *o)
{
	const int *d = o->digit;

	return (struct door){
		.reg = {.state = (enum reg_state)d[0],
			.attempt = d[1] + 1,
			.revoked = d[2],
			.promoted = d[3],
			.open = d[0] == REG_ACTIVE},
		.guard = {.attempt = d[4] + 1, .phase = (enum guard_phase)d[5]},
	};
}

static bool is(const struct core_view *view, enum side side, enum reg_state state)
{
	return view->reachable[side] && view->door[side].reg.state == state;
}

/* What the sighting claims must be there; nothing here repeats how the classifier finds it. */
static bool claim_holds(const struct core_view *view, struct sighting got)
{
	enum side src = got.src, dst = side_other(src);
	const struct reg *from = &view->door[src].reg, *to = &view->door[dst].reg;

	switch (got.sight) {
	case SIGHT_OPEN:
	case SIGHT_LEFTOVER:
		return is(view, src, REG_ACTIVE) && is(view, dst, REG_STANDBY);
	case SIGHT_SEALED:
		return is(view, src, REG_SEALED) && got.attempt == from->attempt;
	case SIGHT_DOUBT:
		return is(view, src, REG_COMMITTING) && is(view, dst, REG_STANDBY) &&
		       got.attempt == from->attempt && to->revoked < got.attempt;
	case SIGHT_REVOKED:
		return is(view, src, REG_COMMITTING) && is(view, dst, REG_STANDBY) &&
		       got.attempt == from->attempt;
	case SIGHT_PROMOTED:
		return is(view, src, REG_COMMITTING) && is(view, dst, REG_ACTIVE) &&
		       got.attempt == from->attempt && to->promoted == got.attempt;
	case SIGHT_TURN:
		return is(view, src, REG_STANDBY) && is(view, dst, REG_ACTIVE) &&
		       view->door[src].guard.phase == GUARD_TURN && to->promoted == got.attempt;
	case SIGHT_BLIND:
		return !view->reachable[src] || !view->reachable[dst];
	case SIGHT_ABSENT:
		return is(view, SIDE_OLD, REG_ABSENT) || is(view, SIDE_NEW, REG_ABSENT);
	case SIGHT_BROKEN:
		/* Never where the protocol leads by itself. */
		return !(is(view, src, REG_SEALED) && is(view, dst, REG_STANDBY));
	}
	return false;
}

static void check_member(const struct core_view *view)
{
	struct sighting got = classify_member(view);

	if (!claim_holds(view, got))
		fail_msg("sight %d: old %s/%s new %s/%s", got.sight,
			reg_state_name(view->door[0].reg.state),
			guard_phase_name(view->door[0].guard.phase),
			reg_state_name(view->door[1].reg.state),
			guard_phase_name(view->door[1].guard.phase));
	if (is(view, SIDE_OLD, REG_ACTIVE) && is(view, SIDE_NEW, REG_ACTIVE))
		assert_int_equal(got.sight, SIGHT_BROKEN);
}

static void every_member_is_called_by_its_name(void **state)
{
	struct odometer old = {{0}};
	long seen = 0;

	(void)state;
	do {
		struct odometer new = {{0}};

		do {
			struct core_view view = {.door = {door_of(&old), door_of(&new)}};

			for (int reach = 0; reach < 4; reach++) {
				view.reachable[SIDE_OLD] = reach & 1;
				view.reachable[SIDE_NEW] = reach & 2;
				view.link[SIDE_OLD] = view.link[SIDE_NEW] =
					(enum link_seen)(seen % 3);
				check_member(&view);
				seen++;
			}
		} while (turn(&new, side_limits, SIDE_DIGITS));
	} while (turn(&old, side_limits, SIDE_DIGITS));
	assert_int_equal(seen, 4L * 1440 * 1440);
}

/* An unreachable side's stale contents must not matter. */
static void what_is_not_reachable_is_not_read(void **state)
{
	struct odometer o = {{0}};

	(void)state;
	do {
		struct core_view a = view_make(VIEW_SEALED, SIDE_OLD, 2), b = a;

		a.reachable[SIDE_NEW] = b.reachable[SIDE_NEW] = false;
		a.door[SIDE_NEW] = door_of(&o);
		b.door[SIDE_NEW] = (struct door){0};
		assert_int_equal(classify_member(&a).sight, classify_member(&b).sight);
		assert_int_equal(classify_member(&a).attempt, classify_member(&b).attempt);
	} while (turn(&o, side_limits, SIDE_DIGITS));
}

/* --- the crash table, row by row ------------------------------------------------------------ */

static void the_crash_table(void **state)
{
	static const struct {
		enum view_kind kind;
		enum sight sight;
	} rows[] = {
		{VIEW_SETTLED, SIGHT_OPEN},
		{VIEW_GUARDED, SIGHT_LEFTOVER},
		{VIEW_HALF, SIGHT_LEFTOVER},
		{VIEW_SEALED, SIGHT_SEALED},
		{VIEW_CUT, SIGHT_LEFTOVER},
		{VIEW_DOUBT, SIGHT_DOUBT},
		{VIEW_REVOKED, SIGHT_REVOKED},
		{VIEW_BARRED, SIGHT_REVOKED},
		{VIEW_PROMOTED, SIGHT_PROMOTED},
		{VIEW_TURN, SIGHT_TURN},
		{VIEW_TURNED, SIGHT_OPEN},
		{VIEW_LATE_NO, SIGHT_OPEN},
		{VIEW_ABORTED, SIGHT_OPEN},
		{VIEW_BLIND, SIGHT_BLIND},
		{VIEW_BLIND_DST, SIGHT_BLIND},
		{VIEW_BOTH_OPEN, SIGHT_BROKEN},
		{VIEW_ABSENT, SIGHT_ABSENT},
	};

	(void)state;
	assert_int_equal(sizeof rows / sizeof *rows, VIEW_KIND_COUNT);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (int s = 0; s < SIDE_COUNT; s++) {
			for (int64_t a = 1; a <= 3; a++) {
				struct core_view v = view_make(rows[i].kind, (enum side)s, a);

				assert_int_equal(classify_member(&v).sight, rows[i].sight);
			}
		}
	}
}

/* --- waves ---------------------------------------------------------------------------------- */

static bool promoted_at(const struct core_view *view, enum side src, int64_t attempt)
{
	enum side dst = side_other(src);

	return view->reachable[dst] && view->door[dst].reg.promoted == attempt;
}

static bool all_settled_at(const struct core *core, enum side open)
{
	for (size_t m = 0; m < core->config.members; m++)
		if (!is(&core->member[m].view, open, REG_ACTIVE) ||
			!is(&core->member[m].view, side_other(open), REG_STANDBY))
			return false;
	return true;
}

static bool anyone_promoted(const struct core *core, enum side src, int64_t attempt)
{
	for (size_t m = 0; m < core->config.members; m++)
		if (is(&core->member[m].view, side_other(src), REG_ACTIVE) &&
			promoted_at(&core->member[m].view, src, attempt))
			return true;
	return false;
}

/* Nobody is promoted at an attempt at which its own source is not seen to be committing: with the
 * source open or sealed both doors could open (simulator, seed 10014338). */
static bool is_asked(const struct core_view *view, enum side src, int64_t attempt)
{
	return is(view, src, REG_COMMITTING) && view->door[src].reg.attempt == attempt;
}

static bool everyone_may_follow(const struct core *core, enum side src, int64_t attempt)
{
	for (size_t m = 0; m < core->config.members; m++)
		if (!promoted_at(&core->member[m].view, src, attempt) &&
			!is_asked(&core->member[m].view, src, attempt))
			return false;
	return true;
}

static bool everyone_is_asked(const struct core *core, enum side src, int64_t attempt)
{
	for (size_t m = 0; m < core->config.members; m++)
		if (!is_asked(&core->member[m].view, src, attempt))
			return false;
	return true;
}

static bool wave_claim_holds(const struct core *core, struct classified got)
{
	const struct core_view *decider = &core->member[core->config.decider].view;
	bool yes = promoted_at(decider, got.src, got.attempt);
	bool asked = everyone_is_asked(core, got.src, got.attempt);

	switch ((int)got.signal) {
	case SIGNAL_SEEN_PROMOTED:
	case SIGNAL_SEEN_RETIRED:
		return yes && everyone_may_follow(core, got.src, got.attempt);
	case SIGNAL_SEEN_COMMITTING:
		return (yes && everyone_may_follow(core, got.src, got.attempt)) ||
		       (asked && !anyone_promoted(core, got.src, got.attempt));
	case SIGNAL_SEEN_SEALED:
	case SIGNAL_SEEN_REVOKED:
		return !yes && !anyone_promoted(core, got.src, got.attempt);
	case SIGNAL_SEEN_READY:
	case SIGNAL_SEEN_GOAL:
	case SIGNAL_SEEN_LEFTOVER:
		return all_settled_at(core, got.src);
	case SIGNAL_SEEN_BLIND:
	case SIGNAL_SEEN_BROKEN:
		return true;
	default:
		return false;
	}
}

static void check_wave(const struct core *core, const enum view_kind *kind)
{
	struct classified got = classify_wave(core);

	if (!wave_claim_holds(core, got))
		fail_msg("%s for %s, %s, %s; decider %zu of %zu", signal_name(got.signal),
			view_name(kind[0]), view_name(kind[1]), view_name(kind[2]),
			core->config.decider, core->config.members);
	for (size_t m = 0; m < core->config.members; m++) {
		enum sight sight = classify_member(&core->member[m].view).sight;

		if (sight == SIGHT_BLIND || sight == SIGHT_BROKEN || sight == SIGHT_ABSENT)
			assert_true(got.signal == SIGNAL_SEEN_BLIND ||
				    got.signal == SIGNAL_SEEN_BROKEN);
	}
}

/* Members are looked at one after the other, so one may be seen at an attempt that is over when the
 * next is seen. */
static const struct {
	enum side src;
	int64_t attempt;
} instants[] = {{SIDE_OLD, 1}, {SIDE_OLD, 2}, {SIDE_NEW, 2}};

/* digits: kind of each member, instant of each member, decider, mode, holding */
static const int wave_limits[] = {
	VIEW_KIND_COUNT, VIEW_KIND_COUNT, VIEW_KIND_COUNT, 3, 3, 3, 3, 3, 2};

static void every_wave_follows_its_decider(void **state)
{
	(void)state;
	for (size_t members = 1; members <= 3; members++) {
		struct odometer o = {{0}};

		do {
			const int *d = o.digit;
			struct core core = {.config = {.mode = (enum core_mode)d[7],
						    .members = members,
						    .goal = SIDE_NEW}};
			enum view_kind kind[3];

			core.config.decider = (size_t)d[6] % members;
			core.holding = d[8];
			for (size_t m = 0; m < 3; m++) {
				kind[m] = (enum view_kind)d[m];
				core.member[m].seen = true;
				core.member[m].view = view_make(kind[m], instants[d[3 + m]].src,
					instants[d[3 + m]].attempt);
			}
			check_wave(&core, kind);
		} while (turn(&o, wave_limits, 9));
	}
}

/* The rows that a controller really meets, and what it makes of them. */
static void waves_that_crashes_leave_behind(void **state)
{
	static const struct {
		enum view_kind decider, other;
		enum signal signal;
	} rows[] = {
		{VIEW_SETTLED, VIEW_SETTLED, SIGNAL_SEEN_READY},
		{VIEW_SETTLED, VIEW_GUARDED, SIGNAL_SEEN_LEFTOVER},
		{VIEW_SEALED, VIEW_GUARDED, SIGNAL_SEEN_SEALED},
		{VIEW_SEALED, VIEW_DOUBT, SIGNAL_SEEN_SEALED},
		{VIEW_ABORTED, VIEW_DOUBT, SIGNAL_SEEN_SEALED},
		{VIEW_DOUBT, VIEW_DOUBT, SIGNAL_SEEN_COMMITTING},
		{VIEW_REVOKED, VIEW_DOUBT, SIGNAL_SEEN_REVOKED},
		{VIEW_BARRED, VIEW_DOUBT, SIGNAL_SEEN_REVOKED},
		{VIEW_ABORTED, VIEW_REVOKED, SIGNAL_SEEN_SEALED},
		{VIEW_PROMOTED, VIEW_DOUBT, SIGNAL_SEEN_COMMITTING},
		{VIEW_TURNED, VIEW_DOUBT, SIGNAL_SEEN_COMMITTING},
		{VIEW_PROMOTED, VIEW_TURN, SIGNAL_SEEN_PROMOTED},
		{VIEW_TURNED, VIEW_TURN, SIGNAL_SEEN_RETIRED},
		{VIEW_TURNED, VIEW_TURNED, SIGNAL_SEEN_READY},
		{VIEW_ABORTED, VIEW_CUT, SIGNAL_SEEN_LEFTOVER},
		/* Against the rule that the decider commits last and answers first. */
		{VIEW_PROMOTED, VIEW_REVOKED, SIGNAL_SEEN_BROKEN},
		{VIEW_PROMOTED, VIEW_SEALED, SIGNAL_SEEN_BROKEN},
		{VIEW_TURNED, VIEW_ABORTED, SIGNAL_SEEN_BROKEN},
		{VIEW_DOUBT, VIEW_PROMOTED, SIGNAL_SEEN_BROKEN},
		{VIEW_ABORTED, VIEW_TURN, SIGNAL_SEEN_BROKEN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (size_t decider = 0; decider < 2; decider++) {
			struct core core = {
				.config = {.mode = CORE_RESUME, .members = 2, .decider = decider}};
			struct classified got;

			for (size_t m = 0; m < 2; m++) {
				enum view_kind kind =
					m == decider ? rows[i].decider : rows[i].other;

				core.member[m].seen = true;
				core.member[m].view = view_make(kind, SIDE_OLD, 1);
			}
			got = classify_wave(&core);
			if (got.signal != rows[i].signal)
				fail_msg("row %zu: %s", i, signal_name(got.signal));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_member_is_called_by_its_name),
		cmocka_unit_test(what_is_not_reachable_is_not_read),
		cmocka_unit_test(the_crash_table),
		cmocka_unit_test(every_wave_follows_its_decider),
		cmocka_unit_test(waves_that_crashes_leave_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
