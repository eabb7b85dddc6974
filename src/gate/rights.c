/*
 * rights.c - what the logins given may do, and what that is worth: for each law and side whether it
 * is enforced, only watched, or NOT PROVEN (law 13).  The canaries really log in.
 */
#include "base/check.h"
#include "gate/gates.h"
#include "store/postgres/roles.h"
#include "store/postgres/try.h"

#define VALID_S 3600
#define LEVEL_NEEDED 2

static bool required(const struct plan *plan)
{
	(void)plan;
	return true;
}

/* One row: (superusers, who can regrant, is the DDL freeze there). */
static const char facts_sql[] =
	"SELECT coalesce((SELECT string_agg(rolname, ', ' ORDER BY rolname) FROM pg_roles"
	"  WHERE rolsuper AND rolcanlogin AND rolname <> current_user), ''),"
	" coalesce((SELECT string_agg(r.rolname, ', ' ORDER BY r.rolname) FROM pg_roles r,"
	"  pg_database d WHERE d.datname = current_database() AND NOT r.rolsuper AND r.rolcanlogin"
	"  AND r.rolname !~ '^airlock' AND pg_has_role(r.oid, d.datdba, 'MEMBER')), ''),"
	" (SELECT count(*) FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid"
	"  WHERE p.pronamespace::regnamespace::text = 'airlock_dba' AND e.evtenabled IN ('O', "
	"'A'))";

static int look_at_facts(struct gate_world *world, enum side side, int level, struct err *err)
{
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	const char *super, *owners;
	struct pg *pg;

	if (pg_data(world->store, side, world->deadline_ms, &pg, err) ||
		pg_exec(pg, world->deadline_ms, facts_sql, 0, NULL, &rows, err))
		return -1;
	super = pg_text(&rows, 0, 0);
	owners = pg_text(&rows, 0, 1);
	if (*super != '\0')
		gate_law(world, 1, side, LAW_WATCHED, "no privilege binds a superuser: %s", super);
	if (*owners != '\0')
		gate_law(world, 1, side, LAW_WATCHED,
			"the owner can open the door from another database: %s", owners);
	if (level < 3)
		gate_law(world, 1, side, LAW_WATCHED,
			"a superuser's session cannot be ended: the move is refused while one is "
			"connected");
	if (pg_int(&rows, 0, 2) > 0)
		gate_law(world, 2, side, LAW_ENFORCED,
			"an event trigger freezes the schema during the move");
	else
		gate_law(world, 2, side, LAW_NOT_PROVEN,
			"no event trigger freezes the schema during the move");
	if (level < 3)
		gate_law(world, 13, side, LAW_NOT_PROVEN,
			"stored passwords cannot be compared without a superuser");
	return 0;
}

/* Each canary logs in where the door is open, and must not where it is shut. */
static int try_canaries(
	struct gate_world *world, enum side side, struct gate_answer *ret, struct err *err)
{
	bool shut = world->door[side].reg.state == REG_STANDBY;

	for (size_t path = 0; path < TRY_PATHS; path++) {
		enum try_answer answer;

		if (try_path(world->store, side, path, world->deadline_ms, &answer, err))
			return -1;
		if (answer == TRY_UNUSABLE) {
			gate_law(world, 3, side, LAW_NOT_PROVEN,
				"%s has no login that works, so the fence cannot be tried by it",
				try_role(path));
			gate_answer_lower(ret, GATE_NOT_PROVEN);
			gate_answer_say(
				ret, "%s cannot log in on %s", try_role(path), side_name(side));
			gate_answer_advise(ret,
				"Give %s a password there and put it into the "
				"passfile.",
				try_role(path));
		} else if (shut && answer == TRY_ENTERED) {
			gate_law(world, 1, side, LAW_NOT_PROVEN, "%s entered through the shut door",
				try_role(path));
			gate_answer_lower(ret, GATE_FAIL);
			gate_answer_say(ret, "%s is shut, and %s could log in", side_name(side),
				try_role(path));
			gate_answer_advise(ret,
				"Find out who granted CONNECT on %s, and take it "
				"away again.",
				side_name(side));
		} else {
			gate_law(world, 3, side, LAW_ENFORCED, "%s %s", try_role(path),
				answer == TRY_ENTERED ? "can log in, so its refusal in the hold "
							"will mean something"
						      : "tried and was refused");
		}
	}
	return 0;
}

static int look_at_side(
	struct gate_world *world, enum side side, struct gate_answer *ret, struct err *err)
{
	struct pg *pg;
	int level = 0;

	if (roles_level(world->store, side, world->deadline_ms, &level, err) ||
		pg_data(world->store, side, world->deadline_ms, &pg, err))
		return -1;
	gate_answer_say(ret, "%s: level %d", side_name(side), level);
	if (level < LEVEL_NEEDED) {
		gate_law(world, 1, side, LAW_NOT_PROVEN, "rights level %d cannot shut a door", level);
		gate_law(world, 2, side, LAW_NOT_PROVEN, "rights level %d cannot steer a link", level);
		gate_answer_lower(ret, GATE_FAIL);
		gate_answer_advise(ret, "airlock init-roles --print: what a DBA has to run on %s.",
			side_name(side));
		return 0;
	}
	gate_law(world, 1, side, LAW_ENFORCED, "CONNECT keeps out every role without SUPERUSER");
	gate_law(world, 2, side, LAW_ENFORCED,
		"links, marker and sequences move only under the guard row");
	if (look_at_facts(world, side, level, err))
		return -1;
	if (try_canaries(world, side, ret, err))
		return -1;
	return side == SIDE_NEW ? gate_early(world, ret, err) : 0;
}

static int assess(struct gate_world *world, struct gate_answer *ret, struct err *err)
{
	gate_answer_init(ret, VALID_S);
	for (int side = 0; side < SIDE_COUNT; side++)
		if (look_at_side(world, (enum side)side, ret, err))
			return -1;
	return 0;
}

const struct gate gate_rights = {
	.id = "rights",
	.what = "the logins given suffice, and what they are worth is known",
	.required = required,
	.assess = assess,
};
