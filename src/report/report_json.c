/* The report as airlock.report/1: the facts that the page shows, from the same struct. */
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/utf8.h"
#include "report/report.h"
#include "report/window.h"

static json_t *text_json(const char *text)
{
	BUF_AUTO clean = BUF_INIT;

	utf8_clean(&clean, text);
	return json_stringn(buf_str(&clean), clean.len);
}

/* "2026-11-25T01:30:26.123Z", as in the journal; null for what is not known. */
static json_t *time_json(int64_t ms)
{
	char text[STAMP_BYTES];

	if (ms < 0)
		return json_null();
	stamp_text(ms, text);
	text[10] = 'T';
	return json_sprintf("%sZ", text);
}

static json_t *ms_json(bool known, double ms)
{
	return known ? json_real(ms) : json_null();
}

static json_t *record_json(const struct report *report)
{
	const struct journal_report *chain = &report->record.chain;

	return json_pack("{s:I, s:b, s:I, s:o, s:s, s:o, s:o}", "rows",
		(json_int_t)report->record.count, "sound", chain->sound, "bad_seq",
		(json_int_t)chain->bad_seq, "why", text_json(chain->why), "hash", chain->hash,
		"from", time_json(report->record.count ? report->timeline.from_ms : -1), "to",
		time_json(report->record.count ? report->timeline.to_ms : -1));
}

static json_t *lane_json(const struct lane *lane)
{
	json_t *all = json_array();

	for (size_t i = 0; i < lane->count; i++) {
		const struct stretch *s = &lane->stretches[i];

		json_array_append_new(all, json_pack("{s:o, s:o, s:s, s:s, s:s, s:o, s:I}", "from",
						   time_json(s->from_ms), "to", time_json(s->to_ms),
						   "old", seen_door_name(s->doors.side[SIDE_OLD]),
						   "new", seen_door_name(s->doors.side[SIDE_NEW]),
						   "writes", doors_writes(&s->doors), "why",
						   text_json(s->why), "row", (json_int_t)s->seq));
	}
	return all;
}

static json_t *stores_json(const struct report *report)
{
	json_t *all = json_array();

	for (size_t i = 0; i < report->timeline.lanes_count; i++)
		json_array_append_new(
			all, json_pack("{s:o, s:s, s:I, s:o}", "name",
				     text_json(report->plan->stores[i].name), "writes",
				     report_writes(report, i), "both_shut_ms",
				     (json_int_t)report_shut_ms(report, i), "timeline",
				     lane_json(&report->timeline.lanes[i])));
	return all;
}

static json_t *pauses_json(const struct timeline *t)
{
	json_t *all = json_array();

	for (size_t i = 0; i < t->pauses_count; i++)
		json_array_append_new(all,
			json_pack("{s:o, s:o, s:o, s:I}", "service",
				text_json(t->pauses[i].service), "from",
				time_json(t->pauses[i].from_ms), "to",
				t->pauses[i].ended ? time_json(t->pauses[i].to_ms) : json_null(),
				"row", (json_int_t)t->pauses[i].seq));
	return all;
}

static json_t *place_json(const struct plan *plan, const struct place_lane *lane)
{
	json_t *stretches = json_array();

	for (size_t i = 0; i < lane->count; i++) {
		const struct place_stretch *s = &lane->stretches[i];

		json_array_append_new(stretches,
			json_pack("{s:o, s:o, s:s, s:o, s:I}", "from", time_json(s->from_ms), "to",
				time_json(s->to_ms), "side", place_name(s), "because",
				text_json(s->why), "row", (json_int_t)s->seq));
	}
	return json_pack("{s:o, s:o}", "name", text_json(plan->services[lane->service].name),
		"stretches", stretches);
}

static json_t *places_json(const struct report *report)
{
	json_t *all = json_array();

	for (size_t i = 0; i < report->timeline.places.count; i++)
		json_array_append_new(
			all, place_json(report->plan, &report->timeline.places.lanes[i]));
	return all;
}

