#include "cli/service_view.h"

#include <libgen.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/status_view.h"
#include "cli/wrap.h"

struct service_view *service_views_make(struct cmd_ctx *ctx, size_t *ret_count)
{
	const struct plan *plan = ctx->plan;
	struct service_view *views =
		arena_calloc(&ctx->arena, plan->services_count + 1, sizeof *views);
	struct sequence seq;
	size_t count = 0;

	sequence_make(plan, &ctx->arena, &seq);
	for (size_t w = 0; w < seq.count; w++) {
		struct movement m;

		movement_list(plan, &seq.waves[w], SIDE_NEW, &ctx->arena, &m);
		for (size_t i = 0; i < m.count; i++)
			views[count++] = (struct service_view){
				.service = m.items[i].service, .wave = seq.waves[w].n};
	}
	*ret_count = count;
	return views;
}

/* ---- looking --------------------------------------------------------------------------------- */

static void observe(struct cmd_ctx *ctx, int64_t look_ms, struct service_view *v)
{
	struct plan_action quick = v->service->move;
	const struct action_call call = {.action = &quick,
		.dir = dirname(arena_strdup(&ctx->arena, ctx->plan_path)),
		.side = side_name(SIDE_NEW)};
	struct err err = ERR_INIT;
	bool is_new = false;

	if (quick.timeout_ms > look_ms)
		quick.timeout_ms = look_ms;
	v->why[0] = '\0';
	v->seen.known = action_observe(&call, &is_new, &err) == 0;
	if (v->seen.known)
		v->seen.side = is_new ? SIDE_NEW : SIDE_OLD;
	else
		snprintf(v->why, sizeof v->why, "%s", err.msg);
	v->seen_us = clock_now_us();
}

static const char *actual(const struct service_view *v)
{
	return v->seen.known ? side_name(v->seen.side) : "unknown";
}

static bool is_on(const struct service_view *v, enum side side)
{
	return v->seen.known && v->seen.side == side;
}

static const char *next_when_settled(const struct service_view *v)
{
	if (!v->seen.known)
		return "make its observe command answer";
	return v->seen.side == SIDE_NEW ? "airlock finalize, or rollback" : "airlock run";
}

static void on_its_way(struct service_view *v, const struct wave_record *record)
{
	v->goal = side_name(record->goal);
	v->next = "airlock resume";
	if (v->why[0])
		return;
	if (record->state == WAVE_PENDING && is_on(v, record->goal))
		snprintf(v->why, sizeof v->why, "moved; another service of its wave was not");
	else if (record->state == WAVE_PENDING)
		snprintf(v->why, sizeof v->why,
			"the stores of its wave are on %s since %s, and it did not follow", v->goal,
			record->at);
	else
		snprintf(v->why, sizeof v->why, "its wave is %s since %s, or its controller died",
			record->state == WAVE_UNDOING ? "being taken back" : "under way",
			record->at);
}

static void settled(struct service_view *v, const struct wave_record *record)
{
	bool recorded = record->state == WAVE_DONE || record->state == WAVE_UNDONE;
	enum side left = record->state == WAVE_DONE ? record->goal : side_other(record->goal);

	v->goal = recorded ? side_name(left) : actual(v);
	v->next = next_when_settled(v);
	if (v->why[0])
		return;
	if (recorded && v->seen.side != left)
		snprintf(v->why, sizeof v->why,
			"somebody else moved it: the record left it on %s at %s", side_name(left),
			record->at);
	else if (recorded)
		snprintf(v->why, sizeof v->why, "%s at %s",
			record->state == WAVE_DONE ? "moved" : "taken back", record->at);
	else
		snprintf(v->why, sizeof v->why, "%s",
			v->seen.side == SIDE_OLD ? "not moved yet" : "no record says who moved it");
}

static void explain(struct service_view *v, const struct wave_record *record)
{
	BUF_AUTO words = BUF_INIT;

	if (wave_is_under_way(record) || record->state == WAVE_PENDING)
		on_its_way(v, record);
	else
		settled(v, record);
	action_words(&words, v->service->move.undo);
	if (is_on(v, SIDE_OLD))
		snprintf(v->undo, sizeof v->undo, "nothing to undo");
	else
		snprintf(v->undo, sizeof v->undo, "airlock rollback (%.160s)", buf_str(&words));
}

void service_views_look(
	struct cmd_ctx *ctx, int64_t look_ms, struct service_view *views, size_t count)
{
	static const struct wave_record nothing;
	struct wave_record *records = NULL;
	struct err err = ERR_INIT;

	if (count > 0 && moves_recall_waves(ctx, &records, &err))
		out_warn(ctx->out, "%s", err.msg);
	for (size_t i = 0; i < count; i++) {
		const struct wave_record *record = records ? &records[views[i].wave] : &nothing;
		bool about = wave_concerns(record, views[i].service->name);

		observe(ctx, look_ms, &views[i]);
		explain(&views[i], about ? record : &nothing);
	}
}

/* ---- telling --------------------------------------------------------------------------------- */

static int64_t seen_ms_ago(const struct service_view *v)
{
	return (clock_now_us() - v->seen_us) / 1000;
}

json_t *service_views_json(const struct service_view *views, size_t count)
{
	json_t *all = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct service_view *v = &views[i];

		json_array_append_new(
			all, json_pack("{s:s, s:s, s:I, s:s, s:s, s:o, s:s, s:o, s:I}", "name",
				     v->service->name, "tier", plan_tier_name(v->service->tier),
				     "wave", (json_int_t)v->wave, "actual", actual(v), "goal",
				     v->goal, "why", out_json_string(v->why), "next", v->next,
				     "undo", out_json_string(v->undo), "seen_ms_ago",
				     (json_int_t)seen_ms_ago(v)));
	}
	return all;
}

void service_views_text(struct out *out, const struct service_view *views, size_t count)
{
	if (count > 0)
		out_data(out, "%-14s %-11s %-9s %-8s %29s\n", "SERVICE", "ACTUAL", "GOAL", "WAVE",
			"SEEN");
	for (size_t i = 0; i < count; i++) {
		const struct service_view *v = &views[i];
		BUF_AUTO raw = BUF_INIT;
		BUF_AUTO lines = BUF_INIT;

		wrap_name(&lines, v->service->name, STATUS_NAME_COLUMNS);
		buf_printf(&lines, "%-11s %-9s %-8zu %27.1fs\n", actual(v), v->goal, v->wave,
			(double)seen_ms_ago(v) / 1000);
		buf_printf(&raw, "%s; next: %s; undo: %s", v->why, v->next, v->undo);
		buf_puts(&lines, "  ");
		wrap_text(&lines, buf_str(&raw), 2, 2);
		out_text(out, &lines);
	}
}

void service_view_line(const struct service_view *v, struct buf *line)
{
	BUF_AUTO raw = BUF_INIT;

	buf_printf(&raw, "%s %s", v->service->name, actual(v));
	if (strcmp(actual(v), v->goal) != 0)
		buf_printf(&raw, " -> %s", v->goal);
	buf_printf(&raw, ": %s | next: %s | undo: %s | seen %.1fs ago", v->why, v->next, v->undo,
		(double)seen_ms_ago(v) / 1000);
	out_safe(line, buf_str(&raw));
}
