/*
 * register.c - the arbiter contract on PostgreSQL: the register row in the control database, the
 * guard row in the migrated one (functions: sql/control.sql, sql/migrated.sql).
 */
#include <string.h>

#include "base/check.h"
#include "store/postgres/driver.h"

#define MOVE_TRIES_MAX 10
#define MOVE_RETRY_US 20000

static int read_guard(struct store_pg *s, enum side side, int64_t deadline_ms,
	struct guard *ret_guard, struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;

	if (pg_data_exec(s, side, deadline_ms,
		    "SELECT attempt, phase FROM airlock.guard WHERE plan = $1 AND store = $2", 0,
		    NULL, &rows, err))
		return -1;
	if (rows.rows == 0) {
		*ret_guard = (struct guard){0, GUARD_IDLE};
		return 0;
	}
	ret_guard->attempt = pg_int(&rows, 0, 0);
	ret_guard->phase = guard_phase_parse(pg_text(&rows, 0, 1));
	if (ret_guard->phase == GUARD_PHASE_COUNT)
		return err_set(err, ERR_CORRUPT, "%s: unknown guard phase '%s'", side_name(side),
			pg_text(&rows, 0, 1));
	return 0;
}

/* Columns of airlock.see() from `column` on. */
static int take_reg(const struct pg_rows *rows, size_t column, struct reg *ret_reg, struct err *err)
{
	*ret_reg = (struct reg){.state = reg_state_parse(pg_text(rows, 0, column))};
	if (ret_reg->state == REG_STATE_COUNT)
		return err_set(
			err, ERR_CORRUPT, "unknown register state '%s'", pg_text(rows, 0, column));
	if (ret_reg->state == REG_ABSENT)
		return 0;
	ret_reg->attempt = pg_int(rows, 0, column + 1);
	ret_reg->epoch = pg_int(rows, 0, column + 2);
	ret_reg->revoked = pg_int(rows, 0, column + 3);
	ret_reg->promoted = pg_int(rows, 0, column + 4);
	ret_reg->wayback = (uint64_t)pg_int(rows, 0, column + 5);
	ret_reg->left_ms = pg_int(rows, 0, column + 6);
	ret_reg->open = pg_bool(rows, 0, column + 7);
	ret_reg->final = pg_bool(rows, 0, column + 8);
	return 0;
}

int pg_register(struct store_pg *s, enum side side, int64_t deadline_ms, struct reg *ret_reg,
	struct err *err)
{
	const char *params[] = {s->plan->name, s->plan_store->name, side_name(side)};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_control(s, side, deadline_ms, &pg, err) ||
		pg_exec_kept(pg, deadline_ms, "SELECT * FROM airlock.see($1, $2, $3)", 3, params,
			&rows, err))
		return -1;
	return take_reg(&rows, 0, ret_reg, err);
}

static int pg_arbiter_read(struct store *store, enum side side, int64_t deadline_ms,
	struct door *ret_door, struct err *err)
{
	struct store_pg *s = store_pg(store);

	/* Guard first: what is moved later is moved from a pair older than the register. */
	if (read_guard(s, side, deadline_ms, &ret_door->guard, err))
		return -1;
	return pg_register(s, side, deadline_ms, &ret_door->reg, err);
}

static int pg_arbiter_guard(struct store *store, enum side side, struct guard from, struct guard to,
	int64_t deadline_ms, bool *ret_moved, struct err *err)
{
	char a[INT_TEXT_BYTES], b[INT_TEXT_BYTES];
	const char *params[] = {int_text(a, from.attempt), guard_phase_name(from.phase),
		int_text(b, to.attempt), guard_phase_name(to.phase)};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;

	if (pg_data_exec(store_pg(store), side, deadline_ms,
		    "SELECT airlock.guard_move($1, $2, $3, $4, $5, $6)", 4, params, &rows, err))
		return -1;
	*ret_moved = pg_bool(&rows, 0, 0);
	return 0;
}

