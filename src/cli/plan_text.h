/*
 * plan_text.h - a plan and its sequence for people and for programs (airlock.plan/1).
 */
#ifndef AIRLOCK_CLI_PLAN_TEXT_H
#define AIRLOCK_CLI_PLAN_TEXT_H

#include <jansson.h>

#include "cli/out.h"
#include "plan/plan.h"
#include "plan/sequence.h"

void plan_text(const struct plan *plan, const struct sequence *sequence, const struct out *style,
	struct buf *out);
/* plan and sequence are NULL for a plan with errors: only its problems are known.  Returns owned.
 */
json_t *plan_json(
	const struct plan *plan, const struct sequence *sequence, struct problems *problems);

#endif
