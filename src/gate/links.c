/*
 * links.c - replication stands: the active link runs, the way back waits, their slots keep their
 * log, every table is in step, nothing fails to be applied.
 */
#include <inttypes.h>

#include "base/check.h"
#include "gate/gates.h"
#include "store/postgres/look.h"
#include "store/postgres/versions.h"

#define VALID_S 60

static bool required(const struct plan *plan)
{
	(void)plan;
	return false; /* before `sync` there is nothing to look at */
}

static void fail(struct gate_answer *ret, const char *remedy)
{
	gate_answer_lower(ret, GATE_FAIL);
	gate_answer_advise(ret, "%s", remedy);
}

static int look_at_slot(
	struct gate_world *world, enum side side, struct gate_answer *ret, struct err *err)
{
	const char *slot = world->store->link[side];
	struct slot_look look;

	if (slot_look(world->store, side, slot, world->deadline_ms, &look, err))
		return -1;
	if (!look.exists || look.lost) {
		gate_answer_say(ret, "slot %s on %s %s", slot, side_name(side),
			look.exists ? "has lost its log" : "is missing");
		fail(ret, "Replication must be set up again: airlock abandon, then airlock sync.");
	} else if (side == world->src && !look.active) {
		gate_answer_say(ret, "nobody reads slot %s on %s", slot, side_name(side));
		fail(ret, "See the log of the other side: it cannot connect, or cannot apply.");
	} else if (side != world->src && look.active) {
		gate_answer_say(ret, "somebody reads slot %s of the way back", slot);
		fail(ret, "End that session: two directions at once echo every row.");
	}
	return 0;
}

static int look_at_subscription(
	struct gate_world *world, enum side publisher, struct gate_answer *ret, struct err *err)
{
	bool active = publisher == world->src;
	const char *name = world->store->link[publisher];
	enum link_seen seen;

	if (pg_link_seen(&world->store->store, publisher, world->deadline_ms, &seen, err))
		return -1;
	if (seen == LINK_UNSEEN) {
		gate_answer_say(
			ret, "link %s is missing on %s", name, side_name(side_other(publisher)));
		fail(ret, "Run airlock sync: it makes what is missing.");
	} else if ((seen == LINK_ON) != active) {
		gate_answer_say(ret, "link %s is %s", name,
			active ? "cut" : "enabled, and must not be while its publisher is shut");
		fail(ret, "Run airlock resume.");
	}
	return 0;
}

/* Tables that do not stream yet, and errors that the apply worker has met. */
static int look_at_tables(struct gate_world *world, struct gate_answer *ret, struct err *err)
{
	enum side dst = side_other(world->src);
	const char *params[] = {world->store->link[world->src]};
	struct tables_look tables;
	PG_ROWS_AUTO errors = PG_ROWS_INIT;
	struct pg *pg;

	if (tables_look(world->store, world->src, world->deadline_ms, &tables, err) ||
		pg_data(world->store, dst, world->deadline_ms, &pg, err))
		return -1;
	gate_answer_say(
		ret, "%" PRId64 " of %" PRId64 " tables stream", tables.ready, tables.total);
	if (tables.ready != tables.total) {
		gate_answer_say(ret, "%s does not", tables.first);
		fail(ret,
			"Wait for the copy; airlock sync shows it, the log of the other side says "
			"why it does not end.");
	}
	if (!version_has(pg_server_version(pg), VERSION_APPLY_ERRORS))
		return 0;
	if (pg_exec(pg, world->deadline_ms,
		    "SELECT apply_error_count + sync_error_count FROM pg_stat_subscription_stats"
		    " WHERE subname = $1",
		    1, params, &errors, err))
		return -1;
	if (errors.rows > 0 && pg_int(&errors, 0, 0) > 0)
		gate_answer_say(
			ret, "%s errors were met since the link was made", pg_text(&errors, 0, 0));
	return 0;
}

static int assess(struct gate_world *world, struct gate_answer *ret, struct err *err)
{
	gate_answer_init(ret, VALID_S);
	if (!world->synced) {
		gate_answer_lower(ret, GATE_NOT_PROVEN);
		gate_answer_say(ret, world->final
					     ? "the links were given up by finalize"
					     : "there are no links yet: airlock sync makes them");
		return 0;
	}
	for (int side = 0; side < SIDE_COUNT; side++)
		if (look_at_subscription(world, (enum side)side, ret, err) ||
			look_at_slot(world, (enum side)side, ret, err))
			return -1;
	return look_at_tables(world, ret, err);
}

const struct gate gate_links = {
	.id = "links",
	.what = "replication stands in both directions, one running, one waiting",
	.required = required,
	.assess = assess,
};
