/* `airlock guard`: what must go on while a migration stands open, until it is stopped. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "cli/cmd.h"
#include "cli/fleet.h"
#include "cli/stop.h"
#include "guard/guard.h"

#define EVERY_MS 5000
#define ROUND_MS 20000

static const enum guard_alarm alarms[] = {
	GUARD_BLIND, GUARD_CUT, GUARD_LATE, GUARD_STRAY, GUARD_UNUSABLE, GUARD_KEEPS};

/* ---- one view, as JSON and as text ---------------------------------------------------------- */

static json_t *alarms_json(unsigned set)
{
	json_t *all = json_array();

	for (size_t i = 0; i < ARRAY_LEN(alarms); i++)
		if (set & alarms[i])
			json_array_append_new(all, json_string(guard_alarm_name(alarms[i])));
	return all;
}

static json_t *idle_json(const struct store_tended *tended)
{
	json_t *all = json_array();

	for (size_t i = 0; i < tended->idle_count; i++) {
		const struct store_idle *idle = &tended->idle[i];

		json_array_append_new(all,
			json_pack("{s:s, s:s, s:b, s:I, s:I}", "side", side_name(idle->side),
				"what", idle->what, "usable", idle->usable, "kept_bytes",
				(json_int_t)idle->kept_bytes, "strays", (json_int_t)idle->strays));
	}
	return all;
}

static json_t *view_json(const char *name, const struct guard_view *view)
{
	json_t *row = json_pack("{s:s, s:b, s:o}", "name", name, "at_rest", view->at_rest, "alarms",
		alarms_json(view->alarms));

	if (!view->at_rest) {
		json_object_set_new(row, "why", out_json_string(view->why.msg));
		return row;
	}
	json_object_set_new(row, "writes", json_string(side_name(view->tended.open)));
	json_object_set_new(row, "follows", json_boolean(view->tended.follows));
	json_object_set_new(row, "behind_ms", json_integer(view->behind_ms));
	json_object_set_new(row, "behind_bytes", json_integer(view->behind_bytes));
	json_object_set_new(row, "idle", idle_json(&view->tended));
	return row;
}

static void rest_text(const struct guard_view *view, struct buf *line)
{
	const struct store_tended *tended = &view->tended;
	enum side shut = side_other(tended->open);

	buf_printf(line, "%s writes, %s %s, %" PRId64 " ms behind (%" PRId64 " bytes)",
		side_name(tended->open), side_name(shut),
		tended->follows ? "follows" : "DOES NOT FOLLOW", view->behind_ms,
		view->behind_bytes);
	if (view->alarms & GUARD_LATE)
		buf_puts(line, "; LATER than budgets.rollback_lag allows");
	if (view->alarms & GUARD_KEEPS)
		buf_puts(line, "; LOG PILES UP, more than budgets.lag for a minute: look for an "
			       "old transaction on that server");
	for (size_t i = 0; i < tended->idle_count; i++) {
		const struct store_idle *idle = &tended->idle[i];

		if (!idle->usable)
			buf_printf(line, "; the %s slot of %s is UNUSABLE: abandon, sync",
				idle->what, side_name(idle->side));
		else
			buf_printf(line, "; %s on %s keeps %" PRId64 " kB", idle->what,
				side_name(idle->side), idle->kept_bytes / 1024);
		if (idle->strays > 0)
			buf_printf(line,
				"; SOMEBODY WROTE to %s, which is shut: %" PRId64
				" changes (airlock check --gate audit names them)",
				side_name(idle->side), idle->strays);
	}
}

static void view_text(const char *name, const struct guard_view *view, struct buf *line)
{
	BUF_AUTO raw = BUF_INIT;

	buf_printf(&raw, "%s: ", name);
	if (view->at_rest)
		rest_text(view, &raw);
	else
		buf_printf(&raw, "%s%s", view->alarms ? "BLIND: " : "not at rest: ", view->why.msg);
	out_safe(line, buf_str(&raw));
}

/* ---- the rounds ------------------------------------------------------------------------------ */

