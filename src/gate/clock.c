/*
 * clock.c - the clocks of both servers agree.  Measured by asking both, not by reading what a time
 * daemon believes.
 */
#include <inttypes.h>
#include <math.h>

#include "base/check.h"
#include "gate/gates.h"

#define VALID_S 3600

static bool required(const struct plan *plan)
{
	return gate_asked(plan, "clock") != NULL;
}

static int assess(struct gate_world *world, struct gate_answer *ret, struct err *err)
{
	const struct plan_gate *gate = gate_asked(world->plan, "clock");
	struct pg *old, *new;
	double skew, error;
	int64_t limit;

	gate_answer_init(ret, VALID_S);
	if (pg_data(world->store, SIDE_OLD, world->deadline_ms, &old, err) ||
		pg_data(world->store, SIDE_NEW, world->deadline_ms, &new, err) ||
		hazards_clock_skew(old, new, world->deadline_ms, &skew, &error, err))
		return -1;
	gate_answer_say(ret, "new is %.1f ms %s old, give or take %.1f ms", fabs(skew),
		skew >= 0 ? "ahead of" : "behind", error);
	if (gate == NULL || !gate_setting_ms(gate, "max_skew", &limit)) {
		gate_answer_lower(ret, GATE_NOT_PROVEN);
		gate_answer_say(ret, "the plan sets no limit");
		return 0;
	}
	gate_answer_say(ret, "%" PRId64 " ms are allowed", limit);
	if (fabs(skew) - error > (double)limit) {
		gate_answer_lower(ret, GATE_FAIL);
		gate_answer_advise(ret, "Mend time synchronisation on both hosts (chronyc "
					"tracking).");
	} else if (fabs(skew) + error > (double)limit) {
		gate_answer_lower(ret, GATE_NOT_PROVEN);
		gate_answer_advise(ret, "The network is too slow or too busy to tell: check again, "
					"from a host that is nearer.");
	}
	return 0;
}

const struct gate gate_clock = {
	.id = "clock",
	.what = "the clocks of both servers agree",
	.waivable = true,
	.required = required,
	.assess = assess,
};
