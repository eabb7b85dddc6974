#include "conformance.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"

struct ctx {
	struct conformance_world *w;
	struct store *s;
	struct err err;
	struct reg reg; /* after the newest move */
	const char *why;
	int line;
};

/* Ends the case at the first expectation that does not hold. */
#define EXPECT(cond)                                                                               \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			x->why = #cond;                                                            \
			x->line = __LINE__;                                                        \
			return;                                                                    \
		}                                                                                  \
	} while (0)
/* For helpers that end the case. */
#define TRY(call)                                                                                  \
	do {                                                                                       \
		call;                                                                              \
		if (x->why)                                                                        \
			return;                                                                    \
	} while (0)

#define A 1 /* the attempt of most cases */
#define HOLD_MS 60000

static const struct guard idle = {0, GUARD_IDLE}, held = {A, GUARD_HELD};

static int64_t soon(const struct ctx *x)
{
	return env_now_ms(x->s->env) + x->w->patience_ms;
}

static struct store_call call_at(const struct ctx *x, int64_t attempt)
{
	return (struct store_call){SIDE_OLD, attempt, soon(x)};
}

static struct err *fresh(struct ctx *x)
{
	x->err = ERR_INIT;
	return &x->err;
}

static struct door door(struct ctx *x, enum side side)
{
	struct door ret = {0};

	if (arbiter_read(x->s, side, soon(x), &ret, fresh(x)))
		ret.reg.state = REG_STATE_COUNT; /* equals nothing */
	return ret;
}

static bool guard(struct ctx *x, enum side side, struct guard from, struct guard to)
{
	bool moved = false;

	return arbiter_guard(x->s, side, from, to, soon(x), &moved, fresh(x)) == 0 && moved;
}

static bool move_as(struct ctx *x, struct store *s, enum arbiter_move move, enum side side,
	int64_t attempt, int64_t hold_ms, enum reg_state from)
{
	const struct arbiter_call call = {.side = side,
		.attempt = attempt,
		.epoch = 100 + attempt,
		.hold_ms = hold_ms,
		.from = from,
		.deadline_ms = soon(x)};
	bool moved = false;

	return arbiter_move(s, move, &call, &moved, &x->reg, fresh(x)) == 0 && moved;
}

static bool move(struct ctx *x, enum arbiter_move move, enum side side, int64_t attempt)
{
	return move_as(x, x->s, move, side, attempt, move == MOVE_COMMIT ? 1 : HOLD_MS, REG_SEALED);
}

static enum link_seen seen(struct ctx *x, enum side publisher)
{
	enum link_seen ret = LINK_UNSEEN;

	if (store_link_seen(x->s, publisher, soon(x), &ret, fresh(x)))
		ret = LINK_UNSEEN;
	return ret;
}

typedef int store_fn(struct store *store, const struct store_call *call, struct err *err);

static bool does(struct ctx *x, store_fn *fn, int64_t attempt)
{
	struct store_call call = call_at(x, attempt);

	return fn(x->s, &call, fresh(x)) == 0;
}

static bool is_refused_as(struct ctx *x, store_fn *fn, int64_t attempt, enum err_code code)
{
	return !does(x, fn, attempt) && x->err.code == code;
}

/* --- how far a case needs to be --------------------------------------------------------------- */

static void hold_guards(struct ctx *x)
{
	EXPECT(guard(x, SIDE_OLD, idle, held));
	EXPECT(guard(x, SIDE_NEW, idle, held));
}

static void get_sealed(struct ctx *x)
{
	TRY(hold_guards(x));
	EXPECT(move(x, MOVE_SEAL, SIDE_OLD, A));
	EXPECT(does(x, store_end_sessions, A));
}

static void get_level(struct ctx *x)
{
	TRY(get_sealed(x));
	EXPECT(does(x, store_marker, A));
	EXPECT(does(x, store_reached, A));
	EXPECT(does(x, store_cut, A));
	EXPECT(does(x, store_sequences, A));
}

