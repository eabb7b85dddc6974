/*
 * port.c - the checking wrappers around the contracts, and the points before and after each effect
 * at which a crash is tested.  Nothing else calls a driver's table.
 */
#include "base/check.h"
#include "port/arbiter.h"
#include "port/gate.h"
#include "port/route.h"
#include "port/store.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const move_names[MOVE_COUNT] = {
	[MOVE_SEAL] = "seal",
	[MOVE_COMMIT] = "commit",
	[MOVE_PROMOTE] = "promote",
	[MOVE_REVOKE] = "revoke",
	[MOVE_RETIRE] = "retire",
	[MOVE_REOPEN] = "reopen",
};

const char *const env_points[] = {"check", "arm", "guard-held", "hold", "seal", "end_sessions",
	"marker", "reached", "cut", "try_write", "sequences", "guard-commit", "commit",
	"guard-promote", "promote", "release", "guard-turn", "retire", "turn", "guard-revoke",
	"revoke", "guard-aborted", "reopen", "relink", "finalize", NULL};

const char *const env_setup_points[] = {"sync-enroll", "sync-shut", "sync-publish", "sync-slot",
	"sync-subscribe", "sync-wayback-slot", "sync-wayback", "sync-audit", "sync-early",
	"drop-link-old", "drop-link-new", "drop-slots-old", "drop-slots-new", "forget-new", "forget-old",
	"finalize-old", "finalize-new", "unfreeze-old", "unfreeze-new", "service-stop",
	"service-start", "wave-begin", "move-intent", "move", "move-seen", "move-back-intent",
	"move-back", "wave-undo", "wave-end", NULL};

const char *arbiter_move_name(enum arbiter_move move)
{
	REQUIRE(move < MOVE_COUNT);
	return move_names[move];
}

int arbiter_read(struct store *store, enum side side, int64_t deadline_ms, struct door *ret_door,
	struct err *err)
{
	struct door door = {0};

	REQUIRE(side < SIDE_COUNT);
	if (store->arbiter->read(store, side, deadline_ms, &door, err))
		return -1;
	ENSURE(door.guard.phase < GUARD_PHASE_COUNT);
	ENSURE(door.reg.state < REG_STATE_COUNT);
	*ret_door = door;
	return 0;
}

int arbiter_guard(struct store *store, enum side side, struct guard from, struct guard to,
	int64_t deadline_ms, bool *ret_moved, struct err *err)
{
	char what[32];
	int rc;

	REQUIRE(to.attempt >= from.attempt);
	/* (a, turn) is left only by the turn, which moves the guard in its own transaction. */
	REQUIRE(from.phase != GUARD_TURN);
	snprintf(what, sizeof what, "guard-%s", guard_phase_name(to.phase));
	env_point(store->env, "before", what);
	rc = store->arbiter->guard(store, side, from, to, deadline_ms, ret_moved, err);
	env_point(store->env, "after", what);
	return rc;
}

int arbiter_move(struct store *store, enum arbiter_move move, const struct arbiter_call *call,
	bool *ret_moved, struct reg *ret_reg, struct err *err)
{
	int rc;

	REQUIRE(move < MOVE_COUNT);
	REQUIRE(call->attempt > 0);
	REQUIRE(move != MOVE_REOPEN || call->from == REG_SEALED || call->from == REG_COMMITTING);
	env_point(store->env, "before", move_names[move]);
	rc = store->arbiter->move(store, move, call, ret_moved, ret_reg, err);
	env_point(store->env, "after", move_names[move]);
	return rc;
}

