/* circle.h - orders that contradict each other: circles of `needs` and `after` alone. */
#ifndef AIRLOCK_PLAN_CIRCLE_H
#define AIRLOCK_PLAN_CIRCLE_H

#include "base/buf.h"
#include "plan/checker.h"
#include "plan/graph.h"

/* One P-CYCLE for each set of nodes that cannot be ordered, naming one circle through it. */
void circle_report(struct checker *ck, const struct graph *graph);

/*
 * Edges of these kinds that form a circle inside one component, beginning at `node`'s component's
 * way from `node`; NULL-terminated, in arena.  The component must hold a circle.
 */
const struct tie **circle_find(const struct graph *graph, int kinds, const uint32_t *component,
	size_t node, struct arena *arena);

#endif