static void get_promoted(struct ctx *x)
{
	TRY(get_level(x));
	EXPECT(guard(x, SIDE_OLD, held, (struct guard){A, GUARD_COMMIT}));
	EXPECT(move(x, MOVE_COMMIT, SIDE_OLD, A));
	EXPECT(guard(x, SIDE_NEW, held, (struct guard){A, GUARD_PROMOTE}));
	EXPECT(move(x, MOVE_PROMOTE, SIDE_NEW, A));
}

static void get_retired(struct ctx *x)
{
	TRY(get_promoted(x));
	EXPECT(guard(x, SIDE_OLD, (struct guard){A, GUARD_COMMIT}, (struct guard){A, GUARD_TURN}));
	EXPECT(move(x, MOVE_RETIRE, SIDE_OLD, A));
}

static bool turn(struct ctx *x)
{
	struct store_call call = call_at(x, A);

	return store_turn(x->s, &call, door(x, SIDE_NEW).reg.wayback, fresh(x)) == 0;
}

static bool relink(struct ctx *x, struct guard at)
{
	struct store_call call = call_at(x, at.attempt);

	return store_relink(x->s, &call, at, fresh(x)) == 0;
}

/* --- registers -------------------------------------------------------------------------------- */

static void sync_leaves_old_open(struct ctx *x)
{
	struct door old = door(x, SIDE_OLD), new = door(x, SIDE_NEW);

	EXPECT(old.reg.state == REG_ACTIVE && old.reg.open && old.reg.promoted == 0);
	EXPECT(new.reg.state == REG_STANDBY && !new.reg.open &&new.reg.promoted == 0);
	EXPECT(old.reg.epoch > new.reg.epoch);
	EXPECT(guard_equal(old.guard, idle) && guard_equal(new.guard, idle));
	EXPECT(seen(x, SIDE_OLD) == LINK_ON && seen(x, SIDE_NEW) != LINK_ON);
	EXPECT(x->w->write(x->w->arg, SIDE_OLD));
	EXPECT(!x->w->write(x->w->arg, SIDE_NEW));
}

static void a_guard_moves_only_from_the_pair_that_was_read(struct ctx *x)
{
	EXPECT(!guard(x, SIDE_OLD, held, (struct guard){A, GUARD_ABORTED}));
	EXPECT(guard_equal(door(x, SIDE_OLD).guard, idle));
	EXPECT(guard(x, SIDE_OLD, idle, held));
	EXPECT(guard_equal(door(x, SIDE_OLD).guard, held));
	EXPECT(guard_equal(door(x, SIDE_NEW).guard, idle));
	EXPECT(!guard(x, SIDE_OLD, idle, (struct guard){2, GUARD_HELD}));
	EXPECT(guard_equal(door(x, SIDE_OLD).guard, held));
}

static void a_seal_shuts_the_door(struct ctx *x)
{
	EXPECT(move(x, MOVE_SEAL, SIDE_OLD, A));
	EXPECT(x->reg.state == REG_SEALED && x->reg.attempt == A && !x->reg.open);
	EXPECT(x->reg.left_ms > 0 && x->reg.left_ms <= HOLD_MS);
	EXPECT(!x->w->write(x->w->arg, SIDE_OLD));
	EXPECT(!x->w->write(x->w->arg, SIDE_NEW));
}

static void a_seal_happens_once(struct ctx *x)
{
	EXPECT(move(x, MOVE_SEAL, SIDE_OLD, 2));
	EXPECT(!move(x, MOVE_SEAL, SIDE_OLD, 2));
	EXPECT(x->reg.state == REG_SEALED && x->reg.attempt == 2);
	EXPECT(!move(x, MOVE_SEAL, SIDE_OLD, 1));
	EXPECT(!move(x, MOVE_SEAL, SIDE_OLD, 3));
	EXPECT(x->reg.state == REG_SEALED && x->reg.attempt == 2);
}

