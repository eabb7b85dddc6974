/*
 * store.c - the data calls of the fake store, statement by statement as a real driver makes them.
 */
#include <string.h>

#include "base/check.h"
#include "store/fake/fake.h"

#define POLL_US 2000
#define SPARE_LOGINS 50 /* the fake has no sessions of its own to count */

static int travel_plainly(
	struct fake_store *store, enum side side, enum fake_leg leg, struct err *err)
{
	(void)side;
	(void)err;
	if (leg == FAKE_THERE)
		env_pause(store->store.env, 1000);
	return 0;
}

static int too_late(struct fake_store *store, int64_t deadline_ms, struct err *err)
{
	if (env_now_ms(store->store.env) < deadline_ms)
		return 0;
	return err_set(err, ERR_TIMEOUT, "the deadline passed");
}

int fake_statement(struct fake_store *store, enum side side, int64_t deadline_ms,
	fake_effect *effect, void *arg, struct err *err)
{
	struct fake_side *at = &store->world->side[side];
	unsigned boot;
	int rc;

	if (store->travel(store, side, FAKE_THERE, err) || too_late(store, deadline_ms, err))
		return -1;
	if (!at->up)
		return err_set(err, ERR_UNREACHABLE, "%s is down", side_name(side));
	boot = at->boot;
	rc = effect(store->world, side, arg, err);
	if (store->travel(store, side, FAKE_BACK, err))
		return -1;
	if (at->boot != boot)
		return err_set(err, ERR_UNREACHABLE, "%s went down", side_name(side));
	return rc;
}

static int run(struct store *store, enum side side, const struct store_call *call,
	fake_effect *effect, void *arg, struct err *err)
{
	return fake_statement(fake_of(store), side, call->deadline_ms, effect, arg, err);
}

/* Between two looks; fails when the call's time is over. */
static int wait_a_moment(struct store *store, const struct store_call *call, struct err *err)
{
	env_pause(store->env, POLL_US);
	return too_late(fake_of(store), call->deadline_ms, err);
}

static int lost(struct err *err, enum side side, struct guard at)
{
	return err_set(err, ERR_LOST, "%s: the guard is not at (%lld, %s)", side_name(side),
		(long long)at.attempt, guard_phase_name(at.phase));
}

/* --- before the hold ------------------------------------------------------------------------- */

static int see_open(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	(void)arg;
	if (w->link[side].dropped || w->link[side_other(side)].dropped)
		return err_set(err, ERR_REFUSED, "finalized: there is no way back");
	if (!w->side[side].reg.open)
		return err_set(err, ERR_BLOCKED, "%s is not open", side_name(side));
	return 0;
}

static int see_link(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	const struct fake_link *active = &w->link[side_other(side)];

	(void)arg;
	if (!active->enabled)
		return err_set(err, ERR_BLOCKED, "the active link is cut");
	if (w->link[side].enabled || w->link[side].worker)
		return err_set(err, ERR_BLOCKED, "the way back's link has not ended");
	return 0;
}

static int fake_check(struct store *store, const struct store_call *call, struct err *err)
{
	if (run(store, call->src, call, see_open, NULL, err))
		return -1;
	return run(store, side_other(call->src), call, see_link, NULL, err);
}

static int visit_look(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	(void)err;
	fake_visit_look(w, side, arg);
	return 0;
}

static int visit_act(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	(void)err;
	fake_visit_act(w, side, arg);
	return 0;
}

static int fake_arm(struct store *store, const struct store_call *call, struct err *err)
{
	enum side dst = side_other(call->src);
	struct fake_visit visit = {0};

	if (run(store, dst, call, visit_look, &visit, err))
		return -1;
	return run(store, dst, call, visit_act, &visit, err);
}

static int see_nothing(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	(void)w;
	(void)side;
	(void)arg;
	(void)err;
	return 0;
}

static int fake_spare(struct store *store, enum side side, int64_t deadline_ms, int64_t *ret_logins,
	struct err *err)
{
	if (fake_statement(fake_of(store), side, deadline_ms, see_nothing, NULL, err))
		return -1;
	*ret_logins = SPARE_LOGINS;
	return 0;
}

static int must_act(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	if (fake_visit_act(w, side, arg))
		return 0;
	return err_set(err, ERR_LOST, "%s is not at rest", side_name(side));
}

static int fake_tend(
	struct store *store, int64_t deadline_ms, struct store_tended *ret_tended, struct err *err)
{
	const struct store_call call = {.deadline_ms = deadline_ms};
	struct fake_visit visit = {0};
	struct door door;
	enum side shut;

	if (arbiter_read(store, SIDE_NEW, deadline_ms, &door, err))
		return -1;
	shut = door.reg.state == REG_ACTIVE ? SIDE_OLD : SIDE_NEW;
	if (run(store, shut, &call, visit_look, &visit, err) ||
		run(store, shut, &call, must_act, &visit, err))
		return -1;
	*ret_tended = (struct store_tended){.open = side_other(shut),
		.follows = true,
		.idle[0] = {.side = shut, .what = "way back", .usable = true},
		.idle_count = 1};
	return 0;
}

