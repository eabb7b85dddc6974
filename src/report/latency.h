/*
 * latency.h - what clients measured around the windows, from a file of theirs.
 *
 * The file is CSV with the header `at,ms,outcome`; one line per request: when it was answered (Unix
 * time in seconds, with a fraction), how long the client had waited for the answer by then, in
 * milliseconds, and `ok` or `error`.  In any order.  Clocks of client and controller hosts are
 * taken to agree.
 */
#ifndef AIRLOCK_REPORT_LATENCY_H
#define AIRLOCK_REPORT_LATENCY_H

#include "report/attempts.h"

#define LATENCY_BUCKETS 96

struct latency_bucket {
	int64_t count, errors;
	double median_ms, max_ms; /* only with count > 0 */
};

/* Around one window. */
struct latency_view {
	const struct attempt *attempt;
	int64_t from_ms, to_ms;		      /* what is shown */
	int64_t window_from_ms, window_to_ms; /* wall clock */
	struct latency_bucket buckets[LATENCY_BUCKETS];
	int64_t count, errors;
	double max_ms;
	double before_ms; /* median of what was answered before the window; -1 = nothing was */
	double stall_ms;  /* the longest wait that touched the window; -1 = none did */
};

struct latency {
	bool given;
	int64_t samples;
	struct latency_view *views;
	size_t count;
};

/* ERR_USAGE names the line that is wrong; ERR_IO.  In `arena`. */
int latency_read(const char *path, const struct attempts *attempts, struct arena *arena,
	struct latency *ret, struct err *err) MUST_CHECK;

/* Wall clock of the attempt's window; false when it has none. */
bool attempt_window(const struct attempt *attempt, int64_t *ret_from_ms, int64_t *ret_to_ms);

#endif