static void an_attempt_is_never_sealed_again(struct ctx *x)
{
	EXPECT(move(x, MOVE_SEAL, SIDE_OLD, A));
	EXPECT(move(x, MOVE_REOPEN, SIDE_OLD, A));
	EXPECT(!move(x, MOVE_SEAL, SIDE_OLD, A));
	EXPECT(x->reg.state == REG_ACTIVE && x->reg.open);
}

static void two_controllers_seal_once(struct ctx *x)
{
	bool first = move_as(x, x->s, MOVE_SEAL, SIDE_OLD, A, HOLD_MS, REG_SEALED);
	bool second = move_as(x, x->w->other, MOVE_SEAL, SIDE_OLD, A, HOLD_MS, REG_SEALED);

	EXPECT(first && !second);
	EXPECT(x->reg.state == REG_SEALED && x->reg.attempt == A);
}

static void a_commit_needs_the_seal(struct ctx *x)
{
	EXPECT(!move(x, MOVE_COMMIT, SIDE_OLD, A));
	EXPECT(x->reg.state == REG_ACTIVE);
	EXPECT(move(x, MOVE_SEAL, SIDE_OLD, 2));
	EXPECT(!move(x, MOVE_COMMIT, SIDE_OLD, 1));
	EXPECT(!move(x, MOVE_COMMIT, SIDE_OLD, 3));
	EXPECT(move(x, MOVE_COMMIT, SIDE_OLD, 2));
	EXPECT(x->reg.state == REG_COMMITTING && x->reg.attempt == 2 && !x->reg.open);
	EXPECT(!move(x, MOVE_COMMIT, SIDE_OLD, 2));
	EXPECT(x->reg.state == REG_COMMITTING);
}

static void a_commit_needs_enough_of_the_hold(struct ctx *x)
{
	EXPECT(move(x, MOVE_SEAL, SIDE_OLD, A));
	EXPECT(!move_as(x, x->s, MOVE_COMMIT, SIDE_OLD, A, 2 * HOLD_MS, REG_SEALED));
	EXPECT(x->reg.state == REG_SEALED);
	EXPECT(move(x, MOVE_COMMIT, SIDE_OLD, A));
}

static void a_promotion_opens_once(struct ctx *x)
{
	int64_t epoch;

	TRY(get_promoted(x));
	epoch = x->reg.epoch;
	EXPECT(x->reg.state == REG_ACTIVE && x->reg.attempt == A && x->reg.promoted == A);
	EXPECT(x->reg.open && x->reg.wayback > 0);
	EXPECT(epoch > door(x, SIDE_OLD).reg.epoch);
	EXPECT(!move(x, MOVE_PROMOTE, SIDE_NEW, A));
	EXPECT(x->reg.state == REG_ACTIVE && x->reg.promoted == A && x->reg.epoch == epoch);
	EXPECT(x->w->write(x->w->arg, SIDE_NEW));
	EXPECT(!x->w->write(x->w->arg, SIDE_OLD));
}

static void a_refusal_is_final(struct ctx *x)
{
	TRY(get_level(x));
	EXPECT(move(x, MOVE_COMMIT, SIDE_OLD, A));
	EXPECT(move(x, MOVE_REVOKE, SIDE_NEW, A));
	EXPECT(x->reg.state == REG_STANDBY && x->reg.revoked == A);
	EXPECT(!move(x, MOVE_PROMOTE, SIDE_NEW, A));
	EXPECT(x->reg.state == REG_STANDBY && !x->reg.open);
	move(x, MOVE_REVOKE, SIDE_NEW, A);
	EXPECT(x->reg.state == REG_STANDBY && x->reg.revoked == A);
	EXPECT(!x->w->write(x->w->arg, SIDE_NEW));
}

static void a_promotion_cannot_be_refused_any_more(struct ctx *x)
{
	TRY(get_promoted(x));
	EXPECT(!move(x, MOVE_REVOKE, SIDE_NEW, A));
	EXPECT(x->reg.state == REG_ACTIVE && x->reg.revoked < A && x->reg.open);
}

