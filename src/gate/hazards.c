/*
 * hazards.c - nothing is known that would make the migration fail or lie: every row of hazards.def.
 */
#include "base/check.h"
#include "gate/gates.h"
#include "store/postgres/early.h"

#define VALID_S 600
#define XACT_AGE_MS_MIN 60000

static bool required(const struct plan *plan)
{
	(void)plan;
	return true;
}

static bool uses_store(const struct plan_service *service, size_t store)
{
	for (size_t i = 0; i < service->reads_count; i++)
		if (service->reads[i] == store)
			return true;
	for (size_t i = 0; i < service->writes_count; i++)
		if (service->writes[i] == store)
			return true;
	return false;
}

/* How the plan recognises the sessions of services in this store. */
static const char *const *app_users(const struct gate_world *world, struct arena *arena)
{
	const struct plan *plan = world->plan;
	size_t store = (size_t)(world->plan_store - plan->stores), count = 0, most = 0;
	const char **users;

	for (size_t i = 0; i < plan->services_count; i++)
		most += plan->services[i].matches_count;
	users = arena_calloc(arena, most + 1, sizeof *users);
	for (size_t i = 0; i < plan->services_count; i++)
		for (size_t m = 0; m < plan->services[i].matches_count; m++)
			if (uses_store(&plan->services[i], store) &&
				plan->services[i].matches[m].user != NULL)
				users[count++] = plan->services[i].matches[m].user;
	return users;
}

struct tally {
	size_t refused, warned, watched, unproven, blind;
	const struct hazard_found *first;
};

static struct tally count(const struct hazard_report *report)
{
	struct tally tally = {0};

	for (size_t i = 0; i < report->count; i++) {
		const struct hazard_found *found = &report->rows[i];

		if (!found->proven) {
			tally.unproven++;
			tally.blind += hazard_refuses(found);
		} else if (found->hazard->severity == HAZARD_REFUSE) {
			tally.refused++;
			if (tally.first == NULL)
				tally.first = found;
		} else if (found->hazard->severity == HAZARD_WARN) {
			tally.warned++;
		} else {
			tally.watched++;
		}
	}
	return tally;
}

static void judge(const struct hazard_report *report, struct gate_answer *ret)
{
	struct tally tally = count(report);

	gate_answer_say(ret, "%d looked for: %zu refuse, %zu warn, %zu watched, %zu not proven",
		HAZARD_COUNT, tally.refused, tally.warned, tally.watched, tally.unproven);
	if (tally.blind > 0) {
		gate_answer_lower(ret, GATE_NOT_PROVEN);
		gate_answer_advise(ret,
			"Give the role of the plan the rights that airlock init-roles "
			"--print lists.");
	}
	if (tally.first == NULL)
		return;
	gate_answer_lower(ret, GATE_FAIL);
	gate_answer_say(ret, "%s %s: %s", tally.first->hazard->name, tally.first->object,
		tally.first->hazard->title);
	buf_clear(&ret->remedy);
	gate_answer_advise(ret, "%s", tally.first->remedy);
}

static int assess(struct gate_world *world, struct gate_answer *ret, struct err *err)
{
	struct hazards_scope scope = hazards_scope_default();
	ARENA_AUTO arena = ARENA_INIT;
	struct pg *old, *new;

	gate_answer_init(ret, VALID_S);
	if (world->final) {
		gate_answer_lower(ret, GATE_FAIL);
		gate_answer_say(ret, "this store is finalized: there is no move any more");
		gate_answer_advise(ret, "A further move is a new plan with a name of its own.");
		return 0;
	}
	scope.src = world->src;
	scope.synced = world->synced;
	scope.carried = route_can_hold(world->route);
	scope.app_users = app_users(world, &arena);
	scope.conninfo[SIDE_OLD] = world->plan_store->old;
	scope.conninfo[SIDE_NEW] = world->plan_store->new;
	scope.deadline_ms = world->deadline_ms;
	scope.xact_age_ms_max = world->plan->budgets.drain_ms > XACT_AGE_MS_MIN
					? world->plan->budgets.drain_ms
					: XACT_AGE_MS_MIN;
	if (pg_data(world->store, SIDE_OLD, world->deadline_ms, &old, err) ||
		pg_data(world->store, SIDE_NEW, world->deadline_ms, &new, err) ||
		(world->door[SIDE_NEW].reg.state == REG_STANDBY &&
			early_temp_withheld(
				world->store, world->deadline_ms, &scope.temp_withheld, err)) ||
		hazards_find(old, new, &scope, &world->hazards, err))
		return -1;
	judge(&world->hazards, ret);
	return 0;
}

const struct gate gate_hazards = {
	.id = "hazards",
	.what = "nothing is known that would make the migration fail or lie",
	.required = required,
	.assess = assess,
};
