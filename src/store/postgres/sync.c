#include "store/postgres/sync.h"

#include "base/buf.h"
#include "base/check.h"
#include "store/postgres/early.h"
#include "store/postgres/look.h"

#define SYNC_PAUSE_US 200000

struct sync_run {
	struct store_pg *s;
	const struct sync_options *options;
	struct sync_progress progress;
	int64_t moved_ms;   /* when the copy last made progress */
	int64_t copied_sum; /* rows and ready tables at that moment */
};

static int64_t deadline(const struct sync_run *run)
{
	return env_now_ms(run->s->store.env) + run->options->step_ms;
}

static void tell(struct sync_run *run, const char *step)
{
	run->progress.step = step;
	if (run->options->progress)
		run->options->progress(run->options->arg, &run->progress);
}

static int refuse_moved(struct sync_run *run, struct err *err)
{
	struct door old, new;

	if (arbiter_read(&run->s->store, SIDE_OLD, deadline(run), &old, err) ||
		arbiter_read(&run->s->store, SIDE_NEW, deadline(run), &new, err))
		return -1;
	if ((old.reg.state == REG_ABSENT || old.reg.state == REG_ACTIVE) &&
		(new.reg.state == REG_ABSENT || new.reg.state == REG_STANDBY))
		return 0;
	return err_set(err, ERR_REFUSED,
		"old is %s and new is %s: sync is for a store whose old side is primary",
		reg_state_name(old.reg.state), reg_state_name(new.reg.state));
}

static int enroll(struct sync_run *run, enum side side, bool open, struct err *err)
{
	struct store_pg *s = run->s;
	const char *params[] = {s->plan->name, s->plan_store->name, side_name(side),
		s->side[side].dbname, open ? "true" : "false", s->plan->hash, s->who};
	struct pg *pg;

	if (pg_control(s, side, deadline(run), &pg, err) ||
		pg_exec(pg, deadline(run), "SELECT airlock.enroll($1, $2, $3, $4, $5, $6, $7)", 7,
			params, NULL, err))
		return err_wrap(err, "register of %s", side_name(side));
	return pg_data_exec(s, side, deadline(run),
		"INSERT INTO airlock.guard (plan, store, frozen) VALUES ($1, $2, true)"
		" ON CONFLICT (plan, store) DO UPDATE SET frozen = true",
		0, NULL, NULL, err);
}

/* Exactly as at a seal: the register and admission in one transaction, then end, then prove. */
static int shut_new(struct sync_run *run, struct err *err)
{
	struct store_call call = {.src = SIDE_NEW, .attempt = 0, .deadline_ms = deadline(run)};
	PG_ROWS_AUTO readers = PG_ROWS_INIT;
	struct door new;

	tell(run, "shutting new: nobody but replication may write there");
	if (enroll(run, SIDE_NEW, false, err) ||
		arbiter_read(&run->s->store, SIDE_NEW, deadline(run), &new, err))
		return -1;
	if (new.reg.open)
		return err_set(
			err, ERR_REFUSED, "new was shut, and a client role may still connect");
	if (new.reg.attempt > 0)
		return 0; /* it has been through attempts: proven shut by them */
	if (early_seen(run->s, deadline(run), &readers, err))
		return -1;
	if (readers.rows > 0)
		return 0; /* they were let in after this proof, and nobody else was */
	return pg_end_sessions(&run->s->store, &call, err);
}

static int look_at_copy(struct sync_run *run, struct err *err)
{
	struct store_pg *s = run->s;
	struct tables_look tables;
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;
	int64_t sum;

	if (tables_look(s, SIDE_OLD, deadline(run), &tables, err) ||
		pg_data(s, SIDE_NEW, deadline(run), &pg, err) ||
		pg_exec(pg, deadline(run),
			"SELECT min(relid::regclass::text), coalesce(sum(tuples_processed), "
			"0)::bigint"
			" FROM pg_stat_progress_copy WHERE datname = current_database()",
			0, NULL, &rows, err))
		return -1;
	run->progress.tables_total = (size_t)tables.total;
	run->progress.tables_ready = (size_t)tables.ready;
	run->progress.rows_done = pg_int(&rows, 0, 1);
	run->progress.table = pg_is_null(&rows, 0, 0) ? NULL : pg_text(&rows, 0, 0);
	tell(run, "copying");
	run->progress.table = NULL;
	sum = run->progress.rows_done + (int64_t)run->progress.tables_ready * 1000000000;
	if (sum != run->copied_sum) {
		run->copied_sum = sum;
		run->moved_ms = env_now_ms(s->store.env);
	}
	return 0;
}