static void retiring_needs_the_commit_point(struct ctx *x)
{
	EXPECT(!move(x, MOVE_RETIRE, SIDE_OLD, A));
	EXPECT(move(x, MOVE_SEAL, SIDE_OLD, A));
	EXPECT(!move(x, MOVE_RETIRE, SIDE_OLD, A));
	EXPECT(x->reg.state == REG_SEALED);
	EXPECT(move(x, MOVE_COMMIT, SIDE_OLD, A));
	EXPECT(!move(x, MOVE_RETIRE, SIDE_OLD, 2));
	EXPECT(move(x, MOVE_RETIRE, SIDE_OLD, A));
	EXPECT(x->reg.state == REG_STANDBY && x->reg.revoked >= A && !x->reg.open);
}

static void reopening_restores_the_door(struct ctx *x)
{
	int64_t epoch = door(x, SIDE_OLD).reg.epoch;

	EXPECT(!move(x, MOVE_REOPEN, SIDE_OLD, A));
	EXPECT(move(x, MOVE_SEAL, SIDE_OLD, A));
	EXPECT(!move(x, MOVE_REOPEN, SIDE_OLD, 2));
	EXPECT(move(x, MOVE_REOPEN, SIDE_OLD, A));
	EXPECT(x->reg.state == REG_ACTIVE && x->reg.attempt == A && x->reg.open);
	EXPECT(x->reg.epoch > epoch);
	EXPECT(x->w->write(x->w->arg, SIDE_OLD));
	EXPECT(!move(x, MOVE_REOPEN, SIDE_OLD, A));
}

/* Whoever saw SEALED may not undo a commit that came in between. */
static void reopening_names_what_it_saw(struct ctx *x)
{
	EXPECT(move(x, MOVE_SEAL, SIDE_OLD, A));
	EXPECT(!move_as(x, x->s, MOVE_REOPEN, SIDE_OLD, A, 0, REG_COMMITTING));
	EXPECT(x->reg.state == REG_SEALED);
	EXPECT(move(x, MOVE_COMMIT, SIDE_OLD, A));
	EXPECT(!move_as(x, x->s, MOVE_REOPEN, SIDE_OLD, A, 0, REG_SEALED));
	EXPECT(x->reg.state == REG_COMMITTING && !x->reg.open);
	EXPECT(move(x, MOVE_REVOKE, SIDE_NEW, A));
	EXPECT(move_as(x, x->s, MOVE_REOPEN, SIDE_OLD, A, 0, REG_COMMITTING));
	EXPECT(x->reg.state == REG_ACTIVE && x->reg.open);
}

/* --- effects and their guards ----------------------------------------------------------------- */

static void effects_need_their_pair(struct ctx *x)
{
	static const struct guard wrong[] = {{A, GUARD_ABORTED}, {A + 1, GUARD_HELD}};
	struct guard at = held;

	TRY(get_sealed(x));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		EXPECT(guard(x, SIDE_OLD, at, wrong[i]));
		EXPECT(guard(x, SIDE_NEW, at, wrong[i]));
		at = wrong[i];
		EXPECT(is_refused_as(x, store_marker, A, ERR_LOST));
		EXPECT(is_refused_as(x, store_cut, A, ERR_LOST));
		EXPECT(is_refused_as(x, store_sequences, A, ERR_LOST));
		EXPECT(seen(x, SIDE_OLD) == LINK_ON);
	}
}

static void a_turn_needs_its_pair(struct ctx *x)
{
	struct store_call call;

	TRY(get_promoted(x));
	call = call_at(x, A);
	EXPECT(store_turn(x->s, &call, door(x, SIDE_NEW).reg.wayback, fresh(x)) != 0);
	EXPECT(x->err.code == ERR_LOST);
	EXPECT(seen(x, SIDE_NEW) == LINK_OFF);
	EXPECT(door(x, SIDE_OLD).guard.phase == GUARD_COMMIT);
}

