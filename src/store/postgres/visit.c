/*
 * visit.c - the link's slot of the shut side is brought to the end of the log.  The audit slot of
 * the open side is brought forward as well; that of the shut side only over what was peeked and
 * found clean.  Never the link's slot of the open side, whether it streams or not: after a revoke
 * the active link can be cut and look idle, and advancing it would lose rows (decision 6).
 *
 * Every visit is one transaction that locks the side's guard at the pair that was read before the
 * register, and so cannot reach into a later attempt.
 */
#include "store/postgres/visit.h"

#include "base/check.h"

#define VISIT_PAUSE_US 100000
/* What one visit of an audit slot decodes under the guard's lock: at 13 s/GB about half a second,
 * for which a hold may have to wait. */
#define AUDIT_STEP_BYTES (UINT64_C(32) << 20)
/* What an audit slot with local changes in it may keep of the shut side's disk. */
#define AUDIT_KEEP_MAX_BYTES (INT64_C(1) << 30)
/* Of what a hold waits for the audit, which is no condition of it. */
#define AUDIT_BEFORE_HOLD_MS 5000
/* What a round that must see to other things as well gives the link's slot: while an old
 * transaction is open on its server no visit can move it. */
#define TEND_LINK_MS 2000

struct round {
	struct store_pg *s;
	struct door door[SIDE_COUNT]; /* guards were read before registers */
	enum side open;
	int64_t deadline_ms;
};

static enum side shut_of(const struct round *round)
{
	return side_other(round->open);
}

int slot_usable(struct store_pg *s, enum side side, const char *slot, int64_t deadline_ms,
	struct slot_look *ret, struct err *err)
{
	if (slot_look(s, side, slot, deadline_ms, ret, err))
		return -1;
	if (!ret->exists)
		return err_set(err, ERR_REFUSED,
			"slot %s is missing on %s: replication must be set up again (abandon, "
			"sync)",
			slot, side_name(side));
	if (ret->lost)
		return err_set(err, ERR_REFUSED,
			"slot %s on %s has lost its log: replication must be set up again "
			"(abandon, "
			"sync)",
			slot, side_name(side));
	return 0;
}

static bool shut_rests(struct guard shut)
{
	return shut.phase == GUARD_IDLE || shut.phase == GUARD_ABORTED ||
	       shut.phase == GUARD_TURNED;
}

/* After a promotion only when the other side has been turned. */
static bool open_rests(struct guard open, struct guard shut)
{
	if (open.phase == GUARD_PROMOTE)
		return guard_equal(shut, (struct guard){open.attempt, GUARD_TURNED});
	return open.phase == GUARD_IDLE || open.phase == GUARD_ABORTED;
}

static int round_begin(struct store_pg *s, int64_t deadline_ms, struct round *ret, struct err *err)
{
	struct round round = {.s = s, .deadline_ms = deadline_ms};

	for (int side = 0; side < SIDE_COUNT; side++)
		if (arbiter_read(&s->store, (enum side)side, deadline_ms, &round.door[side], err))
			return -1;
	round.open = round.door[SIDE_NEW].reg.state == REG_ACTIVE ? SIDE_NEW : SIDE_OLD;
	if (round.door[round.open].reg.state != REG_ACTIVE ||
		round.door[shut_of(&round)].reg.state != REG_STANDBY ||
		!shut_rests(round.door[shut_of(&round)].guard))
		return err_set(err, ERR_LOST, "store %s is not at rest: old %s, new %s",
			s->store.name, reg_state_name(round.door[SIDE_OLD].reg.state),
			reg_state_name(round.door[SIDE_NEW].reg.state));
	*ret = round;
	return 0;
}

static int visit_link(const struct round *round, struct err *err)
{
	enum side shut = shut_of(round);
	const struct guard *at = &round->door[shut].guard;
	char a[INT_TEXT_BYTES];
	const char *params[] = {
		int_text(a, at->attempt), guard_phase_name(at->phase), round->s->link[shut]};

	return pg_data_exec(round->s, shut, round->deadline_ms,
		"SELECT airlock.visit($1, $2, $3, $4, $5)", 3, params, NULL, err);
}

/* Until it keeps little, or until `patience_ms`, with whatever it keeps then in *ret_seen.
 * restart_lsn moves only to the first candidate point of each visit, so visits repeat. */
static int bring_link_forward(
	const struct round *round, int64_t patience_ms, struct slot_look *ret_seen, struct err *err)
{
	struct store_pg *s = round->s;
	enum side shut = shut_of(round);

	for (;;) {
		if (slot_usable(s, shut, s->link[shut], round->deadline_ms, ret_seen, err))
			return -1;
		if (ret_seen->kept_bytes <= s->plan->budgets.lag_bytes ||
			env_now_ms(s->store.env) >= patience_ms)
			return 0;
		if (visit_link(round, err))
			return -1;
		env_pause(s->store.env, VISIT_PAUSE_US);
	}
}

static int link_keeps_little(const struct round *round, struct err *err)
{
	struct store_pg *s = round->s;
	struct slot_look seen;

	if (bring_link_forward(round, round->deadline_ms - LAST_LOOK_MS, &seen, err))
		return err_wrap(err, "bringing the way back's slot forward");
	if (seen.kept_bytes > s->plan->budgets.lag_bytes)
		return err_set(err, ERR_BLOCKED,
			"slot %s on %s keeps %lld bytes of log, more than budgets.lag: an old "
			"transaction on that server may hold it back",
			s->link[shut_of(round)], side_name(shut_of(round)),
			(long long)seen.kept_bytes);
	return 0;
}