static json_t *overlap_json(const struct plan *plan, const struct overlap *o)
{
	json_t *spans = json_array();

	for (size_t i = 0; i < o->count; i++)
		json_array_append_new(spans,
			json_pack("{s:o, s:o, s:b}", "from", time_json(o->spans[i].from_ms), "to",
				time_json(o->spans[i].to_ms), "certain", o->spans[i].certain));
	return json_pack("{s:o, s:o, s:b, s:b, s:o, s:o, s:b, s:o}", "from",
		text_json(plan_node_name(plan, o->from)), "to",
		text_json(plan_node_name(plan, o->to)), "intended", o->intended, "early", o->early,
		"because",
		o->declared ? text_json(o->declared->because) : json_null(), "at_most_ms",
		o->declared ? json_integer(o->declared->at_most_ms) : json_null(), "too_long",
		o->too_long, "spans", spans);
}

static json_t *overlaps_json(const struct report *report)
{
	json_t *all = json_array();

	for (size_t i = 0; i < report->timeline.overlaps_count; i++)
		json_array_append_new(
			all, overlap_json(report->plan, &report->timeline.overlaps[i]));
	return all;
}

static json_t *steps_json(const struct attempt *a)
{
	json_t *all = json_array();

	for (size_t i = 0; i < a->steps_count; i++) {
		const struct attempt_step *s = &a->steps[i];

		json_array_append_new(
			all, json_pack("{s:s, s:o, s:o, s:f, s:I}", "step", verb_word(s->verb),
				     "store", text_json(s->store), "outcome", text_json(s->outcome),
				     "ms", (double)(s->ended_us - s->began_us) / 1000, "row",
				     (json_int_t)s->seq));
	}
	return all;
}

static json_t *parts_json(const struct attempt *a)
{
	json_t *all = json_object();

	for (size_t i = 0; i < window_parts(); i++) {
		double ms = 0;
		bool known = window_part_ms(a->verbs, i, &ms);

		json_object_set_new(all, window_part_name(i), ms_json(known, ms));
	}
	return all;
}

static json_t *attempt_json(const struct report *report, const struct attempt *a)
{
	double stall_ms = report_stall_of(report, a);

	return json_pack(
		"{s:o, s:o, s:o, s:i, s:I, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, "
		"s:o, s:o}",
		"stall_ms", ms_json(stall_ms >= 0, stall_ms), "run", text_json(a->run), "who",
		text_json(a->who), "wave", a->wave, "attempt", (json_int_t)a->number, "from",
		a->src_known ? json_string(side_name(a->src)) : json_null(), "to",
		a->src_known ? json_string(side_name(side_other(a->src))) : json_null(), "began",
		time_json(a->began_ms), "ended", time_json(a->ended_ms), "end",
		attempt_end_name(a->end), "why", text_json(a->why), "window_ms",
		ms_json(a->has_window, a->window_ms), "parts", parts_json(a), "held_max",
		a->has_held ? json_integer(a->held_max) : json_null(), "drain_ms",
		ms_json(a->drain_ms >= 0, a->drain_ms), "lag_bytes",
		a->lag_bytes < 0 ? json_null() : json_integer(a->lag_bytes), "steps",
		steps_json(a));
}

static json_t *attempts_json(const struct report *report)
{
	json_t *all = json_array();

	for (size_t i = 0; i < report->attempts.count; i++)
		json_array_append_new(all, attempt_json(report, &report->attempts.list[i]));
	return all;
}

static json_t *gates_json(const struct report *report)
{
	json_t *all = json_array();

	for (size_t i = 0; i < report->facts.gates_count; i++) {
		const struct gate_fact *g = &report->facts.gates[i];

		json_array_append_new(all,
			json_pack("{s:o, s:o, s:b, s:o, s:o, s:o, s:I, s:I}", "id",
				text_json(g->id), "state", text_json(g->state), "required",
				g->required, "evidence", text_json(g->evidence), "measured_at",
				time_json(g->measured_ms), "valid_until", time_json(g->until_ms),
				"asked", (json_int_t)g->asked, "row", (json_int_t)g->row->seq));
	}
	return all;
}

