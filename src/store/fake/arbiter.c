/*
 * arbiter.c - registers and guards of the fake store.  Each move and its admission are one
 * statement.
 */
#include "base/check.h"
#include "store/fake/fake.h"

static int read_guard(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	(void)err;
	*(struct guard *)arg = w->side[side].guard;
	return 0;
}

static int read_reg(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	const struct fake_side *at = &w->side[side];
	struct reg *reg = arg;

	(void)err;
	*reg = at->reg;
	reg->left_ms = 0;
	if (reg->state == REG_SEALED)
		reg->left_ms = (at->hold_until_us - fake_now_us(w, side)) / 1000;
	return 0;
}

static int fake_read(struct store *store, enum side side, int64_t deadline_ms,
	struct door *ret_door, struct err *err)
{
	if (fake_statement(fake_of(store), side, deadline_ms, read_guard, &ret_door->guard, err))
		return -1;
	return fake_statement(fake_of(store), side, deadline_ms, read_reg, &ret_door->reg, err);
}

struct guard_args {
	struct guard from, to;
	bool moved;
};

static int move_guard(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	struct guard_args *args = arg;
	struct guard *guard = &w->side[side].guard;

	(void)err;
	args->moved = guard_equal(*guard, args->from) || !fake_keeps(w, FAKE_RULE_GUARD_CAS);
	if (args->moved)
		*guard = args->to;
	return 0;
}

static int fake_guard(struct store *store, enum side side, struct guard from, struct guard to,
	int64_t deadline_ms, bool *ret_moved, struct err *err)
{
	struct guard_args args = {from, to, false};

	if (fake_statement(fake_of(store), side, deadline_ms, move_guard, &args, err))
		return -1;
	*ret_moved = args.moved;
	return 0;
}

/* --- moves ----------------------------------------------------------------------------------- */

struct move_args {
	const struct arbiter_call *call;
	enum arbiter_move move;
	bool moved;
	struct reg reg;
};

static uint64_t bit(int64_t attempt)
{
	REQUIRE(attempt < FAKE_ATTEMPTS_MAX);
	return UINT64_C(1) << attempt;
}

static bool seal(struct fake_world *w, enum side side, const struct arbiter_call *call)
{
	struct fake_side *at = &w->side[side];

	if (at->reg.state != REG_ACTIVE || at->reg.attempt >= call->attempt)
		return false;
	at->reg.state = REG_SEALED;
	at->reg.attempt = call->attempt;
	at->hold_until_us = fake_now_us(w, side) + call->hold_ms * 1000;
	if (fake_keeps(w, FAKE_RULE_FENCE))
		at->reg.open = false;
	w->wayback_at_seal = w->side[side_other(side)].end;
	return true;
}

static bool commit(struct fake_world *w, enum side side, const struct arbiter_call *call)
{
	struct fake_side *at = &w->side[side];

	if (at->reg.state != REG_SEALED || at->reg.attempt != call->attempt ||
		(at->reg.open && fake_keeps(w, FAKE_RULE_FENCE)) ||
		at->hold_until_us - fake_now_us(w, side) < call->hold_ms * 1000)
		return false;
	at->reg.state = REG_COMMITTING;
	w->wayback_at_commit = w->side[side_other(side)].end;
	return true;
}

static size_t wayback(const struct fake_world *w, enum side side)
{
	if (!fake_keeps(w, FAKE_RULE_WAYBACK_AFTER_BARRIER))
		return w->wayback_at_seal;
	return fake_keeps(w, FAKE_RULE_WAYBACK_INSIDE) ? w->side[side].end : w->wayback_at_commit;
}

static bool promote(struct fake_world *w, enum side side, const struct arbiter_call *call)
{
	struct fake_side *at = &w->side[side];
	const struct fake_side *from = &w->side[side_other(side)];
	bool revoked = at->reg.revoked >= call->attempt && fake_keeps(w, FAKE_RULE_REVOKED);

	if (at->reg.state != REG_STANDBY || revoked || at->reg.promoted >= call->attempt)
		return false;
	if (from->reg.state != REG_COMMITTING || from->reg.attempt != call->attempt)
		fake_violated(w, "%s opens at %lld, which was never committed", side_name(side),
			(long long)call->attempt);
	if (at->sequence < from->sequence)
		fake_violated(w, "%s opens with a sequence behind", side_name(side));
	at->reg.attempt = at->reg.promoted = call->attempt;
	at->reg.wayback = wayback(w, side);
	w->promoted |= bit(call->attempt);
	fake_open_door(w, side, call->epoch);
	return true;
}

static bool revoke(struct fake_world *w, enum side side, const struct arbiter_call *call)
{
	struct fake_side *at = &w->side[side];

	if (at->reg.state != REG_STANDBY || at->reg.promoted >= call->attempt ||
		at->reg.revoked >= call->attempt)
		return false;
	at->reg.revoked = call->attempt;
	w->revoked |= bit(call->attempt);
	return true;
}

static bool retire(struct fake_world *w, enum side side, const struct arbiter_call *call)
{
	struct fake_side *at = &w->side[side];

	if (at->reg.state != REG_COMMITTING || at->reg.attempt != call->attempt)
		return false;
	at->reg.state = REG_STANDBY;
	at->reg.revoked = call->attempt;
	return true;
}

static bool reopen(struct fake_world *w, enum side side, const struct arbiter_call *call)
{
	struct fake_side *at = &w->side[side];
	bool sealed = at->reg.state == REG_SEALED || at->reg.state == REG_COMMITTING;
	bool as_seen = at->reg.state == call->from || !fake_keeps(w, FAKE_RULE_REOPEN_FROM);

	if (!sealed || !as_seen || at->reg.attempt != call->attempt)
		return false;
	/* I5: after the commit point only a refusal of the other side opens this one again. */
	if (at->reg.state == REG_COMMITTING &&
		w->side[side_other(side)].reg.revoked < call->attempt)
		fake_violated(w, "%s opens after COMMITTING(%lld), not revoked", side_name(side),
			(long long)call->attempt);
	fake_open_door(w, side, call->epoch > at->reg.epoch + 1 ? call->epoch : at->reg.epoch + 1);
	return true;
}

typedef bool move_fn(struct fake_world *w, enum side side, const struct arbiter_call *call);

static move_fn *const moves[MOVE_COUNT] = {
	[MOVE_SEAL] = seal,
	[MOVE_COMMIT] = commit,
	[MOVE_PROMOTE] = promote,
	[MOVE_REVOKE] = revoke,
	[MOVE_RETIRE] = retire,
	[MOVE_REOPEN] = reopen,
};

static int move_reg(struct fake_world *w, enum side side, void *arg, struct err *err)
{
	struct move_args *args = arg;

	args->moved = moves[args->move](w, side, args->call);
	return read_reg(w, side, &args->reg, err);
}

static int fake_move(struct store *store, enum arbiter_move move, const struct arbiter_call *call,
	bool *ret_moved, struct reg *ret_reg, struct err *err)
{
	struct move_args args = {.call = call, .move = move};

	if (fake_statement(fake_of(store), call->side, call->deadline_ms, move_reg, &args, err))
		return -1;
	*ret_moved = args.moved;
	*ret_reg = args.reg;
	return 0;
}

const struct arbiter_ops fake_arbiter_ops = {
	.read = fake_read,
	.guard = fake_guard,
	.move = fake_move,
};
