/*
 * test_postgres.c - the conformance suite over two real servers.
 *
 * Wants what tests/it/test_conformance.py makes: two databases with Airlock's roles, tables
 * public.ledger and public.pulse, a plan whose one store they are.  An administrator's connections
 * are opened for one statement each, since a seal ends every session that is not Airlock's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "conformance.h"
#include "env/env_real.h"
#include "plan/plan.h"
#include "store/postgres/sync.h"

#define PATIENCE_MS 20000
#define CATCH_UP_MS 10000
#define CATCH_UP_PAUSE_US 5000

struct bench {
	const char *admin[SIDE_COUNT], *client[SIDE_COUNT]; /* connection strings */
	struct plan *plan;
	struct env *env;
	struct store_pg *first, *second; /* NULL before the first case */
	struct pg *stayer;
	int64_t pulses;
};

static int64_t soon(const struct bench *b)
{
	return env_now_ms(b->env) + PATIENCE_MS;
}

/* The bench itself does not work: no verdict about the store. */
static void demand(int rc, const struct err *err, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s: %s\n", what, err->msg);
	exit(2);
}

/* One statement of the administrator; the first column of its first row as a number, or 0. */
static int64_t ask(struct bench *b, enum side side, const char *dbname, const char *sql)
{
	const struct pg_target target = {.conninfo = b->admin[side], .dbname = dbname};
	struct err err = ERR_INIT;
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	PG_AUTO pg = NULL;

	demand(pg_open(&pg, &target, soon(b), &err), &err, "administrator");
	demand(pg_exec(pg, soon(b), sql, 0, NULL, &rows, &err), &err, sql);
	return rows.rows > 0 && rows.columns > 0 && !pg_is_null(&rows, 0, 0) ? pg_int(&rows, 0, 0)
									     : 0;
}

/* --- the world -------------------------------------------------------------------------------- */

/* Whatever the case before left: links, registers, guards, rows and sequences all begin anew. */
static void clear(struct bench *b)
{
	struct err err = ERR_INIT;

	demand(links_drop(b->first, soon(b), &err), &err, "dropping the links");
	for (int i = 0; i < SIDE_COUNT; i++) {
		enum side side = (enum side)i;

		ask(b, side, CONTROL_DATABASE, "UPDATE airlock.register SET state = 'STANDBY'");
		ask(b, side, CONTROL_DATABASE,
			"SELECT count(airlock.forget(plan, store, side)) FROM airlock.register");
		ask(b, side, NULL, "DELETE FROM airlock.guard");
		ask(b, side, NULL, "DELETE FROM airlock.marker");
		ask(b, side, NULL, "TRUNCATE public.ledger, public.pulse RESTART IDENTITY");
	}
}

static void close_world(struct bench *b)
{
	pg_closep(&b->stayer);
	if (b->first)
		store_free(&b->first->store);
	if (b->second)
		store_free(&b->second->store);
	b->first = b->second = NULL;
}

static void reset(struct conformance_world *w)
{
	const struct sync_options options = {
		.step_ms = PATIENCE_MS, .copy_stalled_ms = PATIENCE_MS};
	struct bench *b = w->arg;
	struct err err = ERR_INIT;

	close_world(b);
	demand(store_pg_new(b->plan, 0, b->env, &b->first, &err), &err, "store");
	demand(store_pg_new(b->plan, 0, b->env, &b->second, &err), &err, "store");
	clear(b);
	demand(store_pg_sync(b->first, &options, &err), &err, "sync");
	w->store = &b->first->store;
	w->other = &b->second->store;
}

static struct pg *log_in(struct bench *b, enum side side)
{
	const struct pg_target target = {.conninfo = b->client[side]};
	struct err err = ERR_INIT;
	struct pg *pg = NULL;

	return pg_open(&pg, &target, soon(b), &err) == 0 ? pg : NULL;
}

