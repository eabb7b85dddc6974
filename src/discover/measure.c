#include "discover/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/grow.h"
#include "discover/writers_behind.h"

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
	" greatest(0, (extract(epoch FROM clock_timestamp() - query_start) * 1000000)::bigint),"
	" coalesce((extract(epoch FROM backend_start) * 1000000)::bigint, 0),"
	" greatest(0, coalesce(client_port, 0))"
	" FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'"
	"  AND pid <> pg_backend_pid() AND usename NOT IN"
	"   ('airlock', 'airlock_repl', 'airlock_probe', 'airlock_probe_owner', 'airlock_gateway')"
	" ORDER BY pid";

enum { PID, USER, APPLICATION, ADDRESS, STARTED_US, AGE_US, BEGIN_US, PORT };

/* One session of the server. */
struct backend {
	int64_t pid, begin_us;
	char user[64], address[64]; /* the client's own, once the gateway has told it */
	unsigned port;
	bool told;
};

/* One session under one name, over all looks. */
struct asking {
	size_t backend;
	char application[64];
	int64_t started_us, looks, changes;
	double age_us; /* summed up, of the looks that found another statement */
};

struct sampling {
	struct behind behind;
	int64_t asked_us; /* how long the gateway was asked, and nobody looked */
	struct backend *backends;
	size_t backends_count, backends_room;
	struct asking *rows;
	size_t count, room;
};

static void sampling_fini(struct sampling *s)
{
	behind_fini(&s->behind);
	free(s->backends);
	free(s->rows);
}

static size_t backend_at(struct sampling *s, const struct pg_rows *rows, size_t i)
{
	int64_t pid = pg_int(rows, i, PID), begin_us = pg_int(rows, i, BEGIN_US);
	struct backend *made;

	for (size_t b = 0; b < s->backends_count; b++)
		if (s->backends[b].pid == pid && s->backends[b].begin_us == begin_us)
			return b;
	s->backends = grow(s->backends, s->backends_count, &s->backends_room, sizeof *s->backends);
	made = &s->backends[s->backends_count];
	*made = (struct backend){
		.pid = pid, .begin_us = begin_us, .port = (unsigned)pg_int(rows, i, PORT)};
	snprintf(made->user, sizeof made->user, "%s", pg_text(rows, i, USER));
	snprintf(made->address, sizeof made->address, "%s", pg_text(rows, i, ADDRESS));
	return s->backends_count++;
}

static struct asking *asking_at(struct sampling *s, size_t backend, const char *application)
{
	struct asking wanted = {.backend = backend};

	snprintf(wanted.application, sizeof wanted.application, "%s", application);
	for (size_t i = 0; i < s->count; i++)
		if (s->rows[i].backend == backend &&
			strcmp(s->rows[i].application, wanted.application) == 0)
			return &s->rows[i];
	s->rows = grow(s->rows, s->count, &s->room, sizeof *s->rows);
	s->rows[s->count] = wanted;
	return &s->rows[s->count++];
}

static struct behind_session session_of(const struct backend *b)
{
	return (struct behind_session){b->pid, b->user, b->address, b->port};
}

/* By the accounts that were read last, of the backends from `first` on. */
static void tell_clients(struct sampling *s, size_t first)
{
	for (size_t i = first; i < s->backends_count; i++) {
		struct backend *b = &s->backends[i];
		const struct behind_session session = session_of(b);
		const struct route_account *client =
			b->told ? NULL : behind_find(&s->behind, &session);

		if (client == NULL)
			continue;
		snprintf(b->address, sizeof b->address, "%s", client->address);
		b->told = true;
	}
}

/* Of those that no look has found before. */
static void meet_clients(struct sampling *s, size_t first)
{
	int64_t begun_us = clock_now_us();
	bool asked = false;

	for (size_t i = first; i < s->backends_count; i++) {
		const struct behind_session session = session_of(&s->backends[i]);

		behind_meet(&s->behind, &session, &asked);
	}
	tell_clients(s, first);
	s->asked_us += clock_now_us() - begun_us;
}

