/*
 * verbs_forward.c - the register moves that lead from one side to the other.
 *
 * Each: read (guard, then register); if the effect is already there, done; if the guard does not
 * stand where this step may start, lost; move the guard from the pair that was read; move the
 * register; if it did not move, lost and the register will say what is.
 */
#include "base/check.h"
#include "engine/verbs_priv.h"

static bool may_be_held(const struct door *door, int64_t attempt)
{
	/* (a, turn) is left only by the turn.  A guard of this or a later attempt that is not ours
	 * belongs to somebody else. */
	if (door->guard.phase == GUARD_TURN)
		return false;
	return door->guard.attempt < attempt ||
	       guard_equal(door->guard, (struct guard){attempt, GUARD_HELD});
}

/* Before SEAL(a) both guards stand at (a, held). */
enum core_outcome verb_do_guard(const struct verb_call *call, struct err *err)
{
	const struct guard held = {call->attempt, GUARD_HELD};
	enum side dst = side_other(call->src);
	struct door door[SIDE_COUNT];

	for (int s = 0; s < SIDE_COUNT; s++)
		if (verb_read(call, (enum side)s, &door[s], err))
			return verb_outcome(err);
	if (door[call->src].reg.state != REG_ACTIVE)
		return verb_lost(err, call->src, &door[call->src]);
	if (door[dst].reg.state != REG_STANDBY)
		return verb_lost(err, dst, &door[dst]);
	for (int s = 0; s < SIDE_COUNT; s++) {
		enum side side = s == 0 ? call->src : dst;
		bool moved = false;

		if (!may_be_held(&door[side], call->attempt))
			return verb_lost(err, side, &door[side]);
		if (verb_guard(call, side, door[side].guard, held, &moved, err))
			return verb_outcome(err);
		if (!moved)
			return verb_lost(err, side, &door[side]);
	}
	return OUTCOME_DONE;
}

/* What a register says after a move that was refused. */
static enum core_outcome after_refusal(const struct verb_call *call, enum side side,
	const struct reg *reg, enum reg_state wanted, struct err *err)
{
	struct door door = {.reg = *reg};

	if (reg->state == wanted && reg->attempt == call->attempt)
		return OUTCOME_DONE; /* by an earlier try of ours, or another controller */
	return verb_lost(err, side, &door);
}

enum core_outcome verb_do_seal(const struct verb_call *call, struct err *err)
{
	struct reg reg;
	bool moved = false;

	if (verb_move(call, call->src, MOVE_SEAL, &moved, &reg, err))
		return verb_outcome(err);
	if (!moved)
		return after_refusal(call, call->src, &reg, REG_SEALED, err);
	if (reg.open) {
		/* The flag was set and the effect is not there: that is no fence (law 3). */
		err_set(err, ERR_REFUSED,
			"%s is sealed, but a role of the applications may still connect",
			side_name(call->src));
		return OUTCOME_REFUSED;
	}
	return OUTCOME_DONE;
}

/* From (a, held) or, after an earlier try, from `to` itself. */
static enum core_outcome guard_leaves_held(
	const struct verb_call *call, enum side side, enum guard_phase to, struct err *err)
{
	const struct guard held = {call->attempt, GUARD_HELD}, wanted = {call->attempt, to};
	struct door door;
	bool moved = false;

	if (verb_guard(call, side, held, wanted, &moved, err))
		return verb_outcome(err);
	if (moved)
		return OUTCOME_DONE;
	if (verb_read(call, side, &door, err))
		return verb_outcome(err);
	return guard_equal(door.guard, wanted) ? OUTCOME_DONE : verb_lost(err, side, &door);
}

/*
 * The destination's guard leaves (a, held) before the source commits: from then on nobody who read
 * it earlier can take the promotion away.  A wave needs that (its others must be unable to refuse
 * before the decider can say yes); one store is no worse for it.
 */
enum core_outcome verb_do_commit(const struct verb_call *call, struct err *err)
{
	enum core_outcome outcome;
	struct door door = {0};
	bool moved = false;