static json_t *rows_json(const struct rows *rows)
{
	json_t *all = json_array();

	for (size_t i = 0; i < rows->count; i++) {
		const struct record_row *row = rows->list[i];

		json_array_append_new(
			all, json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "row",
				     (json_int_t)row->seq, "at", time_json(row->at_ms), "who",
				     text_json(row->who), "kind", text_json(row->kind), "store",
				     text_json(row->store), "text", text_json(row->text), "detail",
				     row->detail ? json_incref(row->detail) : json_null()));
	}
	return all;
}

static json_t *latency_json(const struct report *report)
{
	json_t *views;

	if (!report->latency.given)
		return json_null();
	views = json_array();
	for (size_t i = 0; i < report->latency.count; i++) {
		const struct latency_view *v = &report->latency.views[i];

		json_array_append_new(views,
			json_pack("{s:o, s:I, s:I, s:I, s:f, s:o, s:o}", "run",
				text_json(v->attempt->run), "attempt",
				(json_int_t)v->attempt->number, "requests", (json_int_t)v->count,
				"errors", (json_int_t)v->errors, "max_ms", v->max_ms,
				"median_before_ms", ms_json(v->before_ms >= 0, v->before_ms),
				"stall_ms", ms_json(v->stall_ms >= 0, v->stall_ms)));
	}
	return json_pack(
		"{s:I, s:o}", "requests", (json_int_t)report->latency.samples, "windows", views);
}

static json_t *budgets_json(const struct plan_budgets *b)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "stall_ms", (json_int_t)b->stall_ms,
		"window_ms", (json_int_t)b->window_ms, "hold_ms", (json_int_t)b->hold_ms,
		"drain_ms", (json_int_t)b->drain_ms, "lag_bytes", (json_int_t)b->lag_bytes,
		"rollback_lag_ms", (json_int_t)b->rollback_lag_ms, "attempts",
		(json_int_t)b->attempts);
}

static json_t *waves_json(const struct report *report)
{
	json_t *all = json_array();

	for (size_t w = 0; w < report->sequence.count; w++) {
		const struct wave *wave = &report->sequence.waves[w];
		json_t *names = json_array();

		for (size_t i = 0; i < wave->members_count; i++)
			json_array_append_new(
				names, text_json(plan_node_name(report->plan, wave->members[i])));
		json_array_append_new(
			all, json_pack("{s:I, s:s, s:o}", "n", (json_int_t)wave->n, "tier",
				     plan_tier_name(wave->tier), "members", names));
	}
	return all;
}

json_t *report_json(const struct report *report)
{
	const struct plan *plan = report->plan;
	json_t *doc = json_pack(
		"{s:s, s:{s:o, s:s, s:b}, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o, s:o, s:o, s:o, s:o, s:o}",
		"schema", "airlock.report/1", "plan", "name", text_json(plan->name), "hash",
		plan->hash, "changed", report->plan_changed, "made_at", time_json(report->made_ms),
		"verdict", report_verdict_name(report->verdict), "summary",
		text_json(report->summary), "record", record_json(report), "budgets",
		budgets_json(&plan->budgets), "waves", waves_json(report), "stores",
		stores_json(report), "stopped", pauses_json(&report->timeline), "services",
		places_json(report), "overlaps", overlaps_json(report), "attempts",
		attempts_json(report), "gates", gates_json(report), "decisions",
		rows_json(&report->facts.decisions), "verifies", rows_json(&report->facts.verifies),
		"alarms", rows_json(&report->facts.alarms), "writers",
		rows_json(&report->facts.writers), "latency", latency_json(report));

	ENSURE(doc != NULL);
	return doc;
}