static int wait_copy(struct sync_run *run, struct err *err)
{
	run->moved_ms = env_now_ms(run->s->store.env);
	for (;;) {
		if (look_at_copy(run, err))
			return -1;
		if (run->progress.tables_total > 0 &&
			run->progress.tables_ready == run->progress.tables_total)
			return 0;
		if (env_now_ms(run->s->store.env) - run->moved_ms > run->options->copy_stalled_ms)
			return err_set(err, ERR_TIMEOUT,
				"the copy has made no progress for %lld s, %zu of %zu tables are "
				"ready: the log of new says why; `airlock sync` goes on",
				(long long)run->options->copy_stalled_ms / 1000,
				run->progress.tables_ready, run->progress.tables_total);
		env_pause(run->s->store.env, SYNC_PAUSE_US);
	}
}

static int wait_lag(struct sync_run *run, struct err *err)
{
	struct store_pg *s = run->s;
	int64_t until_ms = deadline(run);

	for (;;) {
		struct slot_look slot;

		if (slot_look(s, SIDE_OLD, s->link[SIDE_OLD], deadline(run), &slot, err))
			return -1;
		if (!slot.exists)
			return err_set(err, ERR_REFUSED, "slot %s is gone", s->link[SIDE_OLD]);
		run->progress.lag_bytes = slot.unsent_bytes;
		tell(run, "catching up");
		if (run->progress.lag_bytes <= s->plan->budgets.lag_bytes)
			return 0;
		if (env_now_ms(s->store.env) >= until_ms)
			return err_set(err, ERR_TIMEOUT, "new is still %lld bytes behind",
				(long long)run->progress.lag_bytes);
		env_pause(s->store.env, SYNC_PAUSE_US);
	}
}

/* The way back is created idle, and only after the copy, so that it keeps none of its log. */
static int create_way_back(struct sync_run *run, struct err *err)
{
	struct store_pg *s = run->s;
	struct env *env = s->store.env;

	tell(run, "preparing the way back and the audit");
	if (ENV_STEP(env, "sync-wayback-slot",
		    links_create_slot(
			    s, SIDE_NEW, s->link[SIDE_NEW], "pgoutput", deadline(run), err)) ||
		ENV_STEP(env, "sync-wayback",
			links_subscribe(s, SIDE_NEW, false, deadline(run), err)))
		return -1;
	for (int side = 0; side < SIDE_COUNT; side++)
		if (ENV_STEP(env, "sync-audit",
			    links_create_slot(s, (enum side)side, s->audit[side], "test_decoding",
				    deadline(run), err)))
			return -1;
	return 0;
}

int store_pg_sync(struct store_pg *s, const struct sync_options *options, struct err *err)
{
	struct sync_run run = {.s = s, .options = options, .progress = {.lag_bytes = -1}};
	struct env *env = s->store.env;

	REQUIRE(options->step_ms > 0);
	/* Whatever can refuse comes before the first change. */
	if (refuse_moved(&run, err) || links_check_tables(s, deadline(&run), err) ||
		early_refuse(s, deadline(&run), err))
		return -1;
	tell(&run, "registers and schema freeze");
	if (ENV_STEP(env, "sync-enroll", enroll(&run, SIDE_OLD, true, err)) ||
		ENV_STEP(env, "sync-shut", shut_new(&run, err)))
		return -1;
	tell(&run, "publications");
	if (ENV_STEP(env, "sync-publish", links_publish(s, deadline(&run), err)))
		return -1;
	tell(&run, "creating the slot (waits for open transactions on old)");
	if (ENV_STEP(env, "sync-slot",
		    links_create_slot(
			    s, SIDE_OLD, s->link[SIDE_OLD], "pgoutput", deadline(&run), err)) ||
		ENV_STEP(env, "sync-subscribe",
			links_subscribe(s, SIDE_OLD, true, deadline(&run), err)) ||
		wait_copy(&run, err) || create_way_back(&run, err) || wait_lag(&run, err) ||
		ENV_STEP(env, "sync-early", early_admit(s, deadline(&run), err)))
		return -1;
	tell(&run, "in sync");
	return 0;
}