static bool write_row(void *arg, enum side side)
{
	struct bench *b = arg;
	struct err err = ERR_INIT;
	PG_AUTO pg = log_in(b, side);

	return pg && pg_exec(pg, soon(b), "INSERT INTO public.ledger DEFAULT VALUES", 0, NULL, NULL,
			     &err) == 0;
}

static long rows(void *arg, enum side side)
{
	return (long)ask(arg, side, NULL, "SELECT count(*) FROM public.ledger");
}

static int64_t sequence(void *arg, enum side side)
{
	return ask(arg, side, NULL, "SELECT last_value FROM public.ledger_id_seq");
}

static int64_t draw(void *arg, enum side side)
{
	return ask(arg, side, NULL, "SELECT nextval('public.ledger_id_seq')");
}

/* Enabled, or not enabled and still at work. */
static bool link_runs(struct bench *b, enum side publisher)
{
	return ask(b, side_other(publisher), NULL,
		       "SELECT count(*) FROM pg_subscription u"
		       " JOIN pg_database d ON d.oid = u.subdbid AND d.datname = current_database()"
		       " LEFT JOIN pg_stat_subscription t ON t.subid = u.oid"
		       " WHERE u.subenabled OR t.pid IS NOT NULL") > 0 ||
	       ask(b, publisher, NULL,
		       "SELECT count(*) FROM pg_replication_slots"
		       " WHERE database = current_database() AND active") > 0;
}

/* A row of the administrator's, behind all that a client has written, is seen on the other side. */
static void send_pulse(struct bench *b, enum side publisher)
{
	const int64_t until_ms = env_now_ms(b->env) + CATCH_UP_MS;
	const int64_t pulse = (b->pulses += 1);
	char insert[80], look[80];

	snprintf(insert, sizeof insert, "INSERT INTO public.pulse VALUES (%lld)", (long long)pulse);
	snprintf(look, sizeof look, "SELECT count(*) FROM public.pulse WHERE n = %lld",
		(long long)pulse);
	ask(b, publisher, NULL, insert);
	while (ask(b, side_other(publisher), NULL, look) == 0 && env_now_ms(b->env) < until_ms)
		env_pause(b->env, CATCH_UP_PAUSE_US);
}

static void catch_up(void *arg)
{
	struct bench *b = arg;

	for (int side = 0; side < SIDE_COUNT; side++)
		if (link_runs(b, (enum side)side))
			send_pulse(b, (enum side)side);
}

static void stay(void *arg, enum side side)
{
	struct bench *b = arg;

	pg_close(b->stayer);
	b->stayer = log_in(b, side);
}

static bool stays(void *arg)
{
	struct bench *b = arg;
	struct err err = ERR_INIT;

	return b->stayer && pg_exec(b->stayer, soon(b), "SELECT 1", 0, NULL, NULL, &err) == 0;
}

int main(int argc, char **argv)
{
	struct bench b = {0};
	struct conformance_world world = {
		.name = "postgresql",
		.arg = &b,
		.patience_ms = PATIENCE_MS,
		.reset = reset,
		.write = write_row,
		.rows = rows,
		.catch_up = catch_up,
		.sequence = sequence,
		.draw = draw,
		.stay = stay,
		.stays = stays,
	};
	struct problems problems;
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	int failed;

	if (argc < 6 || argc > 7) {
		fprintf(stderr, "usage: %s PLAN ADMIN_OLD ADMIN_NEW CLIENT_OLD CLIENT_NEW [CASE]\n",
			argv[0]);
		return 2;
	}
	b.admin[SIDE_OLD] = argv[2];
	b.admin[SIDE_NEW] = argv[3];
	b.client[SIDE_OLD] = argv[4];
	b.client[SIDE_NEW] = argv[5];
	world.only = argv[6]; /* NULL after the last */
	problems_init(&problems, &arena);
	demand(plan_load(argv[1], &b.plan, &problems, &err), &err, argv[1]);
	demand(env_real_new(1, &b.env, &err), &err, "env");
	failed = conformance_run(&world);
	close_world(&b);
	env_real_free(b.env);
	plan_free(b.plan);
	arena_fini(&arena);
	return failed > 0;
}
