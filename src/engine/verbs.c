#include "engine/verbs.h"

#include "base/check.h"
#include "engine/verbs_priv.h"

enum core_outcome verb_outcome(const struct err *err)
{
	REQUIRE(err->code != ERR_OK);
	if (err->code == ERR_LOST)
		return OUTCOME_LOST;
	return err_class(err->code) == ERR_CLASS_RETRY ? OUTCOME_FAILED : OUTCOME_REFUSED;
}

enum core_outcome verb_lost(struct err *err, enum side side, const struct door *door)
{
	err_set(err, ERR_LOST, "%s: register %s(%lld), guard (%lld, %s): somebody else leads",
		side_name(side), reg_state_name(door->reg.state), (long long)door->reg.attempt,
		(long long)door->guard.attempt, guard_phase_name(door->guard.phase));
	return OUTCOME_LOST;
}

static void note_epoch(const struct verb_call *call, const struct reg *reg)
{
	if (reg->epoch > *call->epoch_seen)
		*call->epoch_seen = reg->epoch;
}

int verb_read(const struct verb_call *call, enum side side, struct door *ret_door, struct err *err)
{
	if (arbiter_read(call->store, side, call->deadline_ms, ret_door, err))
		return err_wrap(err, "reading the register of %s", side_name(side));
	note_epoch(call, &ret_door->reg);
	return 0;
}

int verb_guard(const struct verb_call *call, enum side side, struct guard from, struct guard to,
	bool *ret_moved, struct err *err)
{
	if (guard_equal(from, to)) {
		*ret_moved = true;
		return 0;
	}
	return arbiter_guard(call->store, side, from, to, call->deadline_ms, ret_moved, err);
}

static int move_from(const struct verb_call *call, enum side side, enum arbiter_move move,
	enum reg_state from, bool *ret_moved, struct reg *ret_reg, struct err *err)
{
	struct arbiter_call args = {
		.side = side,
		.attempt = call->attempt,
		.from = from,
		.epoch = *call->epoch_seen + 1,
		.hold_ms = move == MOVE_COMMIT ? call->commit_ms : call->hold_ms,
		.deadline_ms = call->deadline_ms,
	};

	if (arbiter_move(call->store, move, &args, ret_moved, ret_reg, err))
		return -1;
	note_epoch(call, ret_reg);
	return 0;
}

int verb_move(const struct verb_call *call, enum side side, enum arbiter_move move, bool *ret_moved,
	struct reg *ret_reg, struct err *err)
{
	REQUIRE(move != MOVE_REOPEN);
	return move_from(call, side, move, REG_ABSENT, ret_moved, ret_reg, err);
}

int verb_reopen(const struct verb_call *call, enum side side, enum reg_state from, bool *ret_moved,
	struct reg *ret_reg, struct err *err)
{
	return move_from(call, side, MOVE_REOPEN, from, ret_moved, ret_reg, err);
}

struct store_call verb_store_call(const struct verb_call *call)
{
	return (struct store_call){call->src, call->attempt, call->deadline_ms};
}

static enum core_outcome from_rc(int rc, const struct err *err)
{
	return rc == 0 ? OUTCOME_DONE : verb_outcome(err);
}

static struct route_call route_call_of(const struct verb_call *call)
{
	return (struct route_call){
		.src = call->src,
		.attempt = call->attempt,
		.hold_ms = call->hold_ms,
		.drain_ms = call->drain_ms,
		.lull_ms = call->lull_ms,
		.deadline_ms = call->deadline_ms,
	};
}

static enum core_outcome do_arm(const struct verb_call *call, struct err *err)
{
	struct store_call sc = verb_store_call(call);
	struct route_call rc = route_call_of(call);

	if (store_arm(call->store, &sc, err))
		return verb_outcome(err);
	if (route_can_hold(call->route) &&
		store_spare(call->store, side_other(call->src), call->deadline_ms, &rc.share, err))
		return verb_outcome(err);
	return from_rc(route_arm(call->route, &rc, err), err);
}