/* What each move is called with after (plan, store, side, attempt). */
static const char *const move_sql[MOVE_COUNT] = {
	[MOVE_SEAL] = "SELECT m, v.* FROM airlock.seal($1, $2, $3, $4, $5, $6, $7) m,"
		      " LATERAL airlock.see($1, $2, $3) v",
	[MOVE_COMMIT] = "SELECT m, v.* FROM airlock.commit($1, $2, $3, $4, $5, $6) m,"
			" LATERAL airlock.see($1, $2, $3) v",
	[MOVE_PROMOTE] = "SELECT m, v.* FROM airlock.promote($1, $2, $3, $4, $5, $6, $7) m,"
			 " LATERAL airlock.see($1, $2, $3) v",
	[MOVE_REVOKE] = "SELECT m, v.* FROM airlock.revoke($1, $2, $3, $4, $5) m,"
			" LATERAL airlock.see($1, $2, $3) v",
	[MOVE_RETIRE] = "SELECT m, v.* FROM airlock.retire($1, $2, $3, $4, $5) m,"
			" LATERAL airlock.see($1, $2, $3) v",
	[MOVE_REOPEN] = "SELECT m, v.* FROM airlock.reopen($1, $2, $3, $4, $5, $6) m,"
			" LATERAL airlock.see($1, $2, $3) v",
};

/* The moves of `side` in an attempt that leaves src, its undo included: how many parameters each has. */
static int keep_moves(
	struct store_pg *s, enum side side, bool is_src, int64_t deadline_ms, struct err *err)
{
	static const struct {
		enum arbiter_move move;
		bool of_src;
		size_t params;
	} moves[] = {{MOVE_SEAL, true, 7}, {MOVE_COMMIT, true, 6}, {MOVE_RETIRE, true, 5},
		{MOVE_REOPEN, true, 6}, {MOVE_PROMOTE, false, 7}, {MOVE_REVOKE, false, 5}};
	struct pg *pg;

	if (pg_control(s, side, deadline_ms, &pg, err))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(moves); i++)
		if (moves[i].of_src == is_src &&
			pg_keep(pg, deadline_ms, move_sql[moves[i].move], moves[i].params, err))
			return -1;
	return 0;
}

int pg_register_arm(struct store_pg *s, enum side src, int64_t deadline_ms, struct err *err)
{
	if (keep_moves(s, src, true, deadline_ms, err) ||
		keep_moves(s, side_other(src), false, deadline_ms, err))
		return -1;
	return 0;
}

struct move_params {
	const char *text[7];
	size_t count;
	char attempt[INT_TEXT_BYTES], number[INT_TEXT_BYTES];
};

static void make_params(struct store_pg *s, enum arbiter_move move, const struct arbiter_call *call,
	struct move_params *p)
{
	const char *head[] = {s->plan->name, s->plan_store->name, side_name(call->side),
		int_text(p->attempt, call->attempt)};

	memcpy(p->text, head, sizeof head);
	p->count = ARRAY_LEN(head);
	if (move == MOVE_SEAL || move == MOVE_COMMIT)
		p->text[p->count++] = int_text(p->number, call->hold_ms);
	if (move == MOVE_PROMOTE)
		p->text[p->count++] = int_text(p->number, call->epoch);
	if (move == MOVE_SEAL || move == MOVE_PROMOTE)
		p->text[p->count++] = s->plan->hash;
	if (move == MOVE_REOPEN)
		p->text[p->count++] = reg_state_name(call->from);
	p->text[p->count++] = s->who;
}

/* A concurrent GRANT or REVOKE on the database makes the move wait, then fail as a whole. */
bool pg_move_may_retry(const struct err *err)
{
	return err->code == ERR_BLOCKED || strcmp(err->sqlstate, "40001") == 0 ||
	       strcmp(err->sqlstate, "40P01") == 0 ||
	       strstr(err->msg, "tuple concurrently updated") != NULL;
}

static int pg_arbiter_move(struct store *store, enum arbiter_move move,
	const struct arbiter_call *call, bool *ret_moved, struct reg *ret_reg, struct err *err)
{
	struct store_pg *s = store_pg(store);
	struct move_params params;
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	make_params(s, move, call, &params);
	if (pg_control(s, call->side, call->deadline_ms, &pg, err))
		return -1;
	for (int tries = 1;; tries++) {
		struct err failed = ERR_INIT;

		if (pg_exec_kept(pg, call->deadline_ms, move_sql[move], params.count, params.text,
			    &rows, &failed) == 0)
			break;
		if (!pg_move_may_retry(&failed) || tries == MOVE_TRIES_MAX) {
			*err = failed;
			return err_wrap(
				err, "%s on %s", arbiter_move_name(move), side_name(call->side));
		}
		env_pause(store->env, MOVE_RETRY_US);
	}
	*ret_moved = pg_bool(&rows, 0, 0);
	return take_reg(&rows, 1, ret_reg, err);
}

const struct arbiter_ops pg_arbiter_ops = {
	.read = pg_arbiter_read,
	.guard = pg_arbiter_guard,
	.move = pg_arbiter_move,
};