static void a_relink_needs_its_pair(struct ctx *x)
{
	TRY(get_level(x));
	EXPECT(!relink(x, (struct guard){A, GUARD_ABORTED}) && x->err.code == ERR_LOST);
	EXPECT(seen(x, SIDE_OLD) == LINK_OFF);
}

static void nothing_happens_after_the_deadline(struct ctx *x)
{
	const int64_t past = env_now_ms(x->s->env) - 1000;
	struct store_call call = {SIDE_OLD, A, past};
	struct arbiter_call seal = {
		.side = SIDE_OLD, .attempt = A, .hold_ms = HOLD_MS, .deadline_ms = past};
	struct door ret;
	bool moved = false;

	EXPECT(arbiter_read(x->s, SIDE_OLD, past, &ret, fresh(x)) != 0);
	EXPECT(x->err.code == ERR_TIMEOUT);
	EXPECT(arbiter_guard(x->s, SIDE_OLD, idle, held, past, &moved, fresh(x)) != 0);
	EXPECT(arbiter_move(x->s, MOVE_SEAL, &seal, &moved, &x->reg, fresh(x)) != 0);
	EXPECT(store_cut(x->s, &call, fresh(x)) != 0);
	EXPECT(guard_equal(door(x, SIDE_OLD).guard, idle));
	EXPECT(door(x, SIDE_OLD).reg.state == REG_ACTIVE);
	EXPECT(seen(x, SIDE_OLD) == LINK_ON);
}

/* --- data ------------------------------------------------------------------------------------- */

static void sessions_are_ended_only_behind_a_seal(struct ctx *x)
{
	x->w->stay(x->w->arg, SIDE_OLD);
	TRY(hold_guards(x));
	EXPECT(is_refused_as(x, store_end_sessions, A, ERR_LOST));
	EXPECT(x->w->stays(x->w->arg));
	EXPECT(move(x, MOVE_SEAL, SIDE_OLD, A));
	EXPECT(is_refused_as(x, store_end_sessions, 2, ERR_LOST));
	EXPECT(x->w->stays(x->w->arg));
	EXPECT(does(x, store_end_sessions, A));
	EXPECT(!x->w->stays(x->w->arg));
	EXPECT(does(x, store_end_sessions, A));
}

static void a_write_is_tried_and_refused(struct ctx *x)
{
	struct store_call call = call_at(x, A);
	struct store_tried tried = {0};

	TRY(hold_guards(x));
	EXPECT(store_try_write(x->s, &call, &tried, fresh(x)) != 0);
	EXPECT(tried.refused == 0);
	EXPECT(move(x, MOVE_SEAL, SIDE_OLD, A));
	EXPECT(does(x, store_end_sessions, A));
	EXPECT(store_try_write(x->s, &call, &tried, fresh(x)) == 0);
	EXPECT(tried.refused > 0 && tried.unproven == 0);
}

static bool tends(struct ctx *x, struct store_tended *ret)
{
	return store_tend(x->s, call_at(x, A).deadline_ms, ret, fresh(x)) == 0;
}

static void only_a_store_at_rest_is_tended(struct ctx *x)
{
	struct store_tended tended = {.open = SIDE_NEW};

	EXPECT(tends(x, &tended));
	EXPECT(tended.open == SIDE_OLD && tended.idle_count > 0);
	for (size_t i = 0; i < tended.idle_count; i++)
		EXPECT(tended.idle[i].usable && tended.idle[i].strays == 0);
	TRY(hold_guards(x));
	EXPECT(!tends(x, &tended) && x->err.code == ERR_LOST);
	EXPECT(move(x, MOVE_SEAL, SIDE_OLD, A));
	EXPECT(!tends(x, &tended) && x->err.code == ERR_LOST);
}