static enum core_outcome do_hold(const struct verb_call *call, struct err *err)
{
	struct route_call rc = route_call_of(call);

	return from_rc(route_hold(call->route, &rc, call->ret_held, err), err);
}

static enum core_outcome do_try(const struct verb_call *call, struct err *err)
{
	struct store_call sc = verb_store_call(call);

	return from_rc(store_try_write(call->store, &sc, call->ret_tried, err), err);
}

/*
 * Back to the source after an undo, otherwise to the destination that this very attempt opened, and
 * only when its register is read open here and now.  A door that somebody else opened meanwhile may
 * be one of a wave whose other doors are still shut: that takes another look.
 */
static enum core_outcome do_release(const struct verb_call *call, struct err *err)
{
	enum side side = call->undoing ? call->src : side_other(call->src);
	struct door door;

	if (verb_read(call, side, &door, err))
		return verb_outcome(err);
	if (door.reg.state != REG_ACTIVE || (!call->undoing && door.reg.promoted != call->attempt))
		return verb_lost(err, side, &door);
	return from_rc(route_release(call->route, side, door.reg.epoch, call->deadline_ms,
			       call->ret_released, err),
		err);
}

typedef int store_fn(struct store *store, const struct store_call *call, struct err *err);

static store_fn *const store_verbs[VERB_COUNT] = {
	[VERB_CHECK] = store_check,
	[VERB_END] = store_end_sessions,
	[VERB_MARKER] = store_marker,
	[VERB_REACHED] = store_reached,
	[VERB_CUT] = store_cut,
	[VERB_SEQUENCES] = store_sequences,
	[VERB_FINALIZE] = store_finalize,
};

typedef enum core_outcome composite_fn(const struct verb_call *call, struct err *err);

static composite_fn *const composites[VERB_COUNT] = {
	[VERB_ARM] = do_arm,
	[VERB_GUARD] = verb_do_guard,
	[VERB_HOLD] = do_hold,
	[VERB_SEAL] = verb_do_seal,
	[VERB_TRY] = do_try,
	[VERB_COMMIT] = verb_do_commit,
	[VERB_PROMOTE] = verb_do_promote,
	[VERB_RELEASE] = do_release,
	[VERB_RETIRE] = verb_do_retire,
	[VERB_TURN] = verb_do_turn,
	[VERB_REVOKE] = verb_do_revoke,
	[VERB_REOPEN] = verb_do_reopen,
	[VERB_RELINK] = verb_do_relink,
};

enum core_outcome verb_run(enum verb verb, const struct verb_call *call, struct err *err)
{
	REQUIRE(verb < VERB_COUNT);
	if (store_verbs[verb]) {
		struct store_call sc = verb_store_call(call);

		return from_rc(store_verbs[verb](call->store, &sc, err), err);
	}
	INVARIANT(composites[verb] != NULL);
	return composites[verb](call, err);
}

/* A side that hangs must not take the time in which the other one would answer. */
static struct verb_call with_its_share(const struct verb_call *call, int side)
{
	int64_t now_ms = env_now_ms(call->env);
	struct verb_call ret = *call;

	ret.deadline_ms = now_ms + (call->deadline_ms - now_ms) / (SIDE_COUNT - side);
	return ret;
}

void verb_observe(const struct verb_call *call, struct core_view *ret_view)
{
	struct core_view view = {0};

	for (int s = 0; s < SIDE_COUNT; s++) {
		struct verb_call its = with_its_share(call, s);
		struct err err = ERR_INIT;

		view.reachable[s] = verb_read(&its, (enum side)s, &view.door[s], &err) == 0;
		if (call->ret_silence)
			call->ret_silence[s] = err;
	}
	for (int s = 0; s < SIDE_COUNT; s++) {
		struct err err = ERR_INIT;
		enum side subscriber = side_other((enum side)s);

		/* The subscription lives on the other side. */
		if (!view.reachable[subscriber] || store_link_seen(call->store, (enum side)s,
							   call->deadline_ms, &view.link[s], &err))
			view.link[s] = LINK_UNSEEN;
	}
	*ret_view = view;
}
