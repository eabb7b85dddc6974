/*
 * measure.h - how much a store holds and how busy it is, how often each kind of session asks it,
 * and how far apart its sides are: the measurements behind plan/gravity.h.
 *
 * Rates are differences of the server's own counters.  Those are up to a second late, so a watch
 * below a few seconds says little.
 *
 * Calls are statements, out of looks at each session's newest one: counted where a session's
 * statements are rarer than the looks; where nearly every look finds another one, estimated from
 * how old the newest is.  That is too little where sessions wait for a processor (they do so while
 * we look), and never less than the transactions that the server counted.
 *
 * A session that comes through a gateway is the client's whom the gateway's accounts tell of
 * (writers_behind.h).  While the gateway cannot be asked nobody's address is known: anybody may be
 * it, also from another host.
 *
 * Reads only.  Thread: the store's.
 */
#ifndef AIRLOCK_DISCOVER_MEASURE_H
#define AIRLOCK_DISCOVER_MEASURE_H

#include "discover/writers.h"
#include "plan/gravity.h"
#include "port/route.h"
#include "store/postgres/driver.h"

struct measure_counters {
	int64_t at_us; /* env_now_us */
	int64_t bytes, rows_written, xacts;
};

int measure_counters(struct store_pg *store, enum side side, int64_t deadline_ms,
	struct measure_counters *ret, struct err *err) MUST_CHECK;
/* Fills bytes, rates and watched_ms.  `own_xacts`: how many transactions of ours lie between. */
void measure_rates(const struct measure_counters *first, const struct measure_counters *last,
	int64_t own_xacts, struct gravity_store *ret);

/* One kind of session, as struct writer names it. */
struct measure_caller {
	char user[64], application[64], address[64];
	bool untold; /* the address may be the gateway's */
	int64_t sessions;
	double calls_s;
	double estimated_s; /* of them */
};

struct measure_callers {
	struct measure_caller *rows; /* owned */
	size_t count, room;
	bool blind;			/* the server hides what some sessions do */
	struct writers_gateway gateway; /* route "" = there is none */
	int64_t looks, cost_us;
};

#define MEASURE_CALLERS_AUTO __attribute__((cleanup(measure_callers_fini))) struct measure_callers
void measure_callers_fini(struct measure_callers *c);

/* Looks every `pause_ms` for `watch_ms`.  Airlock's own roles are left out.  route: what carries
 * the store's clients, or NULL; that a gateway did not answer is no failure, `ret` says so. */
int measure_calls(struct store_pg *store, struct route *route, enum side side, int64_t watch_ms,
	int64_t pause_ms, int64_t deadline_ms, struct measure_callers *ret,
	struct err *err) MUST_CHECK;

/* A transaction is one call at least: raises what was estimated until the sum reaches `xacts_s`
 * (GRAVITY_UNKNOWN: leaves it). */
void measure_calls_raise(struct measure_callers *c, double xacts_s);

/* Milliseconds; GRAVITY_UNKNOWN where a side does not answer. */
struct measure_distance {
	double here[SIDE_COUNT]; /* one round trip from here, the median of several */
	/* From the open side to the other and back, by what the running link reports: an upper
	 * bound.  Unknown while nothing is replicated. */
	double link;
};

void measure_distance(
	struct store_pg *store, enum side open, int64_t deadline_ms, struct measure_distance *ret);
/* What a request between the sides takes longer, at most and at least: no longer than by way of
 * here, no shorter than the difference.  GRAVITY_UNKNOWN when a side did not answer. */
double measure_added_at_most(const struct measure_distance *d);
double measure_added_at_least(const struct measure_distance *d);

#endif
