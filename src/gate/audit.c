/*
 * audit.c - nobody wrote behind the shut door.  The audit slot of the shut side shows every local
 * change since that door was last proven shut; what replication brought is not local.  Read without
 * consuming; only names of tables and kinds of change are taken out of it, never a value.
 */
#include "base/check.h"
#include "gate/gates.h"
#include "store/postgres/look.h"

#define VALID_S 60
#define SHOWN_MAX 5

static bool required(const struct plan *plan)
{
	(void)plan;
	return false; /* before `sync` no door is shut */
}

/* $1 = plan, $2 = store, $3 = slot */
static const char stray_sql[] = "SELECT what, verb, count(*), min(lsn)::text"
				" FROM airlock.strays($1, $2, $3, NULL) GROUP BY 1, 2 ORDER BY 4";

static const char gap_sql[] =
	"SELECT audit_gap FROM airlock.guard WHERE plan = $1 AND store = $2 AND"
	" audit_gap IS NOT NULL";

static bool is_shut(const struct gate_world *world, enum side side)
{
	return world->door[side].reg.state == REG_STANDBY;
}

static int look_behind(
	struct gate_world *world, enum side side, struct gate_answer *ret, struct err *err)
{
	const char *params[] = {world->store->audit[side]};
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	PG_ROWS_AUTO gap = PG_ROWS_INIT;

	if (pg_data_exec(world->store, side, world->deadline_ms, gap_sql, 0, NULL, &gap, err) ||
		pg_data_exec(
			world->store, side, world->deadline_ms, stray_sql, 1, params, &rows, err))
		return -1;
	if (gap.rows > 0) {
		gate_answer_lower(ret, GATE_NOT_PROVEN);
		gate_answer_say(ret,
			"the log of %s up to %s was given up with local changes in it, to save its "
			"disk",
			side_name(side), pg_text(&gap, 0, 0));
	}
	if (rows.rows == 0) {
		gate_answer_say(
			ret, "no local change on %s since its door was shut", side_name(side));
		return 0;
	}
	gate_answer_lower(ret, GATE_FAIL);
	for (size_t i = 0; i < rows.rows && i < SHOWN_MAX; i++)
		gate_answer_say(ret, "%s on %s: %s %s, from %s on", pg_text(&rows, i, 1),
			side_name(side), pg_text(&rows, i, 2), pg_text(&rows, i, 0),
			pg_text(&rows, i, 3));
	gate_answer_advise(ret,
		"Somebody wrote to %s while it was shut (a superuser, most likely). Find out who, "
		"undo it there by hand, then airlock abandon and sync again.",
		side_name(side));
	return 0;
}

static int assess(struct gate_world *world, struct gate_answer *ret, struct err *err)
{
	bool looked = false;

	gate_answer_init(ret, VALID_S);
	for (int side = 0; side < SIDE_COUNT; side++) {
		struct slot_look slot;

		if (!is_shut(world, (enum side)side))
			continue;
		if (slot_look(world->store, (enum side)side, world->store->audit[side],
			    world->deadline_ms, &slot, err))
			return -1;
		if (!slot.exists || slot.lost || slot.active) {
			gate_answer_lower(ret, GATE_NOT_PROVEN);
			gate_answer_say(ret, "the audit slot of %s %s", side_name((enum side)side),
				!slot.exists ? "does not exist"
				: slot.lost  ? "has lost its log"
					     : "is in use just now");
			looked = true;
			continue;
		}
		if (look_behind(world, (enum side)side, ret, err))
			return -1;
		looked = true;
	}
	if (!looked) {
		gate_answer_lower(ret, GATE_NOT_PROVEN);
		gate_answer_say(ret, "no door is shut yet");
	}
	return 0;
}

const struct gate gate_audit = {
	.id = "audit",
	.what = "nobody wrote behind the shut door",
	.waivable = true,
	.required = required,
	.assess = assess,
};
