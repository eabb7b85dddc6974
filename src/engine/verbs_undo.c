/*
 * verbs_undo.c - giving the source back: revoke what the destination might still answer, reopen,
 * link again.
 */
#include "base/check.h"
#include "engine/verbs_priv.h"

/*
 * Only a source that is COMMITTING has asked the destination anything.  The decider of a wave is
 * the exception: the others may refuse only after it has said no at this very attempt, so while its
 * source is still open below the attempt, and may yet be sealed at it by another controller, its
 * destination is made to say no.
 */
static bool must_revoke(const struct verb_call *call, const struct door *src)
{
	if (src->reg.state == REG_COMMITTING)
		return true;
	return call->decides && src->reg.state == REG_ACTIVE && src->reg.attempt < call->attempt;
}

enum core_outcome verb_do_revoke(const struct verb_call *call, struct err *err)
{
	enum side dst = side_other(call->src);
	struct door src, to;
	bool moved = false;

	if (verb_read(call, call->src, &src, err))
		return verb_outcome(err);
	if (!must_revoke(call, &src))
		return OUTCOME_DONE;
	if (src.reg.attempt > call->attempt ||
		(src.reg.state == REG_COMMITTING && src.reg.attempt != call->attempt))
		return verb_lost(err, call->src, &src);
	if (verb_read(call, dst, &to, err))
		return verb_outcome(err);
	if (to.reg.revoked >= call->attempt)
		return OUTCOME_DONE;
	if (to.reg.state != REG_STANDBY || to.guard.phase == GUARD_TURN)
		return verb_lost(err, dst, &to); /* it answered yes: forward */
	if (verb_guard(call, dst, to.guard,
		    (struct guard){
			    to.guard.attempt > call->attempt ? to.guard.attempt : call->attempt,
			    GUARD_REVOKE},
		    &moved, err))
		return verb_outcome(err);
	if (!moved)
		return verb_lost(err, dst, &to);
	if (verb_move(call, dst, MOVE_REVOKE, &moved, &to.reg, err))
		return verb_outcome(err);
	if (!moved && to.reg.revoked < call->attempt)
		return verb_lost(err, dst, &to);
	return OUTCOME_DONE;
}

static bool is_at_rest(struct guard guard)
{
	return guard.phase == GUARD_IDLE || guard.phase == GUARD_ABORTED ||
	       guard.phase == GUARD_TURN || guard.phase == GUARD_TURNED;
}

/* An abort moves the guards of both sides to aborted, from the pair that was read.  On a side that
 * is open, (a, promote) is how a completed attempt left it.  A later attempt's guard is not ours to
 * abort: in a wave its decider may have been promoted already. */
static int abort_guard(const struct verb_call *call, enum side side, const struct door *door,
	bool *ret_moved, struct err *err)
{
	struct guard to = {door->guard.attempt, GUARD_ABORTED};

	*ret_moved = door->guard.attempt <= call->attempt;
	if (is_at_rest(door->guard) || !*ret_moved)
		return 0;
	if (door->guard.phase == GUARD_PROMOTE && door->reg.state == REG_ACTIVE)
		return 0;
	return verb_guard(call, side, door->guard, to, ret_moved, err);
}

/* The destination's guard, after the source is open again: a silent destination costs nobody
 * anything now, `resume` looks again. */
static enum core_outcome abort_dst(const struct verb_call *call, struct err *err)
{
	enum side dst = side_other(call->src);
	struct door door;
	bool moved = false;

	if (verb_read(call, dst, &door, err) || abort_guard(call, dst, &door, &moved, err))
		return OUTCOME_LATER;
	return moved ? OUTCOME_DONE : verb_lost(err, dst, &door);
}

/* From COMMITTING only the destination's "no" allows the source to open. */
static enum core_outcome was_revoked(const struct verb_call *call, int64_t attempt, struct err *err)
{
	enum side dst = side_other(call->src);
	struct door door;

	if (verb_read(call, dst, &door, err))
		return verb_outcome(err);
	return door.reg.revoked >= attempt ? OUTCOME_DONE : verb_lost(err, dst, &door);
}

static enum core_outcome reopen_src(const struct verb_call *call, struct door *src, struct err *err)
{
	struct verb_call at = *call;
	bool moved = false;

	if (abort_guard(call, call->src, src, &moved, err))
		return verb_outcome(err);
	if (!moved)
		return verb_lost(err, call->src, src);
	if (src->reg.state == REG_ACTIVE)
		return OUTCOME_DONE;
	at.attempt = src->reg.attempt;
	if (verb_reopen(&at, call->src, src->reg.state, &moved, &src->reg, err))
		return verb_outcome(err);
	if (!moved && src->reg.state != REG_ACTIVE)
		return verb_lost(err, call->src, src);
	return OUTCOME_DONE;
}

enum core_outcome verb_do_reopen(const struct verb_call *call, struct err *err)
{
	enum core_outcome outcome;
	struct door src;

	if (verb_read(call, call->src, &src, err))
		return verb_outcome(err);
	if (src.reg.state == REG_STANDBY || src.reg.state == REG_ABSENT ||
		src.reg.attempt > call->attempt)
		return verb_lost(err, call->src, &src);
	if (src.reg.state == REG_COMMITTING) {
		outcome = was_revoked(call, src.reg.attempt, err);
		if (outcome != OUTCOME_DONE)
			return outcome;
	}
	outcome = reopen_src(call, &src, err);
	return outcome == OUTCOME_DONE ? abort_dst(call, err) : outcome;
}

/*
 * Repairs a link that this or an earlier attempt left cut.  The open side says ACTIVE and was not
 * promoted at its present attempt (that would mean turn); the shut side's guard goes to
 * (g, aborted) from anything but turn; the link is enabled at exactly that pair, never with an
 * advance of its origin.
 */
enum core_outcome verb_do_relink(const struct verb_call *call, struct err *err)
{
	enum side dst = side_other(call->src);
	struct store_call sc = verb_store_call(call);
	struct door src, to;
	struct guard aborted;
	enum link_seen seen = LINK_UNSEEN;
	bool moved = false;

	/* The guard that is going to be moved is read before the register that allows it. */
	if (verb_read(call, dst, &to, err))
		return OUTCOME_LATER;
	if (verb_read(call, call->src, &src, err))
		return verb_outcome(err);
	if (src.reg.state != REG_ACTIVE)
		return verb_lost(err, call->src, &src);
	if (src.reg.promoted == src.reg.attempt && src.reg.promoted > 0)
		return OUTCOME_DONE; /* never cut at this attempt */
	if (store_link_seen(call->store, call->src, call->deadline_ms, &seen, err))
		return OUTCOME_LATER;
	if (seen != LINK_OFF)
		return OUTCOME_DONE; /* on, or never created */
	if (to.guard.phase == GUARD_TURN || to.reg.state != REG_STANDBY ||
		to.guard.attempt > call->attempt)
		return verb_lost(err, dst, &to);
	aborted = (struct guard){to.guard.attempt, GUARD_ABORTED};
	if (verb_guard(call, dst, to.guard, aborted, &moved, err))
		return OUTCOME_LATER;
	if (!moved)
		return verb_lost(err, dst, &to);
	if (store_relink(call->store, &sc, aborted, err))
		return err->code == ERR_LOST ? OUTCOME_LOST : OUTCOME_LATER;
	return OUTCOME_DONE;
}