static void a_marker_brings_everything_before_it(struct ctx *x)
{
	for (int i = 0; i < 5; i++)
		EXPECT(x->w->write(x->w->arg, SIDE_OLD));
	TRY(get_sealed(x));
	EXPECT(does(x, store_marker, A));
	EXPECT(does(x, store_marker, A));
	EXPECT(does(x, store_reached, A));
	EXPECT(x->w->rows(x->w->arg, SIDE_NEW) == x->w->rows(x->w->arg, SIDE_OLD));
	EXPECT(does(x, store_reached, A));
}

static void a_marker_that_was_not_written_does_not_arrive(struct ctx *x)
{
	struct store_call call;

	TRY(get_sealed(x));
	call = (struct store_call){SIDE_OLD, A, env_now_ms(x->s->env) + 300};
	EXPECT(store_reached(x->s, &call, fresh(x)) != 0);
	EXPECT(x->err.code == ERR_TIMEOUT);
}

static void a_cut_stops_the_link(struct ctx *x)
{
	long before;

	TRY(hold_guards(x));
	EXPECT(does(x, store_cut, A));
	EXPECT(seen(x, SIDE_OLD) == LINK_OFF);
	EXPECT(does(x, store_cut, A));
	before = x->w->rows(x->w->arg, SIDE_NEW);
	EXPECT(x->w->write(x->w->arg, SIDE_OLD));
	x->w->catch_up(x->w->arg);
	EXPECT(x->w->rows(x->w->arg, SIDE_NEW) == before);
}

static void a_relink_goes_on_where_the_cut_was(struct ctx *x)
{
	const struct guard aborted = {A, GUARD_ABORTED};

	TRY(hold_guards(x));
	EXPECT(does(x, store_cut, A));
	EXPECT(x->w->write(x->w->arg, SIDE_OLD));
	EXPECT(guard(x, SIDE_NEW, held, aborted));
	EXPECT(relink(x, aborted));
	EXPECT(seen(x, SIDE_OLD) == LINK_ON);
	EXPECT(relink(x, aborted));
	x->w->catch_up(x->w->arg);
	EXPECT(x->w->rows(x->w->arg, SIDE_NEW) == x->w->rows(x->w->arg, SIDE_OLD));
}

static void an_attempt_that_finds_the_link_cut_is_refused(struct ctx *x)
{
	int64_t logins = -1;

	EXPECT(does(x, store_arm, A));
	EXPECT(store_spare(x->s, SIDE_NEW, soon(x), &logins, fresh(x)) == 0 && logins > 0);
	EXPECT(does(x, store_check, A));
	TRY(hold_guards(x));
	EXPECT(does(x, store_cut, A));
	EXPECT(!does(x, store_check, 2));
}

static void sequences_move_only_forward(struct ctx *x)
{
	int64_t after;

	for (int i = 0; i < 3; i++)
		EXPECT(x->w->write(x->w->arg, SIDE_OLD));
	TRY(get_sealed(x));
	EXPECT(does(x, store_marker, A));
	EXPECT(does(x, store_sequences, A));
	after = x->w->sequence(x->w->arg, SIDE_NEW);
	EXPECT(after >= x->w->sequence(x->w->arg, SIDE_OLD));
	EXPECT(does(x, store_sequences, A));
	EXPECT(x->w->sequence(x->w->arg, SIDE_NEW) >= after);
	after = x->w->draw(x->w->arg, SIDE_NEW); /* ahead of anything that src will ask for */
	EXPECT(does(x, store_sequences, A));
	EXPECT(x->w->sequence(x->w->arg, SIDE_NEW) >= after);
}

/* --- the whole way ---------------------------------------------------------------------------- */