static void take_look(struct sampling *s, struct measure_callers *c, const struct pg_rows *rows)
{
	size_t known = s->backends_count;

	for (size_t i = 0; i < rows->rows; i++) {
		struct asking *a =
			asking_at(s, backend_at(s, rows, i), pg_text(rows, i, APPLICATION));
		int64_t started_us;

		if (pg_is_null(rows, i, STARTED_US)) {
			c->blind = true;
			continue;
		}
		started_us = pg_int(rows, i, STARTED_US);
		/* The first look finds a statement of nobody knows when. */
		if (a->looks++ > 0 && started_us != a->started_us) {
			a->changes++;
			a->age_us += (double)pg_int(rows, i, AGE_US);
		}
		a->started_us = started_us;
	}
	meet_clients(s, known);
}

/* A session that nearly every look finds at another statement asks faster than we look. */
static bool is_saturated(const struct asking *a)
{
	return a->looks > 4 && a->changes * 4 > (a->looks - 1) * 3;
}

static struct measure_caller *caller_at(
	struct measure_callers *c, const struct backend *b, const char *application, bool untold)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->rows[i].untold == untold && strcmp(c->rows[i].user, b->user) == 0 &&
			strcmp(c->rows[i].application, application) == 0 &&
			strcmp(c->rows[i].address, b->address) == 0)
			return &c->rows[i];
	c->rows = grow(c->rows, c->count, &c->room, sizeof *c->rows);
	c->rows[c->count] = (struct measure_caller){.untold = untold};
	snprintf(c->rows[c->count].user, sizeof c->rows->user, "%s", b->user);
	snprintf(c->rows[c->count].application, sizeof c->rows->application, "%s", application);
	snprintf(c->rows[c->count].address, sizeof c->rows->address, "%s", b->address);
	return &c->rows[c->count++];
}

static void sum_up(const struct sampling *s, struct measure_callers *c, double seconds)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct asking *a = &s->rows[i];
		const struct backend *b = &s->backends[a->backend];
		struct measure_caller *caller =
			caller_at(c, b, a->application, s->behind.silent && !b->told);
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

static int look(struct sampling *s, struct store_pg *store, enum side side, int64_t deadline_ms,
	struct measure_callers *ret, struct err *err)
{
	const char *params[] = {store->side[side].dbname};
	int64_t asked_us = env_now_us(store->store.env);
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_control(store, side, deadline_ms, &pg, err) ||
		pg_exec_kept(pg, deadline_ms, statements_sql, 1, params, &rows, err))
		return -1;
	ret->looks++;
	ret->cost_us += env_now_us(store->store.env) - asked_us;
	take_look(s, ret, &rows);
	return 0;
}

/* Of the time that it took, how many seconds somebody looked. */
static double looked_s(const struct sampling *s, int64_t took_us)
{
	return fmax((double)(took_us - s->asked_us) / 1e6, 1e-3);
}

int measure_calls(struct store_pg *store, struct route *route, enum side side, int64_t watch_ms,
	int64_t pause_ms, int64_t deadline_ms, struct measure_callers *ret, struct err *err)
{
	const char *name = store->plan_store->name;
	struct env *env = store->store.env;
	WRITERS_AUTO accounts = {0}; /* what is noted of the gateway */
	struct sampling sampling = {
		.behind = behind_init(route, &accounts, name, side, deadline_ms)};
	const struct writers_gateway *gateway;
	int64_t began_us;
	int rc;

	/* Before the looks, for waiting in vain would take from their time. */
	behind_ask(&sampling.behind, true);
	began_us = env_now_us(env);
	while ((rc = look(&sampling, store, side, deadline_ms, ret, err)) == 0) {
		if (env_now_us(env) - began_us + pause_ms * 1000 > watch_ms * 1000)
			break;
		env_pause(env, pause_ms * 1000);
	}
	if (rc == 0) {
		double seconds = looked_s(&sampling, env_now_us(env) - began_us);

		/* Whom the gateway did not know in the moment in which it was seen. */
		behind_ask(&sampling.behind, true);
		tell_clients(&sampling, 0);
		sum_up(&sampling, ret, seconds);
	}
	gateway = writers_gateway_of(&accounts, name);
	if (gateway != NULL)
		ret->gateway = *gateway;
	sampling_fini(&sampling);
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
