/*
 * clock.c - the clocks of both servers agree.  Measured by asking both, not by reading what a time
 * daemon believes.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "gate/gates.h"

#define VALID_S 3600

static const struct plan_gate *asked(const struct plan *plan)
{
	for (size_t i = 0; i < plan->gates_count; i++)
		if (strcmp(plan->gates[i].id, "clock") == 0)
			return &plan->gates[i];
	return NULL;
}

static bool required(const struct plan *plan)
{
	return asked(plan) != NULL;
}

/* The canonical form writes every time in milliseconds: "250ms". */
static bool limit_of(const struct plan_gate *gate, double *ret_ms)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	const char *text = plan_setting_get(gate->settings, gate->settings_count, "max_skew");
	char *end;
	double number;

	if (text == NULL)
		return false;
	errno = 0;
	number = strtod(text, &end);
	for (size_t i = 0; errno == 0 && end != text && i < ARRAY_LEN(units); i++)
		if (strcmp(end, units[i].unit) == 0) {
			*ret_ms = number * units[i].ms;
			return true;
		}
	return false;
}

static int assess(struct gate_world *world, struct gate_answer *ret, struct err *err)
{
	const struct plan_gate *gate = asked(world->plan);
	struct pg *old, *new;
	double skew, error, limit;

	gate_answer_init(ret, VALID_S);
	if (pg_data(world->store, SIDE_OLD, world->deadline_ms, &old, err) ||
		pg_data(world->store, SIDE_NEW, world->deadline_ms, &new, err) ||
		hazards_clock_skew(old, new, world->deadline_ms, &skew, &error, err))
		return -1;
	gate_answer_say(ret, "new is %.1f ms %s old, give or take %.1f ms", fabs(skew),
		skew >= 0 ? "ahead of" : "behind", error);
	if (gate == NULL || !limit_of(gate, &limit)) {
		gate_answer_lower(ret, GATE_NOT_PROVEN);
		gate_answer_say(ret, "the plan sets no limit");
		return 0;
	}
	gate_answer_say(ret, "%.0f ms are allowed", limit);
	if (fabs(skew) - error > limit) {
		gate_answer_lower(ret, GATE_FAIL);
		gate_answer_advise(ret, "Mend time synchronisation on both hosts (chronyc "
					"tracking).");
	} else if (fabs(skew) + error > limit) {
		gate_answer_lower(ret, GATE_NOT_PROVEN);
		gate_answer_advise(ret, "The network is too slow or too busy to tell: check again, "
					"from a host that is nearer.");
	}
	return 0;
}

const struct gate gate_clock = {
	.id = "clock",
	.what = "the clocks of both servers agree",
	.required = required,
	.assess = assess,
};
