/*
 * bugs.c - mistakes planted around the contracts, to show that they would be noticed.
 */
#include "base/check.h"
#include "sim.h"

static const struct {
	const char *name, *sentence;
} bugs[BUG_COUNT] = {
	[BUG_NONE] = {"NONE", "nothing is wrong"},
#define RULE(name, sentence) [BUG_##name] = {#name, "broken: " sentence},
#include "store/fake/rules.def"
#undef RULE
#define BUG(name, sentence) [BUG_##name] = {#name, sentence},
#include "bugs.def"
#undef BUG
};

const char *bug_name(enum bug bug)
{
	REQUIRE(bug < BUG_COUNT);
	return bugs[bug].name;
}

const char *bug_sentence(enum bug bug)
{
	REQUIRE(bug < BUG_COUNT);
	return bugs[bug].sentence;
}

void bug_plant(struct sim *sim)
{
	int rule = (int)sim->bug - 1;

	for (size_t m = 0; m < sim->stores; m++)
		if (rule >= 0 && rule < FAKE_RULE_COUNT)
			sim->world[m].broken[rule] = true;
}

static struct controller *controller_of(struct store *store)
{
	return fake_of(store)->travel_arg;
}

static size_t index_of(struct store *store)
{
	return (size_t)(fake_of(store) - controller_of(store)->store);
}

static int bug_read(struct store *store, enum side side, int64_t deadline_ms, struct door *ret_door,
	struct err *err)
{
	int64_t *believed = &controller_of(store)->believed_revoked[index_of(store)];

	if (fake_arbiter_ops.read(store, side, deadline_ms, ret_door, err))
		return -1;
	if (ret_door->reg.state == REG_STANDBY && ret_door->reg.revoked < *believed)
		ret_door->reg.revoked = *believed;
	return 0;
}

/* Answers as if the move had been made. */
static int pretend(struct store *store, enum reg_state state, const struct arbiter_call *call,
	bool *ret_moved, struct reg *ret_reg, struct err *err)
{
	struct door door;

	if (bug_read(store, call->side, call->deadline_ms, &door, err))
		return -1;
	*ret_reg = door.reg;
	ret_reg->state = state;
	*ret_moved = true;
	return 0;
}

static void release_early(struct store *store, const struct arbiter_call *call)
{
	struct controller *c = controller_of(store);
	struct gateway *g = &c->sim->gateway[index_of(store)];
	const struct reg *reg = &fake_of(store)->world->side[call->side].reg;

	if (reg->state != REG_ACTIVE || reg->epoch < g->epoch_seen)
		return;
	watch_release(c->sim, g, call->side, reg->epoch);
	gateway_release(g, call->side, reg->epoch);
}

static int bug_move(struct store *store, enum arbiter_move move, const struct arbiter_call *call,
	bool *ret_moved, struct reg *ret_reg, struct err *err)
{
	struct controller *c = controller_of(store);
	int rc;

	if (c->sim->bug == BUG_NO_COMMITTING && move == MOVE_COMMIT)
		return pretend(store, REG_COMMITTING, call, ret_moved, ret_reg, err);
	if (c->sim->bug == BUG_NO_REVOKE && move == MOVE_REVOKE) {
		c->believed_revoked[index_of(store)] = call->attempt;
		return pretend(store, REG_STANDBY, call, ret_moved, ret_reg, err);
	}
	rc = fake_arbiter_ops.move(store, move, call, ret_moved, ret_reg, err);
	if (c->sim->bug == BUG_EARLY_RELEASE && move == MOVE_PROMOTE && rc == 0 && *ret_moved)
		release_early(store, call);
	return rc;
}

static int bug_guard(struct store *store, enum side side, struct guard from, struct guard to,
	int64_t deadline_ms, bool *ret_moved, struct err *err)
{
	return fake_arbiter_ops.guard(store, side, from, to, deadline_ms, ret_moved, err);
}

void bug_wrap(struct controller *c, size_t store)
{
	static const struct arbiter_ops ops = {
		.read = bug_read, .guard = bug_guard, .move = bug_move};

	if (c->sim->bug != BUG_NONE)
		c->store[store].store.arbiter = &ops;
}
