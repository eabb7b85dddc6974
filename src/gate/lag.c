/*
 * lag.c - the other side is close enough behind, by what its slot has not confirmed.  This is about
 * how long a hold would wait; whether everything has arrived is proven inside it, by the marker.
 */
#include <inttypes.h>

#include "base/check.h"
#include "gate/gates.h"
#include "store/postgres/look.h"

#define VALID_S 10

static bool required(const struct plan *plan)
{
	return plan->confidence.given && plan->confidence.lag_below_bytes >= 0;
}

static int64_t limit(const struct plan *plan)
{
	int64_t bytes = plan->budgets.lag_bytes;

	if (required(plan) && plan->confidence.lag_below_bytes < bytes)
		bytes = plan->confidence.lag_below_bytes;
	return bytes;
}

static int assess(struct gate_world *world, struct gate_answer *ret, struct err *err)
{
	struct slot_look look;

	gate_answer_init(ret, VALID_S);
	if (!world->synced) {
		gate_answer_lower(ret, GATE_NOT_PROVEN);
		gate_answer_say(ret, "nothing replicates");
		gate_answer_advise(ret, "Run airlock sync first.");
		return 0;
	}
	if (slot_look(world->store, world->src, world->store->link[world->src], world->deadline_ms,
		    &look, err))
		return -1;
	if (!look.exists) {
		gate_answer_lower(ret, GATE_NOT_PROVEN);
		gate_answer_say(ret, "the slot of the active link is missing");
		return 0;
	}
	gate_answer_say(ret, "%" PRId64 " bytes are not confirmed, %" PRId64 " are allowed",
		look.unsent_bytes, limit(world->plan));
	if (look.unsent_bytes > limit(world->plan)) {
		gate_answer_lower(ret, GATE_FAIL);
		gate_answer_advise(ret,
			"Wait, or find out what holds the apply worker up: gate "
			"links, and the log of %s.",
			side_name(side_other(world->src)));
	}
	return 0;
}

const struct gate gate_lag = {
	.id = "lag",
	.what = "the other side is close enough behind",
	.waivable = true,
	.required = required,
	.assess = assess,
};
