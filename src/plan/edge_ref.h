/* edge_ref.h - where in the text an edge of the graph is written. */
#ifndef AIRLOCK_PLAN_EDGE_REF_H
#define AIRLOCK_PLAN_EDGE_REF_H

#include "plan/checker.h"
#include "plan/graph.h"

/* The name under reads, writes, needs or after that makes it, or the `then` of an `order` line;
 * NULL when there is none.  Call it before anything that refers is sorted. */
const struct ref *edge_ref(const struct checker *ck, const struct tie *edge);

#endif