/* One step; *ret_strays local changes stand in its way. */
static int visit_audit(const struct round *round, enum side side, const struct slot_look *seen,
	int64_t *ret_strays, struct err *err)
{
	const struct guard *at = &round->door[side].guard;
	uint64_t upto = seen->confirmed + AUDIT_STEP_BYTES;
	char a[INT_TEXT_BYTES], lsn[INT_TEXT_BYTES];
	const char *params[] = {int_text(a, at->attempt), guard_phase_name(at->phase),
		round->s->audit[side], side == round->open ? "false" : "true", lsn,
		seen->kept_bytes > AUDIT_KEEP_MAX_BYTES ? "true" : "false"};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;

	lsn_text(lsn, upto < seen->end ? upto : seen->end);
	if (pg_data_exec(round->s, side, round->deadline_ms,
		    "SELECT airlock.audit_visit($1, $2, $3, $4, $5, $6, $7, $8)", 6, params, &rows,
		    err))
		return -1;
	*ret_strays = pg_int(&rows, 0, 0);
	return 0;
}

static bool may_visit_audit(const struct round *round, enum side side)
{
	return side != round->open ||
	       open_rests(round->door[side].guard, round->door[shut_of(round)].guard);
}

/* Step by step to where the log ended at first, or to a local change, or until `patience_ms`, after
 * which no step begins.  One that has begun has the round's time: it cannot be called back, and
 * locks the guard until it ends.  A slot that is missing, lost or in use says so in *ret_seen. */
static int bring_audit_forward(const struct round *round, enum side side, int64_t patience_ms,
	struct slot_look *ret_seen, int64_t *ret_strays, struct err *err)
{
	struct store_pg *s = round->s;
	uint64_t goal = 0;

	*ret_strays = 0;
	for (;;) {
		if (slot_look(s, side, s->audit[side], round->deadline_ms, ret_seen, err))
			return -1;
		if (goal == 0)
			goal = ret_seen->end;
		if (!ret_seen->exists || ret_seen->lost || ret_seen->active ||
			!may_visit_audit(round, side) || ret_seen->confirmed >= goal ||
			*ret_strays > 0 || env_now_ms(s->store.env) >= patience_ms)
			return 0;
		if (visit_audit(round, side, ret_seen, ret_strays, err))
			return -1;
	}
}

/* At most `most_ms` from now on, and half of what is left: to the other half belong the step that is
 * under way then, and what comes after the audit. */
static int64_t patience_until(const struct round *round, int64_t most_ms)
{
	int64_t now_ms = env_now_ms(round->s->store.env);
	int64_t half_ms = (round->deadline_ms - now_ms) / 2;

	return now_ms + (half_ms < most_ms ? half_ms : most_ms);
}

int visit_before_hold(struct store_pg *s, enum side open, int64_t deadline_ms, struct err *err)
{
	int64_t patience_ms, strays;
	struct slot_look seen;
	struct round round;

	if (round_begin(s, deadline_ms, &round, err))
		return -1;
	if (round.open != open)
		return err_set(err, ERR_LOST, "%s is not open", side_name(open));
	if (link_keeps_little(&round, err))
		return -1;
	patience_ms = patience_until(&round, AUDIT_BEFORE_HOLD_MS);
	for (int side = 0; side < SIDE_COUNT; side++)
		if (bring_audit_forward(&round, (enum side)side, patience_ms, &seen, &strays, err))
			return err_wrap(err, "bringing the audit's slot forward");
	return 0;
}

static void note_idle(struct store_tended *tended, enum side side, const char *what,
	const struct slot_look *seen, int64_t strays)
{
	INVARIANT(tended->idle_count < ARRAY_LEN(tended->idle));
	tended->idle[tended->idle_count++] = (struct store_idle){
		.side = side,
		.what = what,
		.kept_bytes = seen->kept_bytes,
		.strays = strays,
		.usable = seen->exists && !seen->lost,
	};
}

int pg_tend(struct store *store, int64_t deadline_ms, struct store_tended *ret, struct err *err)
{
	struct store_pg *s = store_pg(store);
	struct store_tended tended = {0};
	struct slot_look seen;
	struct round round;
	int64_t strays, patience_ms;

	if (round_begin(s, deadline_ms, &round, err))
		return -1;
	tended.open = round.open;
	if (slot_look(s, round.open, s->link[round.open], deadline_ms, &seen, err))
		return -1;
	tended.follows = seen.exists && !seen.lost && seen.active;
	tended.log_end = seen.end;
	tended.log_confirmed = seen.confirmed;
	patience_ms = env_now_ms(store->env) + TEND_LINK_MS;
	if (bring_link_forward(
		    &round, patience_ms < deadline_ms ? patience_ms : deadline_ms, &seen, err))
		return -1;
	note_idle(&tended, shut_of(&round), "way back", &seen, 0);
	for (int side = 0; side < SIDE_COUNT; side++) {
		patience_ms = patience_until(&round, INT64_MAX);
		if (bring_audit_forward(&round, (enum side)side, patience_ms, &seen, &strays, err))
			return -1;
		note_idle(&tended, (enum side)side, "audit", &seen, strays);
	}
	*ret = tended;
	return 0;
}
