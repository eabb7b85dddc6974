/* reason.h - why a node moves when it moves, in one sentence. */
#ifndef AIRLOCK_PLAN_REASON_H
#define AIRLOCK_PLAN_REASON_H

#include "base/buf.h"
#include "plan/graph.h"

/* Of a node on no circle.  wave_of[node] counts from 1.  In arena. */
const char *reason_alone(const struct plan *plan, const struct graph *graph, const size_t *wave_of,
	size_t node, struct arena *arena);
/* Of all nodes of a circle, of which `node` is one.  In arena. */
const char *reason_circle(const struct plan *plan, const struct graph *graph, const size_t *part_of,
	size_t node, struct arena *arena);

#endif