/* --- the window ------------------------------------------------------------------------------ */

struct end_args {
	int64_t attempt;
	size_t left;
};

/* Read again right before each round: a controller that slept must not end the sessions of a side
 * that was opened meanwhile. */
static int still_sealed(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	const struct reg *reg = &w->side[side].reg;
	const struct end_args *args = arg;

	if (reg->state == REG_SEALED && reg->attempt == args->attempt)
		return 0;
	return err_set(err, ERR_LOST, "%s is %s(%lld)", side_name(side), reg_state_name(reg->state),
		(long long)reg->attempt);
}

static int end_starting(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	struct end_args *args = arg;

	(void)err;
	args->left = fake_keeps(w, FAKE_RULE_PROOF_STARTING) ? fake_end_sessions(w, side, true) : 0;
	return 0;
}

static int end_listed(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	struct end_args *args = arg;

	(void)err;
	args->left += fake_keeps(w, FAKE_RULE_PROOF) ? fake_end_sessions(w, side, false) : 0;
	return 0;
}

static int put_marker(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	const int64_t attempt = *(const int64_t *)arg;
	const struct guard held = {attempt, GUARD_HELD};

	if (!fake_guard_at(w, side, held))
		return lost(err, side, held);
	if (!fake_has_marker(w, side, side, attempt))
		fake_append(w, side,
			(struct fake_entry){.kind = FAKE_MARKER, .attempt = attempt, .side = side});
	fake_flush(w, side);
	return 0;
}

static bool keeps(struct store *store, enum fake_rule rule)
{
	return fake_keeps(fake_of(store)->world, rule);
}

static int fake_end(struct store *store, const struct store_call *call, struct err *err)
{
	struct end_args args = {.attempt = call->attempt};

	if (!keeps(store, FAKE_RULE_MARKER_AFTER_PROOF) &&
		run(store, call->src, call, put_marker, &args.attempt, err))
		return -1;
	for (;;) {
		if (run(store, call->src, call, still_sealed, &args, err) ||
			run(store, call->src, call, end_starting, &args, err) ||
			run(store, call->src, call, end_listed, &args, err))
			return -1;
		if (args.left == 0)
			return 0;
		if (wait_a_moment(store, call, err))
			return -1;
	}
}

static int fake_marker(struct store *store, const struct store_call *call, struct err *err)
{
	int64_t attempt = call->attempt;

	return run(store, call->src, call, put_marker, &attempt, err);
}

struct reached_args {
	const struct store_call *call;
	bool seen;
};

static int see_marker(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	struct reached_args *args = arg;

	(void)err;
	args->seen = fake_has_marker(w, side, args->call->src, args->call->attempt);
	return 0;
}

/* The barrier: one synchronous commit, and the marker is still there (a crash in between would
 * have taken it). */
static int make_durable(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	if (fake_keeps(w, FAKE_RULE_BARRIER))
		fake_flush(w, side);
	return see_marker(w, side, arg, err);
}

static int fake_reached(struct store *store, const struct store_call *call, struct err *err)
{
	enum side dst = side_other(call->src);
	struct reached_args args = {.call = call};

	for (;;) {
		if (run(store, dst, call, see_marker, &args, err))
			return -1;
		if (args.seen && run(store, dst, call, make_durable, &args, err))
			return -1;
		if (args.seen)
			return 0;
		if (wait_a_moment(store, call, err))
			return -1;
	}
}

static int disable(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	const struct store_call *call = arg;
	const struct guard held = {call->attempt, GUARD_HELD};

	if (!fake_guard_at(w, side, held))
		return lost(err, side, held);
	w->link[side_other(side)].enabled = false;
	return 0;
}

/* Ends the walsender, whose worker then ends by itself; needs no guard: repeated it is harmless. */
static int end_worker(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	bool *alive = arg;

	(void)err;
	*alive = w->link[side].worker;
	if (*alive && !w->link[side].enabled)
		fake_link_step(w, side); /* what it had read it still applies */
	if (!w->link[side].enabled)
		fake_worker_end(w, side);
	return 0;
}

static int fake_cut(struct store *store, const struct store_call *call, struct err *err)
{
	struct store_call args = *call;
	bool alive = true;

	if (run(store, side_other(call->src), call, disable, &args, err))
		return -1;
	while (alive && keeps(store, FAKE_RULE_WORKER_END)) {
		if (run(store, call->src, call, end_worker, &alive, err))
			return -1;
		if (alive && wait_a_moment(store, call, err))
			return -1;
	}
	return 0;
}

static int try_once(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	(void)arg;
	if (w->side[side].reg.open && fake_keeps(w, FAKE_RULE_FENCE))
		return err_set(err, ERR_REFUSED, "%s accepted a write", side_name(side));
	return 0;
}

