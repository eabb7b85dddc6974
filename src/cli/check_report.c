#include "cli/check_report.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "cli/wrap.h"

#define FINDINGS_SHOWN 5 /* of one hazard; the rest is counted, JSON has all */
#define INDENT 12
#define EVIDENCE_SHORT 60 /* shorter ones are told again */
#define EVIDENCE_COLUMN 24

/* ---- for people ---------------------------------------------------------------------------- */

static enum out_color state_color(const struct gate_result *result)
{
	if (result->answer.state == GATE_PASS)
		return COLOR_GREEN;
	return gate_refuses(result) ? COLOR_RED : COLOR_YELLOW;
}

/* `before` is the gate above, or NULL: a server that is down is not told seven times. */
static void gate_text(
	struct out *out, const struct gate_result *result, const struct gate_result *before)
{
	bool same =
		before != NULL && before->answer.state == result->answer.state &&
		result->answer.evidence.len > EVIDENCE_SHORT &&
		strcmp(buf_str(&before->answer.evidence), buf_str(&result->answer.evidence)) == 0;
	const char *state = gate_state_name(result->answer.state);
	BUF_AUTO text = BUF_INIT;

	buf_printf(&text, "%-10s %s%-12s%s ", result->id, out_color(out, state_color(result)),
		state, out_color(out, COLOR_NONE));
	wrap_text(&text, same ? "the same" : buf_str(&result->answer.evidence), EVIDENCE_COLUMN,
		EVIDENCE_COLUMN);
	if (!same && result->answer.remedy.len > 0 && result->answer.state != GATE_PASS) {
		buf_printf(&text, "%*s", EVIDENCE_COLUMN, "");
		buf_puts(&text, "-> ");
		wrap_text(&text, buf_str(&result->answer.remedy), EVIDENCE_COLUMN + 3,
			EVIDENCE_COLUMN + 3);
	}
	out_text(out, &text);
}

static bool same_kind(const struct hazard_found *a, const struct hazard_found *b)
{
	return a->hazard == b->hazard && a->proven == b->proven;
}

static void found_text(struct out *out, const struct hazard_found *found)
{
	BUF_AUTO text = BUF_INIT;
	BUF_AUTO line = BUF_INIT;

	buf_printf(&line, "%s%s", found->object, *found->object ? " " : "");
	if (found->sided)
		buf_printf(&line, "on %s: ", side_name(found->side));
	buf_puts(&line, found->detail);
	wrap_text(&text, buf_str(&line), 0, 4);
	if (*found->remedy) {
		buf_puts(&text, "    -> ");
		wrap_text(&text, found->remedy, 7, 7);
	}
	out_text(out, &text);
}

/* Rows of one hazard stand together, so a kind ends where the next row is of another. */
static void hazard_text(
	struct out *out, const struct hazard_report *report, size_t first, size_t count)
{
	const struct hazard_found *found = &report->rows[first];
	BUF_AUTO head = BUF_INIT;

	buf_printf(&head, "\n%s%s%s %s: %s", out_color(out, COLOR_BOLD), found->hazard->name,
		out_color(out, COLOR_NONE),
		!found->proven ? "NOT PROVEN" : hazard_severity_name(found->hazard->severity),
		found->hazard->title);
	out_data(out, "%s\n", buf_str(&head));
	for (size_t i = 0; i < count && i < FINDINGS_SHOWN; i++)
		found_text(out, &report->rows[first + i]);
	if (count > FINDINGS_SHOWN)
		out_data(out, "    and %zu more (--json lists them)\n", count - FINDINGS_SHOWN);
}

/* What refuses comes first. */
static void hazards_text(struct out *out, const struct hazard_report *report, bool refusing)
{
	for (size_t i = 0; i < report->count;) {
		size_t count = 1;

		while (i + count < report->count &&
			same_kind(&report->rows[i], &report->rows[i + count]))
			count++;
		if (hazard_refuses(&report->rows[i]) == refusing &&
			(report->rows[i].hazard->severity != HAZARD_WATCH || out->verbose))
			hazard_text(out, report, i, count);
		i += count;
	}
}

static void laws_text(struct out *out, const struct gate_world *world)
{
	if (world->laws_count == 0)
		return;
	out_data(out, "\n%-5s %-5s %-11s %s\n", "LAW", "SIDE", "IS", "BECAUSE");
	for (size_t i = 0; i < world->laws_count; i++) {
		const struct law_row *row = &world->laws[i];
		BUF_AUTO text = BUF_INIT;

		buf_printf(&text, "%-5d %-5s %-11s ", row->law, side_name(row->side),
			law_state_name(row->state));
		wrap_text(&text, row->what, EVIDENCE_COLUMN, EVIDENCE_COLUMN);
		out_text(out, &text);
	}
}

static void verdict_text(struct out *out, const struct gates_round *round)
{
	BUF_AUTO names = BUF_INIT;

	for (size_t i = 0; i < round->count; i++)
		if (gate_refuses(&round->results[i]))
			buf_printf(&names, "%s%s", names.len > 0 ? ", " : "", round->results[i].id);
	if (names.len == 0)
		out_data(out, "\n%sready%s\n", out_color(out, COLOR_GREEN),
			out_color(out, COLOR_NONE));
	else
		out_data(out, "\n%snot ready%s: %s\n", out_color(out, COLOR_RED),
			out_color(out, COLOR_NONE), buf_str(&names));
}

