/*
 * window.h - the time in which stores are to move, and what happens by itself within it.
 */
#ifndef AIRLOCK_DISCOVER_WINDOW_H
#define AIRLOCK_DISCOVER_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "discover/schedule.h"

#define WINDOW_DEFAULT_S (2 * 3600) /* from now on, when the operator names none */
#define WINDOW_MAX_S (31 * 86400)
#define RUNS_MAX 5 /* times that are told of one job */

/* From from_s on, until before to_s; wall clock, seconds. */
struct window {
	int64_t from_s, to_s;
	bool given; /* by the operator */
};

/* What a job does in a window. */
struct runs {
	enum { RUNS_NO_JOB, RUNS_NONE, RUNS_SOME, RUNS_UNKNOWN } state;
	int64_t at_s[RUNS_MAX]; /* RUNS_SOME: the first of them */
	int count;
	bool more;    /* and further ones */
	char why[96]; /* RUNS_UNKNOWN */
};

/*
 * "FROM/TO": each "now", "2026-11-26 01:00", "2026-11-26T01:00:00Z" (without Z by the local clock)
 * or "01:00", the next time that it is so; TO may be how long it takes ("90m").  ERR_USAGE says
 * what is wrong with it.
 */
int window_read(const char *text, int64_t now_s, struct window *ret, struct err *err) MUST_CHECK;
struct window window_from_now(int64_t now_s);

/* Adds the runs of a schedule; each may come up to `late_s` later than it says. */
void runs_add(struct runs *r, const struct window *w, const struct schedule *s, int64_t late_s);
/* Adds one run; outside the window it only says that there is a job. */
void runs_add_one(struct runs *r, const struct window *w, int64_t at_s);
/* Unless runs are known, they are not for this reason. */
void runs_unknown(struct runs *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "runs", "no", "unknown"; NULL where there is no job. */
const char *runs_word(const struct runs *r);

#endif