/* A data call: checked, with a point on each side. */
#define STORE_CALL(op)                                                                             \
	int store_##op(struct store *store, const struct store_call *call, struct err *err)        \
	{                                                                                          \
		int rc;                                                                            \
                                                                                                   \
		REQUIRE(call->src < SIDE_COUNT);                                                   \
		env_point(store->env, "before", #op);                                              \
		rc = store->ops->op(store, call, err);                                             \
		env_point(store->env, "after", #op);                                               \
		return rc;                                                                         \
	}

STORE_CALL(check)
STORE_CALL(arm)
STORE_CALL(end_sessions)
STORE_CALL(marker)
STORE_CALL(reached)
STORE_CALL(cut)
STORE_CALL(sequences)
STORE_CALL(finalize)

int store_try_write(struct store *store, const struct store_call *call,
	struct store_tried *ret_tried, struct err *err)
{
	REQUIRE(call->src < SIDE_COUNT);
	return ENV_STEP(
		store->env, "try_write", store->ops->try_write(store, call, ret_tried, err));
}

int store_turn(
	struct store *store, const struct store_call *call, uint64_t wayback, struct err *err)
{
	int rc;

	REQUIRE(wayback > 0);
	env_point(store->env, "before", "turn");
	rc = store->ops->turn(store, call, wayback, err);
	env_point(store->env, "after", "turn");
	return rc;
}

int store_relink(
	struct store *store, const struct store_call *call, struct guard at, struct err *err)
{
	int rc;

	/* The one pair at which a cut link may be enabled without an advance. */
	REQUIRE(at.phase == GUARD_ABORTED);
	env_point(store->env, "before", "relink");
	rc = store->ops->relink(store, call, at, err);
	env_point(store->env, "after", "relink");
	return rc;
}

int store_tend(
	struct store *store, int64_t deadline_ms, struct store_tended *ret_tended, struct err *err)
{
	return store->ops->tend(store, deadline_ms, ret_tended, err);
}

int store_spare(struct store *store, enum side side, int64_t deadline_ms, int64_t *ret_logins,
	struct err *err)
{
	int64_t logins = 0;

	REQUIRE(side < SIDE_COUNT);
	if (store->ops->spare(store, side, deadline_ms, &logins, err))
		return -1;
	ENSURE(logins >= 0);
	*ret_logins = logins;
	return 0;
}

int store_link_seen(struct store *store, enum side publisher, int64_t deadline_ms,
	enum link_seen *ret_seen, struct err *err)
{
	REQUIRE(publisher < SIDE_COUNT);
	return store->ops->link_seen(store, publisher, deadline_ms, ret_seen, err);
}

void store_free(struct store *store)
{
	if (store)
		store->ops->free(store);
}

int route_arm(struct route *route, const struct route_call *call, struct err *err)
{
	REQUIRE(call->src < SIDE_COUNT);
	REQUIRE(call->attempt > 0);
	return route->ops->arm(route, call, err);
}

int route_hold(struct route *route, const struct route_call *call, struct route_held *ret_held,
	struct err *err)
{
	REQUIRE(call->src < SIDE_COUNT);
	REQUIRE(call->attempt > 0);
	REQUIRE(call->hold_ms > 0);
	*ret_held = (struct route_held){0};
	return ENV_STEP(route->env, "hold", route->ops->hold(route, call, ret_held, err));
}

int route_look(
	struct route *route, int64_t deadline_ms, struct route_view *ret_view, struct err *err)
{
	*ret_view = (struct route_view){.phase = "run"};
	return route_can_hold(route) ? route->ops->look(route, deadline_ms, ret_view, err) : 0;
}

int route_survey(
	struct route *route, int64_t deadline_ms, struct route_view *ret_view, struct err *err)
{
	*ret_view = (struct route_view){.phase = "run"};
	return route_can_hold(route) ? route->ops->survey(route, deadline_ms, ret_view, err) : 0;
}

void route_accounts_fini(struct route_accounts *accounts)
{
	free(accounts->rows);
	*accounts = (struct route_accounts){0};
}

struct route_account *route_accounts_add(struct route_accounts *accounts)
{
	if (accounts->count == accounts->room) {
		accounts->room = accounts->room ? accounts->room * 2 : 64;
		accounts->rows = realloc(accounts->rows, accounts->room * sizeof *accounts->rows);
		ENSURE(accounts->rows != NULL);
	}
	accounts->rows[accounts->count] = (struct route_account){0};
	return &accounts->rows[accounts->count++];
}

int route_accounts(struct route *route, int64_t deadline_ms, struct route_accounts *accounts,
	struct err *err)
{
	accounts->count = 0;
	accounts->forgotten = 0;
	if (!route_can_hold(route))
		return 0;
	if (route->ops->accounts(route, deadline_ms, accounts, err) == 0)
		return 0;
	accounts->count = 0;
	return -1;
}

int route_release(struct route *route, enum side side, int64_t epoch, int64_t deadline_ms,
	struct route_released *ret_released, struct err *err)
{
	REQUIRE(side < SIDE_COUNT);
	return ENV_STEP(route->env, "release",
		route->ops->release(route, side, epoch, deadline_ms, ret_released, err));
}

void route_free(struct route *route)
{
	if (route)
		route->ops->free(route);
}

const char *gate_state_name(enum gate_state state)
{
	static const char *const names[] = {
		[GATE_PASS] = "pass",
		[GATE_FAIL] = "fail",
		[GATE_NOT_PROVEN] = "not-proven",
		[GATE_WAIVED] = "waived",
		[GATE_STALE] = "stale",
	};

	REQUIRE(state < ARRAY_LEN(names));
	return names[state];
}