	outcome = guard_leaves_held(call, side_other(call->src), GUARD_PROMOTE, err);
	if (outcome == OUTCOME_DONE)
		outcome = guard_leaves_held(call, call->src, GUARD_COMMIT, err);
	if (outcome != OUTCOME_DONE)
		return outcome;
	if (verb_move(call, call->src, MOVE_COMMIT, &moved, &door.reg, err))
		return verb_outcome(err);
	if (moved)
		return OUTCOME_DONE;
	if (door.reg.state == REG_SEALED && door.reg.attempt == call->attempt) {
		err_set(err, ERR_TIMEOUT,
			door.reg.open ? "%s is not shut any more: somebody granted CONNECT"
				      : "too little of the hold on %s is left to commit",
			side_name(call->src));
		return OUTCOME_FAILED;
	}
	return after_refusal(call, call->src, &door.reg, REG_COMMITTING, err);
}

/* The destination's write-once answer.  May start only from (a, held) or (a, promote). */
enum core_outcome verb_do_promote(const struct verb_call *call, struct err *err)
{
	const struct guard held = {call->attempt, GUARD_HELD};
	const struct guard promote = {call->attempt, GUARD_PROMOTE};
	enum side dst = side_other(call->src);
	struct door door;
	bool moved = false;

	if (verb_read(call, dst, &door, err))
		return verb_outcome(err);
	if (door.reg.promoted == call->attempt)
		return OUTCOME_DONE;
	if (!guard_equal(door.guard, held) && !guard_equal(door.guard, promote))
		return verb_lost(err, dst, &door);
	if (verb_guard(call, dst, door.guard, promote, &moved, err))
		return verb_outcome(err);
	if (!moved)
		return verb_lost(err, dst, &door);
	if (verb_move(call, dst, MOVE_PROMOTE, &moved, &door.reg, err))
		return verb_outcome(err);
	if (!moved && door.reg.promoted != call->attempt)
		return verb_lost(err, dst, &door);
	return OUTCOME_DONE;
}

static enum core_outcome promoted_at(
	const struct verb_call *call, struct door *ret_dst, struct err *err)
{
	enum side dst = side_other(call->src);

	if (verb_read(call, dst, ret_dst, err))
		return verb_outcome(err);
	if (ret_dst->reg.promoted != call->attempt)
		return verb_lost(err, dst, ret_dst);
	return OUTCOME_DONE;
}

enum core_outcome verb_do_retire(const struct verb_call *call, struct err *err)
{
	const struct guard turn = {call->attempt, GUARD_TURN};
	struct door door, dst;
	bool moved = false;
	enum core_outcome outcome;

	if (verb_read(call, call->src, &door, err))
		return verb_outcome(err);
	if (door.reg.state == REG_STANDBY && door.reg.revoked >= call->attempt)
		return OUTCOME_DONE;
	/* A controller that slept may find this side open again by a later attempt. */
	if (door.reg.state != REG_COMMITTING || door.reg.attempt != call->attempt ||
		door.guard.attempt > call->attempt)
		return verb_lost(err, call->src, &door);
	outcome = promoted_at(call, &dst, err);
	if (outcome != OUTCOME_DONE)
		return outcome;
	if (door.guard.phase != GUARD_TURN) {
		if (verb_guard(call, call->src, door.guard, turn, &moved, err))
			return verb_outcome(err);
		if (!moved)
			return verb_lost(err, call->src, &door);
	}
	if (verb_move(call, call->src, MOVE_RETIRE, &moved, &door.reg, err))
		return verb_outcome(err);
	if (!moved && !(door.reg.state == REG_STANDBY && door.reg.revoked >= call->attempt))
		return verb_lost(err, call->src, &door);
	return OUTCOME_DONE;
}

enum core_outcome verb_do_turn(const struct verb_call *call, struct err *err)
{
	struct store_call sc = verb_store_call(call);
	struct door src, dst;
	enum core_outcome outcome;

	if (verb_read(call, call->src, &src, err))
		return verb_outcome(err);
	if (src.guard.attempt > call->attempt ||
		guard_equal(src.guard, (struct guard){call->attempt, GUARD_TURNED}))
		return OUTCOME_DONE; /* a later attempt may begin only after the turn */
	outcome = promoted_at(call, &dst, err);
	if (outcome != OUTCOME_DONE)
		return outcome;
	if (store_turn(call->store, &sc, dst.reg.wayback, err))
		return verb_outcome(err);
	return OUTCOME_DONE;
}
