/*
 * early.c - roles that read new before it is promoted, a part of the gate `rights`: by new's own
 * catalogs none of them can write there.  That is looked at again by every check, before they are
 * let in and before each hold; in between it is watched, and so it is printed.
 */
#include <inttypes.h>

#include "gate/gates.h"
#include "store/postgres/early.h"

#define SHOWN_MAX 3
#define VALID_S 60 /* a GRANT takes a moment */

static int judge_role(struct gate_world *world, const char *role, bool admitted,
	struct gate_answer *ret, struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;

	if (early_rights(world->store, role, admitted, world->deadline_ms, &rows, err))
		return -1;
	for (size_t i = 0; i < rows.rows && i < SHOWN_MAX; i++)
		gate_answer_say(ret, "%s, an early reader, could write on new: %s", role,
			pg_text(&rows, i, 0));
	if (rows.rows > SHOWN_MAX)
		gate_answer_say(ret, "and %zu more", rows.rows - SHOWN_MAX);
	if (rows.rows == 0)
		return 0;
	gate_answer_lower(ret, GATE_FAIL);
	gate_answer_advise(
		ret, "On new, and on old where it is the same there: %s;", pg_text(&rows, 0, 1));
	gate_law(world, 1, SIDE_NEW, LAW_NOT_PROVEN, "%s, an early reader, could write there", role);
	return 0;
}

/* Who is let in now, and whether the plan still wants that. */
static void judge_admitted(
	struct gate_world *world, const struct pg_rows *rows, struct gate_answer *ret)
{
	for (size_t i = 0; i < rows->rows; i++) {
		const char *role = pg_text(rows, i, 0);

		gate_law(world, 1, SIDE_NEW, LAW_WATCHED,
			"%s reads it before promotion, %" PRId64
			" session(s) now; that it cannot write rests on its rights",
			role, pg_int(rows, i, 1));
		gate_answer_say(ret, "watched: %s reads new before promotion", role);
		if (pg_bool(rows, i, 2))
			continue;
		gate_answer_lower(ret, GATE_FAIL);
		gate_answer_say(ret, "%s may enter new, and the plan does not name it", role);
		gate_answer_advise(ret, "airlock sync shuts it out.");
	}
}

int gate_early(struct gate_world *world, struct gate_answer *ret, struct err *err)
{
	size_t store = (size_t)(world->plan_store - world->plan->stores);
	PG_ROWS_AUTO seen = PG_ROWS_INIT;
	const char *role;

	/* Once it is open they are clients like all others. */
	if (world->final || world->door[SIDE_NEW].reg.state == REG_ACTIVE)
		return 0;
	if (world->door[SIDE_NEW].reg.state == REG_STANDBY) {
		if (early_seen(world->store, world->deadline_ms, &seen, err))
			return -1;
		judge_admitted(world, &seen, ret);
	}
	for (size_t i = 0; (role = plan_early_reader(world->plan, store, i)) != NULL; i++) {
		ret->valid_s = VALID_S;
		if (judge_role(world, role, seen.rows > 0, ret, err))
			return -1;
	}
	return 0;
}
