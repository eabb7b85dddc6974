#include "discover/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/grow.h"

#define ROUND_TRIPS 9
#define LAG_LOOKS 10
#define LAG_PAUSE_US 20000

/* ---- a store --------------------------------------------------------------------------------- */

/* From the control database, so that asking does not count. */
static const char counters_sql[] =
	"SELECT pg_database_size(datid), tup_inserted + tup_updated + tup_deleted,"
	" xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1";

int measure_counters(struct store_pg *store, enum side side, int64_t deadline_ms,
	struct measure_counters *ret, struct err *err)
{
	const char *params[] = {store->side[side].dbname};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_control(store, side, deadline_ms, &pg, err) ||
		pg_exec_kept(pg, deadline_ms, counters_sql, 1, params, &rows, err))
		return err_wrap(err, "the size of %s", store->plan_store->name);
	if (rows.rows == 0)
		return err_set(err, ERR_REFUSED, "%s has no database %s", side_name(side),
			store->side[side].dbname);
	*ret = (struct measure_counters){.at_us = env_now_us(store->store.env),
		.bytes = pg_int(&rows, 0, 0),
		.rows_written = pg_int(&rows, 0, 1),
		.xacts = pg_int(&rows, 0, 2)};
	return 0;
}

/* Counters begin anew when somebody resets them, or the server crashed. */
static double rate(int64_t first, int64_t last, int64_t own, double seconds)
{
	if (last < first || seconds <= 0)
		return GRAVITY_UNKNOWN;
	return last - first > own ? (double)(last - first - own) / seconds : 0;
}

void measure_rates(const struct measure_counters *first, const struct measure_counters *last,
	int64_t own_xacts, struct gravity_store *ret)
{
	double seconds = (double)(last->at_us - first->at_us) / 1e6;

	ret->bytes = last->bytes;
	ret->watched_ms = (last->at_us - first->at_us) / 1000;
	ret->rows_written_s = rate(first->rows_written, last->rows_written, 0, seconds);
	ret->xacts_s = rate(first->xacts, last->xacts, own_xacts, seconds);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static const char statements_sql[] =
	"SELECT pid, usename, coalesce(application_name, ''), coalesce(host(client_addr), 'local'),"
	" (extract(epoch FROM query_start) * 1000000)::bigint,"
	" greatest(0, (extract(epoch FROM clock_timestamp() - query_start) * 1000000)::bigint)"
	" FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'"
	"  AND pid <> pg_backend_pid() AND usename NOT IN"
	"   ('airlock', 'airlock_repl', 'airlock_probe', 'airlock_probe_owner', 'airlock_gateway')"
	" ORDER BY pid";

/* One session, over all looks. */
struct asking {
	int64_t pid, started_us;
	size_t caller;
	int64_t looks, changes;
	double age_us; /* summed up, of the looks that found another statement */
};

struct sampling {
	struct asking *rows;
	size_t count, room;
};

static size_t caller_at(
	struct measure_callers *c, const char *user, const char *application, const char *address)
{
	struct measure_caller wanted = {.sessions = 0};

	snprintf(wanted.user, sizeof wanted.user, "%s", user);
	snprintf(wanted.application, sizeof wanted.application, "%s", application);
	snprintf(wanted.address, sizeof wanted.address, "%s", address);
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->rows[i].user, wanted.user) == 0 &&
			strcmp(c->rows[i].application, wanted.application) == 0 &&
			strcmp(c->rows[i].address, wanted.address) == 0)
			return i;
	c->rows = grow(c->rows, c->count, &c->room, sizeof *c->rows);
	c->rows[c->count] = wanted;
	return c->count++;
}

static struct asking *asking_at(struct sampling *s, int64_t pid, size_t caller)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->rows[i].pid == pid && s->rows[i].caller == caller)
			return &s->rows[i];
	s->rows = grow(s->rows, s->count, &s->room, sizeof *s->rows);
	s->rows[s->count] = (struct asking){.pid = pid, .caller = caller};
	return &s->rows[s->count++];
}

static void take_look(struct sampling *s, struct measure_callers *c, const struct pg_rows *rows)
{
	for (size_t i = 0; i < rows->rows; i++) {
		size_t caller =
			caller_at(c, pg_text(rows, i, 1), pg_text(rows, i, 2), pg_text(rows, i, 3));
		struct asking *a = asking_at(s, pg_int(rows, i, 0), caller);
		int64_t started_us;

		if (pg_is_null(rows, i, 4)) {
			c->blind = true;
			continue;
		}
		started_us = pg_int(rows, i, 4);
		/* The first look finds a statement of nobody knows when. */
		if (a->looks++ > 0 && started_us != a->started_us) {
			a->changes++;
			a->age_us += (double)pg_int(rows, i, 5);
		}
		a->started_us = started_us;
	}
}

/* A session that nearly every look finds at another statement asks faster than we look. */
static bool is_saturated(const struct asking *a)
{
	return a->looks > 4 && a->changes * 4 > (a->looks - 1) * 3;
}

static void sum_up(const struct sampling *s, struct measure_callers *c, double seconds)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct asking *a = &s->rows[i];
		struct measure_caller *caller = &c->rows[a->caller];
		double calls_s = (double)a->changes / seconds;

		if (is_saturated(a)) {
			calls_s = fmax(calls_s, (double)a->changes * 1e6 / fmax(a->age_us, 1));
			caller->estimated_s += calls_s;
		}
		caller->sessions++;
		caller->calls_s += calls_s;
	}
}

