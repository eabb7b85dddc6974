/* override.h - what the plan says about its own order, held against its dependencies. */
#ifndef AIRLOCK_PLAN_OVERRIDE_H
#define AIRLOCK_PLAN_OVERRIDE_H

#include "plan/checker.h"
#include "plan/graph.h"
#include "plan/yaml_tree.h"

/* Reports `order` and `together` entries that no sequence can respect (P-ORDER, P-TOGETHER). */
void override_check(struct checker *ck, const struct yaml_tree *root, const struct graph *graph);
/* Entries in an order of their own, so that the text's does not matter; when nothing refers to
 * them by place any more. */
void override_sort(struct plan *plan);

#endif
