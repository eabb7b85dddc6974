/*
 * `airlock declare SIDE lost`: the one answer that only a person can give.  The other side is
 * opened without the lost side's word, and is final from then on.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/fleet.h"

#define SILENT_MS 5000
#define OPEN_MS 20000

/* "new", or "orders.new". */
static bool names_store(const char *arg, const char *store, enum side *ret_side)
{
	const char *dot = strrchr(arg, '.');
	const char *side = dot ? dot + 1 : arg;

	if (dot &&
		(strlen(store) != (size_t)(dot - arg) || strncmp(arg, store, strlen(store)) != 0))
		return false;
	*ret_side = strcmp(side, "old") == 0 ? SIDE_OLD : SIDE_NEW;
	return true;
}

/* A side that answers is not lost, whatever anybody says. */
static int must_be_silent(struct store *store, enum side lost, struct err *err)
{
	struct err silent = ERR_INIT;
	struct door door;

	if (arbiter_read(store, lost, clock_now_ms() + SILENT_MS, &door, &silent))
		return silent.code == ERR_UNREACHABLE || silent.code == ERR_TIMEOUT
			       ? 0
			       : err_set(err, ERR_REFUSED,
					 "%s of %s answers, but not as it should: %s",
					 side_name(lost), store->name, silent.msg);
	return err_set(err, ERR_REFUSED,
		"%s of %s answers (register %s): it is not lost; `airlock resume` settles it",
		side_name(lost), store->name, reg_state_name(door.reg.state));
}

static int record(struct cmd_ctx *ctx, const char *store, enum side lost, struct err *err)
{
	json_t *doc = json_pack("{s:s, s:o, s:o}", "lost", side_name(lost), "reason",
		out_json_string(opt_text(ctx->opt, FLAG_DECLARE_REASON)), "by",
		out_json_string(opt_text(ctx->opt, FLAG_DECLARE_BY)));
	char *detail = json_dumps(doc, JSON_COMPACT);
	struct journal_entry entry = {
		.store = store, .kind = "declare", .text = "a side was declared lost"};
	int rc;

	ENSURE(detail != NULL);
	entry.detail = detail;
	rc = journal_append(ctx->journal, &entry, err);
	free(detail);
	json_decref(doc);
	return rc;
}

static int declare_store(struct cmd_ctx *ctx, struct store_pg *s, enum side lost, struct err *err)
{
	enum side kept = side_other(lost);

	/* The record first: the effect cannot be taken back. */
	if (must_be_silent(&s->store, lost, err) || record(ctx, s->store.name, lost, err) ||
		pg_open_alone(s, kept, clock_now_ms() + OPEN_MS, err))
		return -1;
	out_note(ctx->out,
		"%s: %s is open, for good. See to it that %s never serves again: its writes would "
		"be lost.",
		s->store.name, side_name(kept), side_name(lost));
	return 0;
}

int cmd_declare(struct cmd_ctx *ctx, struct err *err)
{
	const char *arg = ctx->opt->args[0];
	FLEET_AUTO fleet = {0};
	bool any = false;

	if (fleet_open(ctx->plan, &fleet, err))
		return -1;
	for (size_t i = 0; i < ctx->plan->stores_count; i++) {
		enum side lost;

		if (!names_store(arg, ctx->plan->stores[i].name, &lost))
			continue;
		any = true;
		if (declare_store(ctx, fleet.stores[i], lost, err))
			return -1;
	}
	if (!any)
		return err_set(err, ERR_USAGE, "the plan has no store of %s", arg);
	return 0;
}
