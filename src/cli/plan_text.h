/*
 * plan_text.h - a plan and its sequence for people and for programs (airlock.plan/1).
 */
#ifndef AIRLOCK_CLI_PLAN_TEXT_H
#define AIRLOCK_CLI_PLAN_TEXT_H

#include "cli/plan_view.h"
#include "plan/problem.h"

/* Everything, within 80 columns. */
void plan_text(struct plan_view *v, const struct problems *problems, const struct out *style,
	struct buf *out);
/* One node: what ties it, what holds it in its wave, what was rejected and by how much. */
void plan_why(struct plan_view *v, size_t node, const struct out *style, struct buf *out);

/* `v` is NULL for a plan with errors: only its problems are known.  `why` is a node to tell at
 * length, or PLAN_NONE.  Returns owned. */
json_t *plan_json(struct plan_view *v, size_t why, struct problems *problems);

#endif
