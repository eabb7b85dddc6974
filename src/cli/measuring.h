/*
 * measuring.h - what `measure` finds out for the planner: taken (discover/measure.h), kept in the
 * journal (cli/measured.h), told.
 */
#ifndef AIRLOCK_CLI_MEASURING_H
#define AIRLOCK_CLI_MEASURING_H

#include <jansson.h>

#include "cli/cmd.h"
#include "cli/fleet.h"
#include "discover/measure.h"
#include "discover/writers.h"

/* One store: counters before the watch, the rest after it. */
struct measuring {
	size_t store;
	enum side side; /* that is watched */
	struct measure_counters first;
	int64_t looks_before; /* of the writers' watch, which count as transactions */
	struct gravity_store seen;
	struct measure_distance distance;
	struct writers_gateway gateway; /* route "" = there is none; silent when it was once */
	double untold_s;		/* calls of which several services can be meant, or none */
	struct gravity_edge *edges;	/* of services that ask the store; in the arena */
	size_t edges_count;
	int64_t cost_us;
};

int measuring_begin(struct fleet *fleet, size_t store, enum side side, const struct writers *w,
	int64_t deadline_ms, struct measuring *ret, struct err *err) MUST_CHECK;
/* After writers_watch on the same side; watches the calls for another `watch_ms`. */
int measuring_end(struct cmd_ctx *ctx, struct fleet *fleet, const struct writers *w,
	int64_t watch_ms, int64_t deadline_ms, struct measuring *m, struct err *err) MUST_CHECK;

void measuring_text(struct out *out, const struct plan *plan, const struct measuring *m);
/* Owned: an element of "stores" in airlock.measure/1. */
json_t *measuring_json(const struct plan *plan, const struct measuring *m);

#endif