static void the_way_back_brings_what_is_new_and_nothing_else(struct ctx *x)
{
	long before;

	for (int i = 0; i < 20; i++) /* some of them arrive after the seal */
		EXPECT(x->w->write(x->w->arg, SIDE_OLD));
	TRY(get_retired(x));
	before = x->w->rows(x->w->arg, SIDE_OLD);
	EXPECT(x->w->write(x->w->arg, SIDE_NEW));
	EXPECT(turn(x));
	EXPECT(guard_equal(door(x, SIDE_OLD).guard, (struct guard){A, GUARD_TURNED}));
	EXPECT(seen(x, SIDE_NEW) == LINK_ON && seen(x, SIDE_OLD) == LINK_OFF);
	EXPECT(x->w->write(x->w->arg, SIDE_NEW));
	x->w->catch_up(x->w->arg);
	EXPECT(x->w->rows(x->w->arg, SIDE_OLD) == before + 2);
	EXPECT(turn(x));
	x->w->catch_up(x->w->arg);
	EXPECT(x->w->rows(x->w->arg, SIDE_OLD) == before + 2);
	EXPECT(x->w->rows(x->w->arg, SIDE_NEW) == before + 2);
}

static void after_finalizing_nothing_goes_back(struct ctx *x)
{
	struct store_call back;

	TRY(get_retired(x));
	EXPECT(turn(x));
	EXPECT(does(x, store_finalize, A));
	EXPECT(does(x, store_finalize, A));
	EXPECT(seen(x, SIDE_NEW) != LINK_ON && seen(x, SIDE_OLD) != LINK_ON);
	back = (struct store_call){SIDE_NEW, 2, soon(x)};
	EXPECT(store_check(x->s, &back, fresh(x)) != 0);
	EXPECT(x->w->write(x->w->arg, SIDE_NEW));
	EXPECT(!x->w->write(x->w->arg, SIDE_OLD));
}

/* --- all of them ------------------------------------------------------------------------------ */

#define CASE(fn)                                                                                   \
	{                                                                                          \
#fn, fn                                                                            \
	}

static const struct {
	const char *name;
	void (*run)(struct ctx *x);
} cases[] = {
	CASE(sync_leaves_old_open),
	CASE(a_guard_moves_only_from_the_pair_that_was_read),
	CASE(a_seal_shuts_the_door),
	CASE(a_seal_happens_once),
	CASE(an_attempt_is_never_sealed_again),
	CASE(two_controllers_seal_once),
	CASE(a_commit_needs_the_seal),
	CASE(a_commit_needs_enough_of_the_hold),
	CASE(a_promotion_opens_once),
	CASE(a_refusal_is_final),
	CASE(a_promotion_cannot_be_refused_any_more),
	CASE(retiring_needs_the_commit_point),
	CASE(reopening_restores_the_door),
	CASE(reopening_names_what_it_saw),
	CASE(effects_need_their_pair),
	CASE(a_turn_needs_its_pair),
	CASE(a_relink_needs_its_pair),
	CASE(nothing_happens_after_the_deadline),
	CASE(sessions_are_ended_only_behind_a_seal),
	CASE(only_a_store_at_rest_is_tended),
	CASE(a_write_is_tried_and_refused),
	CASE(a_marker_brings_everything_before_it),
	CASE(a_marker_that_was_not_written_does_not_arrive),
	CASE(a_cut_stops_the_link),
	CASE(a_relink_goes_on_where_the_cut_was),
	CASE(an_attempt_that_finds_the_link_cut_is_refused),
	CASE(sequences_move_only_forward),
	CASE(the_way_back_brings_what_is_new_and_nothing_else),
	CASE(after_finalizing_nothing_goes_back),
};

int conformance_run(struct conformance_world *world)
{
	size_t ran = 0;
	int failed = 0;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ctx x = {.w = world};

		if (world->only && strcmp(world->only, cases[i].name) != 0)
			continue;
		ran++;
		world->reset(world);
		x.s = world->store;
		cases[i].run(&x);
		if (!x.why)
			continue;
		failed++;
		if (world->quiet)
			continue;
		printf("%s: %s: line %d: %s%s%s\n", world->name, cases[i].name, x.line, x.why,
			x.err.code == ERR_OK ? "" : "; last error: ", x.err.msg);
	}
	if (!world->quiet)
		printf("%s: %zu cases, %d failed\n", world->name, ran, failed);
	REQUIRE(ran > 0); /* a misspelled case is no success */
	return failed;
}