struct watched {
	struct guard_watch watch;
	struct guard_view view;
	bool seen, told_rest;
	unsigned told; /* the alarms that were told last */
};

static void record(struct cmd_ctx *ctx, const char *name, const struct guard_view *view,
	const struct buf *line)
{
	struct journal_entry entry = {.store = name, .kind = "guard", .text = buf_str(line)};
	struct err err = ERR_INIT;
	json_t *doc = view_json(name, view);
	char *detail = json_dumps(doc, JSON_COMPACT);

	entry.detail = detail;
	if (ctx->journal != NULL && journal_append(ctx->journal, &entry, &err))
		out_warn(ctx->out, "not recorded: %s", err.msg);
	free(detail);
	json_decref(doc);
}

/* Told when it changed; the journal keeps what is wrong, and when it ended. */
static void tell_change(struct cmd_ctx *ctx, struct watched *w)
{
	bool changed = !w->seen || w->told != w->view.alarms || w->told_rest != w->view.at_rest;
	const char *name = w->watch.store->name;
	BUF_AUTO line = BUF_INIT;

	view_text(name, &w->view, &line);
	if (w->told != w->view.alarms)
		record(ctx, name, &w->view, &line);
	if (!ctx->out->json && !ctx->out->ndjson && (changed || ctx->out->verbose))
		out_data(ctx->out, "%s\n", buf_str(&line));
	w->seen = true;
	w->told = w->view.alarms;
	w->told_rest = w->view.at_rest;
}

/* Returns the alarms of all stores. */
static unsigned round_over(struct cmd_ctx *ctx, struct fleet *fleet, struct watched *watched)
{
	json_t *rows = json_array(), *doc;
	unsigned all = 0;

	for (size_t i = 0; i < ctx->plan->stores_count; i++) {
		struct watched *w = &watched[i];

		guard_round(&w->watch, env_now_ms(fleet->env) + ROUND_MS, &w->view);
		all |= w->view.alarms;
		tell_change(ctx, w);
		json_array_append_new(rows, view_json(w->watch.store->name, &w->view));
	}
	doc = json_pack("{s:s, s:o}", "schema", "airlock.guard/1", "stores", rows);
	if (ctx->out->ndjson)
		out_json_line(ctx->out, doc);
	else if (ctx->out->json)
		out_json(ctx->out, doc);
	else
		json_decref(doc);
	return all;
}

static struct watched *watch_all(struct cmd_ctx *ctx, const struct fleet *fleet)
{
	struct watched *all =
		arena_calloc(&ctx->arena, ctx->plan->stores_count, sizeof(struct watched));

	for (size_t i = 0; i < ctx->plan->stores_count; i++)
		all[i].watch = (struct guard_watch){
			.store = &fleet->stores[i]->store, .budgets = &ctx->plan->budgets};
	return all;
}

int cmd_guard(struct cmd_ctx *ctx, struct err *err)
{
	bool once = opt_given(ctx->opt, FLAG_GUARD_ONCE);
	int64_t every_ms = opt_time_ms(ctx->opt, FLAG_GUARD_EVERY, EVERY_MS);
	FLEET_AUTO fleet = {0};
	struct watched *watched;
	unsigned wrong;

	if (!once && ctx->out->json)
		return err_set(err, ERR_USAGE,
			"without --once there are many documents: use --ndjson, or leave --json "
			"out");
	if (fleet_open(ctx->plan, &fleet, err))
		return -1;
	watched = watch_all(ctx, &fleet);
	stop_listen(fleet.env);
	do {
		int64_t next_us = env_now_us(fleet.env) + every_ms * 1000;

		wrong = round_over(ctx, &fleet, watched);
		while (!once && !*stop_asked && env_now_us(fleet.env) < next_us)
			ENSURE(env_next(fleet.env, next_us) == NULL); /* nothing was submitted */
	} while (!once && !*stop_asked);
	stop_ignore();
	return once && wrong != 0 ? EXIT_REFUSED : EXIT_DONE;
}