void measure_calls_raise(struct measure_callers *c, double xacts_s)
{
	double calls_s = 0, estimated_s = 0, factor;

	for (size_t i = 0; i < c->count; i++) {
		calls_s += c->rows[i].calls_s;
		estimated_s += c->rows[i].estimated_s;
	}
	if (xacts_s <= calls_s || estimated_s <= 0)
		return;
	factor = (xacts_s - (calls_s - estimated_s)) / estimated_s;
	for (size_t i = 0; i < c->count; i++) {
		struct measure_caller *row = &c->rows[i];

		row->calls_s += row->estimated_s * (factor - 1);
		row->estimated_s *= factor;
	}
}

int measure_calls(struct store_pg *store, enum side side, int64_t watch_ms, int64_t pause_ms,
	int64_t deadline_ms, struct measure_callers *ret, struct err *err)
{
	const char *params[] = {store->side[side].dbname};
	struct env *env = store->store.env;
	int64_t began_us = env_now_us(env);
	struct sampling sampling = {.count = 0};
	int rc = 0;

	while (rc == 0) {
		int64_t asked_us = env_now_us(env);
		PG_ROWS_AUTO rows = PG_ROWS_INIT;
		struct pg *pg;

		rc = pg_control(store, side, deadline_ms, &pg, err) ||
				     pg_exec_kept(
					     pg, deadline_ms, statements_sql, 1, params, &rows, err)
			     ? -1
			     : 0;
		if (rc)
			break;
		ret->looks++;
		ret->cost_us += env_now_us(env) - asked_us;
		take_look(&sampling, ret, &rows);
		if (env_now_us(env) - began_us + pause_ms * 1000 > watch_ms * 1000)
			break;
		env_pause(env, pause_ms * 1000);
	}
	if (rc == 0)
		sum_up(&sampling, ret, fmax((double)(env_now_us(env) - began_us) / 1e6, 1e-3));
	free(sampling.rows);
	return rc ? err_wrap(err, "the statements of %s", side_name(side)) : 0;
}

void measure_callers_fini(struct measure_callers *c)
{
	free(c->rows);
	*c = (struct measure_callers){.count = 0};
}

/* ---- distance -------------------------------------------------------------------------------- */

static int compare_us(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, two = *(const int64_t *)b;

	return one < two ? -1 : one > two;
}

static double round_trip_ms(struct store_pg *store, enum side side, int64_t deadline_ms)
{
	struct env *env = store->store.env;
	struct err err = ERR_INIT;
	int64_t took_us[ROUND_TRIPS];
	struct pg *pg;

	if (pg_control(store, side, deadline_ms, &pg, &err))
		return GRAVITY_UNKNOWN;
	for (size_t i = 0; i < ROUND_TRIPS; i++) {
		int64_t began_us = env_now_us(env);

		if (pg_exec_kept(pg, deadline_ms, "SELECT 1", 0, NULL, NULL, &err))
			return GRAVITY_UNKNOWN;
		took_us[i] = env_now_us(env) - began_us;
	}
	qsort(took_us, ROUND_TRIPS, sizeof took_us[0], compare_us);
	return (double)took_us[ROUND_TRIPS / 2] / 1000;
}

/* The server measures how long the subscriber takes to say that it has written: a round trip, and
 * some work. */
static double link_ms(struct store_pg *store, enum side open, int64_t deadline_ms)
{
	const char *params[] = {store->link[open]};
	double least = GRAVITY_UNKNOWN;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < LAG_LOOKS; i++) {
		PG_ROWS_AUTO rows = PG_ROWS_INIT;
		struct pg *pg;

		if (pg_control(store, open, deadline_ms, &pg, &err) ||
			pg_exec_kept(pg, deadline_ms,
				"SELECT (extract(epoch FROM write_lag) * 1000000)::bigint"
				" FROM pg_stat_replication WHERE application_name = $1",
				1, params, &rows, &err))
			break;
		if (rows.rows > 0 && !pg_is_null(&rows, 0, 0)) {
			double ms = (double)pg_int(&rows, 0, 0) / 1000;

			least = least < 0 || ms < least ? ms : least;
		}
		env_pause(store->store.env, LAG_PAUSE_US);
	}
	return least;
}

void measure_distance(
	struct store_pg *store, enum side open, int64_t deadline_ms, struct measure_distance *ret)
{
	for (int side = 0; side < SIDE_COUNT; side++)
		ret->here[side] = round_trip_ms(store, (enum side)side, deadline_ms);
	ret->link = link_ms(store, open, deadline_ms);
}

static bool is_known(const struct measure_distance *d)
{
	return d->here[SIDE_OLD] >= 0 && d->here[SIDE_NEW] >= 0;
}

double measure_added_at_most(const struct measure_distance *d)
{
	double by_here = d->here[SIDE_OLD] + d->here[SIDE_NEW];

	if (!is_known(d))
		return d->link >= 0 ? d->link : GRAVITY_UNKNOWN;
	return d->link >= 0 ? fmin(d->link, by_here) : by_here;
}

double measure_added_at_least(const struct measure_distance *d)
{
	return is_known(d) ? fabs(d->here[SIDE_OLD] - d->here[SIDE_NEW]) : GRAVITY_UNKNOWN;
}