static bool is_at_rest(const struct door *door)
{
	return door->guard.phase == GUARD_IDLE || door->guard.phase == GUARD_ABORTED ||
	       door->guard.phase == GUARD_TURNED || door->guard.phase == GUARD_PROMOTE;
}

/* Guard and register of both sides; refuses while anything is under way. */
static int read_settled(
	struct store_pg *s, int64_t deadline_ms, struct door door[SIDE_COUNT], struct err *err)
{
	for (int side = 0; side < SIDE_COUNT; side++) {
		if (arbiter_read(&s->store, (enum side)side, deadline_ms, &door[side], err))
			return -1;
		if (door[side].reg.state == REG_SEALED || door[side].reg.state == REG_COMMITTING ||
			!is_at_rest(&door[side]))
			return err_set(err, ERR_REFUSED,
				"an attempt is under way: `airlock resume` first");
	}
	return 0;
}

static int forget(struct store_pg *s, enum side side, int64_t deadline_ms, struct err *err)
{
	const char *params[] = {s->plan->name, s->plan_store->name, side_name(side)};
	struct pg *pg;

	if (pg_data_exec(s, side, deadline_ms,
		    "DELETE FROM airlock.guard WHERE plan = $1 AND store = $2", 0, NULL, NULL,
		    err) ||
		pg_data(s, side, deadline_ms, &pg, err) ||
		pg_exec(pg, deadline_ms, "DELETE FROM airlock.marker", 0, NULL, NULL, err) ||
		pg_control(s, side, deadline_ms, &pg, err))
		return -1;
	return pg_exec(pg, deadline_ms, "SELECT airlock.forget($1, $2, $3)", 3, params, NULL, err);
}

int store_pg_abandon(struct store_pg *s, int64_t deadline_ms, struct err *err)
{
	struct door door[SIDE_COUNT];

	if (read_settled(s, deadline_ms, door, err))
		return -1;
	if (door[SIDE_NEW].reg.state == REG_ACTIVE || door[SIDE_OLD].reg.state == REG_STANDBY)
		return err_set(err, ERR_REFUSED,
			"new is primary: `airlock rollback` first, or `airlock finalize`");
	/* Links and slots first: new must not be opened while old still writes into it. */
	if (links_drop(s, deadline_ms, err) || early_give_back(s, deadline_ms, err) ||
		ENV_STEP(s->store.env, "forget-new", forget(s, SIDE_NEW, deadline_ms, err)))
		return -1;
	return ENV_STEP(s->store.env, "forget-old", forget(s, SIDE_OLD, deadline_ms, err));
}

static int finalize_side(struct store_pg *s, enum side side, int64_t deadline_ms, struct err *err)
{
	const char *params[] = {s->plan->name, s->plan_store->name, side_name(side), s->who};
	struct pg *pg;

	if (pg_control(s, side, deadline_ms, &pg, err))
		return -1;
	return pg_exec(
		pg, deadline_ms, "SELECT airlock.finalize($1, $2, $3, $4)", 4, params, NULL, err);
}

static int unfreeze(struct store_pg *s, enum side side, int64_t deadline_ms, struct err *err)
{
	return pg_data_exec(s, side, deadline_ms,
		"UPDATE airlock.guard SET frozen = false WHERE plan = $1 AND store = $2", 0, NULL,
		NULL, err);
}

int pg_finalize(struct store *store, const struct store_call *call, struct err *err)
{
	struct store_pg *s = store_pg(store);
	struct door door[SIDE_COUNT];

	/* Whoever reads the side that is given up would read it growing old. */
	if (read_settled(s, call->deadline_ms, door, err) ||
		early_dismiss(s, call->deadline_ms, err) ||
		early_give_back(s, call->deadline_ms, err))
		return -1;
	/* The registers first: no attempt begins from a finalized one, so nobody can be half way
	 * when the links go.  The shut side keeps its saved admission and stays shut. */
	for (int side = 0; side < SIDE_COUNT; side++)
		if (ENV_STEP(store->env, side == SIDE_OLD ? "finalize-old" : "finalize-new",
			    finalize_side(s, (enum side)side, call->deadline_ms, err)))
			return -1;
	if (links_drop(s, call->deadline_ms, err))
		return -1;
	for (int side = 0; side < SIDE_COUNT; side++)
		if (ENV_STEP(store->env, side == SIDE_OLD ? "unfreeze-old" : "unfreeze-new",
			    unfreeze(s, (enum side)side, call->deadline_ms, err)))
			return -1;
	return 0;
}