static int fake_try_write(struct store *store, const struct store_call *call,
	struct store_tried *ret_tried, struct err *err)
{
	if (run(store, call->src, call, try_once, NULL, err))
		return -1;
	*ret_tried = (struct store_tried){.refused = 1};
	return 0;
}

static int read_sequence(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	(void)err;
	*(int64_t *)arg = w->side[side].sequence;
	return 0;
}

struct sequence_args {
	int64_t attempt, value;
};

static int set_sequence(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	const struct sequence_args *args = arg;
	const struct guard held = {args->attempt, GUARD_HELD};

	if (!fake_guard_at(w, side, held))
		return lost(err, side, held);
	if (w->side[side].reg.open)
		fake_violated(w, "a sequence of %s was set while it was open", side_name(side));
	if (w->side[side].sequence < args->value && fake_keeps(w, FAKE_RULE_SEQUENCES))
		w->side[side].sequence = args->value;
	return 0;
}

static int fake_sequences(struct store *store, const struct store_call *call, struct err *err)
{
	struct sequence_args args = {.attempt = call->attempt};

	if (run(store, call->src, call, read_sequence, &args.value, err))
		return -1;
	return run(store, side_other(call->src), call, set_sequence, &args, err);
}

/* --- after it -------------------------------------------------------------------------------- */

struct turn_args {
	int64_t attempt;
	size_t wayback;
};

static int turn(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	const struct turn_args *args = arg;
	const struct guard at = {args->attempt, GUARD_TURN}, done = {args->attempt, GUARD_TURNED};
	struct fake_link *link = &w->link[side_other(side)];

	if (guard_equal(w->side[side].guard, done) && fake_keeps(w, FAKE_RULE_TURN_ONCE))
		return 0;
	if (!guard_equal(w->side[side].guard, done) && !fake_guard_at(w, side, at))
		return lost(err, side, at);
	if (link->worker && fake_keeps(w, FAKE_RULE_TURN_ONCE))
		return err_set(err, ERR_BLOCKED, "the origin is in use");
	if (fake_keeps(w, FAKE_RULE_TURN_ADVANCE))
		link->origin = args->wayback;
	link->worker = false;
	fake_enable(w, side_other(side));
	w->side[side].guard = done;
	fake_flush(w, side);
	return 0;
}

static int fake_turn(
	struct store *store, const struct store_call *call, uint64_t wayback, struct err *err)
{
	struct turn_args args = {call->attempt, (size_t)wayback};

	return run(store, call->src, call, turn, &args, err);
}

static int relink(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	const struct guard at = *(const struct guard *)arg;

	if (!fake_guard_at(w, side, at) && fake_keeps(w, FAKE_RULE_RELINK_PAIR))
		return lost(err, side, at);
	fake_enable(w, side_other(side));
	return 0;
}

static int fake_relink(
	struct store *store, const struct store_call *call, struct guard at, struct err *err)
{
	return run(store, side_other(call->src), call, relink, &at, err);
}

static int see_enabled(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	(void)err;
	*(enum link_seen *)arg = w->link[side_other(side)].enabled ? LINK_ON : LINK_OFF;
	return 0;
}

static int fake_link_seen(struct store *store, enum side publisher, int64_t deadline_ms,
	enum link_seen *ret_seen, struct err *err)
{
	return fake_statement(
		fake_of(store), side_other(publisher), deadline_ms, see_enabled, ret_seen, err);
}

static int drop(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	const struct store_call *call = arg;
	const struct fake_side *at = &w->side[side];
	enum guard_phase phase = at->guard.phase;

	if (at->reg.state != REG_STANDBY || at->guard.attempt != call->attempt ||
		(phase != GUARD_TURNED && phase != GUARD_ABORTED && phase != GUARD_IDLE))
		return lost(err, side, (struct guard){call->attempt, GUARD_TURNED});
	for (int s = 0; s < SIDE_COUNT; s++) {
		w->link[s].enabled = w->link[s].worker = false;
		w->link[s].dropped = true;
	}
	return 0;
}

static int fake_finalize(struct store *store, const struct store_call *call, struct err *err)
{
	struct store_call args = *call;

	return run(store, call->src, call, drop, &args, err);
}

static void fake_free(struct store *store)
{
	(void)store;
}

static const struct store_ops fake_ops = {
	.name = "fake",
	.check = fake_check,
	.arm = fake_arm,
	.spare = fake_spare,
	.end_sessions = fake_end,
	.marker = fake_marker,
	.reached = fake_reached,
	.cut = fake_cut,
	.try_write = fake_try_write,
	.sequences = fake_sequences,
	.turn = fake_turn,
	.relink = fake_relink,
	.link_seen = fake_link_seen,
	.tend = fake_tend,
	.finalize = fake_finalize,
	.free = fake_free,
};

void fake_store_init(struct fake_store *store, struct fake_world *world, struct env *env)
{
	memset(store, 0, sizeof *store);
	store->store = (struct store){
		.ops = &fake_ops, .arbiter = &fake_arbiter_ops, .env = env, .name = world->name};
	store->world = world;
	store->travel = travel_plainly;
}