void check_text(struct out *out, const struct gates_round *round)
{
	for (size_t i = 0; i < round->count; i++)
		gate_text(out, &round->results[i], i > 0 ? &round->results[i - 1] : NULL);
	for (size_t i = 0; i < round->worlds_count; i++) {
		const struct gate_world *world = &round->worlds[i];

		if (round->worlds_count > 1 && (world->hazards.count > 0 || world->laws_count > 0))
			out_data(out, "\nstore %s\n", world->plan_store->name);
		hazards_text(out, &world->hazards, true);
		hazards_text(out, &world->hazards, false);
		laws_text(out, world);
	}
	verdict_text(out, round);
}

/* ---- for programs -------------------------------------------------------------------------- */

static json_t *stamp_json(int64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm tm;
	char text[32];

	ENSURE(gmtime_r(&when, &tm) != NULL);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

json_t *check_gate_json(const struct gate_result *result)
{
	const struct gate_answer *answer = &result->answer;
	bool measured = answer->valid_s > 0;

	return json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:o}", "id", result->id, "state",
		gate_state_name(answer->state), "required", result->required, "evidence",
		out_json_string(buf_str(&answer->evidence)), "remedy",
		out_json_string(buf_str(&answer->remedy)), "measured_at",
		measured ? stamp_json(answer->measured_at_s) : json_null(), "valid_until",
		measured ? stamp_json(answer->measured_at_s + answer->valid_s) : json_null());
}

static void add_findings(json_t *list, const struct gate_world *world)
{
	for (size_t i = 0; i < world->hazards.count; i++) {
		const struct hazard_found *f = &world->hazards.rows[i];

		json_array_append_new(list,
			json_pack("{s:o, s:s, s:s, s:b, s:b, s:s, s:o, s:o, s:o}", "store",
				out_json_string(world->plan_store->name), "id", f->hazard->name,
				"severity", hazard_severity_name(f->hazard->severity), "proven",
				f->proven, "refuses", hazard_refuses(f), "side",
				f->sided ? side_name(f->side) : "both", "object",
				out_json_string(f->object), "detail", out_json_string(f->detail),
				"remedy", out_json_string(f->remedy)));
	}
}

static void add_laws(json_t *list, const struct gate_world *world)
{
	static const char *const states[] = {"enforced", "watched", "not-proven"};

	for (size_t i = 0; i < world->laws_count; i++) {
		const struct law_row *row = &world->laws[i];

		json_array_append_new(
			list, json_pack("{s:o, s:s, s:i, s:s, s:o}", "store",
				      out_json_string(world->plan_store->name), "side",
				      side_name(row->side), "law", row->law, "state",
				      states[row->state], "because", out_json_string(row->what)));
	}
}

json_t *check_json(const struct gates_round *round)
{
	json_t *gates = json_array(), *findings = json_array(), *laws = json_array();

	for (size_t i = 0; i < round->count; i++)
		json_array_append_new(gates, check_gate_json(&round->results[i]));
	for (size_t i = 0; i < round->worlds_count; i++) {
		add_findings(findings, &round->worlds[i]);
		add_laws(laws, &round->worlds[i]);
	}
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "schema", "airlock.check/1", "verdict",
		gates_ready(round) ? "ready" : "not-ready", "gates", gates, "findings", findings,
		"laws", laws);
}

/* ---- for Nagios ---------------------------------------------------------------------------- */

static size_t warnings(const struct gates_round *round)
{
	size_t count = 0;

	for (size_t i = 0; i < round->worlds_count; i++)
		for (size_t k = 0; k < round->worlds[i].hazards.count; k++) {
			const struct hazard_found *f = &round->worlds[i].hazards.rows[k];

			count += f->proven && f->hazard->severity == HAZARD_WARN;
		}
	return count;
}

int check_nagios(struct out *out, const struct gates_round *round)
{
	static const char *const names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
	const struct gate_result *worst = NULL;
	size_t failed = 0, unproven = 0, warned = warnings(round);
	BUF_AUTO line = BUF_INIT;
	int code;

	for (size_t i = 0; i < round->count; i++) {
		const struct gate_result *result = &round->results[i];
		bool fails = result->answer.state == GATE_FAIL;

		if (!gate_refuses(result))
			continue;
		failed += fails;
		unproven += !fails;
		if (worst == NULL || (fails && worst->answer.state != GATE_FAIL))
			worst = result;
	}
	code = failed > 0 ? 2 : unproven > 0 ? 3 : warned > 0 ? 1 : 0;
	/* A bar begins the figures. */
	if (worst != NULL)
		out_safe(&line, buf_str(&worst->answer.evidence));
	else
		buf_puts(&line, warned > 0 ? "see airlock check" : "every required gate passes");
	for (size_t i = 0; i < line.len; i++)
		if (line.data[i] == '|')
			line.data[i] = '/';
	out_data(out, "AIRLOCK %s - %s%s%s | failed=%zu not_proven=%zu warnings=%zu\n", names[code],
		worst != NULL ? worst->id : "", worst != NULL ? ": " : "", buf_str(&line), failed,
		unproven, warned);
	return code;
}
