#include "cli/plan_text.h"

#include <string.h>

#include "base/check.h"
#include "cli/wrap.h"
#include "core/table.h"

#define NAME_COLUMNS 16

/* Whose steps a wave takes; NULL when nothing but services moves, each by its own route. */
static const struct plan_store *decider_of(const struct plan *plan, const struct wave *wave)
{
	if (wave->decider == PLAN_NONE)
		return NULL;
	REQUIRE(wave->decider < plan->stores_count);
	return &plan->stores[wave->decider];
}

/* `name` padded, or on a line of its own when it is too long. */
static void add_label(struct buf *out, const char *name)
{
	if (strlen(name) < NAME_COLUMNS)
		buf_printf(out, "    %-*s", NAME_COLUMNS, name);
	else
		buf_printf(out, "    %s\n    %*s", name, NAME_COLUMNS, "");
}

static void add_member(const struct plan *plan, size_t node, const char *why, struct buf *out)
{
	add_label(out, plan_node_name(plan, node));
	wrap_text(out, why, 4 + NAME_COLUMNS, 4 + NAME_COLUMNS);
	if (node < plan->stores_count) {
		const struct plan_store *store = &plan->stores[node];
		BUF_AUTO line = BUF_INIT;

		buf_printf(&line, "from %s", store->old);
		wrap_text(out, buf_str(&line), 0, 4 + NAME_COLUMNS);
		buf_clear(&line);
		buf_printf(&line, "to %s", store->new);
		wrap_text(out, buf_str(&line), 0, 4 + NAME_COLUMNS);
	}
}

static void add_crossings(const struct plan *plan, const struct wave *wave, struct buf *out)
{
	if (wave->crossings_count)
		buf_puts(out, "  crosses between the environments until the next wave\n");
	for (size_t i = 0; i < wave->crossings_count; i++) {
		const struct crossing *c = &wave->crossings[i];

		buf_printf(out, "    %s -> %s, %s\n", plan_node_name(plan, c->from),
			plan_node_name(plan, c->to), c->intended ? "declared" : "NOT DECLARED");
	}
}

static void add_blast(const struct plan *plan, const struct wave *wave, struct buf *out)
{
	BUF_AUTO names = BUF_INIT;

	if (wave->blast_count == 0)
		return;
	for (size_t i = 0; i < wave->blast_count; i++)
		buf_printf(&names, "%s%s", i ? ", " : "", plan_node_name(plan, wave->blast[i]));
	buf_puts(out, "  feels it when this wave goes wrong\n");
	wrap_text(out, buf_str(&names), 0, 4);
}

static void add_wave(
	const struct plan *plan, const struct wave *wave, const struct out *style, struct buf *out)
{
	const struct plan_store *decider = decider_of(plan, wave);

	buf_printf(out, "\n%sWave %zu%s  %s", out_color(style, COLOR_BOLD), wave->n,
		out_color(style, COLOR_NONE), plan_tier_name(wave->tier));
	if (decider)
		buf_printf(out, ", %s, %s decides", plan_pattern_name(decider->pattern),
			decider->name);
	buf_putc(out, '\n');
	for (size_t i = 0; i < wave->members_count; i++)
		add_member(plan, wave->members[i], wave->why[i], out);
	add_crossings(plan, wave, out);
	add_blast(plan, wave, out);
}

/* The phases from the first look to a way back that stands. */
static void add_steps(const struct out *style, struct buf *out)
{
	buf_printf(out, "\n%sSteps of %s%s, and what takes each back\n",
		out_color(style, COLOR_BOLD), plan_pattern_name(PATTERN_REPLICA_PROMOTION),
		out_color(style, COLOR_NONE));
	for (int phase = PHASE_READY; phase <= PHASE_RETIRED; phase++) {
		size_t count;
		const struct step *steps = table_steps((enum phase)phase, &count);

		for (size_t i = 0; i < count; i++) {
			buf_printf(out, "    %-12s%-12s", i ? "" : phase_name((enum phase)phase),
				verb_word(steps[i].verb));
			wrap_text(out, verb_undo(steps[i].verb), 28, 28);
		}
	}
}

static bool has_stores(const struct sequence *sequence)
{
	for (size_t i = 0; i < sequence->count; i++)
		if (sequence->waves[i].decider != PLAN_NONE)
			return true;
	return false;
}

void plan_text(const struct plan *plan, const struct sequence *sequence, const struct out *style,
	struct buf *out)
{
	buf_printf(out, "Plan %s, %zu wave%s\n", plan->name, sequence->count,
		sequence->count == 1 ? "" : "s");
	buf_printf(out, "hash %s\n", plan->hash);
	for (size_t i = 0; i < sequence->count; i++)
		add_wave(plan, &sequence->waves[i], style, out);
	if (has_stores(sequence))
		add_steps(style, out);
	buf_printf(out, "\nTo approve exactly this plan: airlock approve %.12s\n", plan->hash);
}

static json_t *names_json(const struct plan *plan, const size_t *nodes, size_t count)
{
	json_t *names = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(names, out_json_string(plan_node_name(plan, nodes[i])));
	return names;
}

static json_t *crossings_json(const struct plan *plan, const struct wave *wave)
{
	json_t *all = json_array();

	for (size_t i = 0; i < wave->crossings_count; i++) {
		const struct crossing *c = &wave->crossings[i];

		json_array_append_new(
			all, json_pack("{s:o, s:o, s:b}", "from",
				     out_json_string(plan_node_name(plan, c->from)), "to",
				     out_json_string(plan_node_name(plan, c->to)), "intended",
				     c->intended));
	}
	return all;
}

static json_t *steps_json(void)
{
	json_t *all = json_array();

	for (int phase = PHASE_READY; phase <= PHASE_RETIRED; phase++) {
		size_t count;
		const struct step *steps = table_steps((enum phase)phase, &count);

		for (size_t i = 0; i < count; i++)
			json_array_append_new(all,
				json_pack("{s:s, s:s, s:s}", "phase", phase_name((enum phase)phase),
					"verb", verb_word(steps[i].verb), "undo",
					verb_undo(steps[i].verb)));
	}
	return all;
}

static json_t *wave_json(const struct plan *plan, const struct wave *wave)
{
	const struct plan_store *decider = decider_of(plan, wave);
	json_t *why = json_array();

	for (size_t i = 0; i < wave->members_count; i++)
		json_array_append_new(why, out_json_string(wave->why[i]));
	return json_pack("{s:I, s:s, s:o, s:s?, s:o?, s:o, s:o, s:o, s:o}", "n",
		(json_int_t)wave->n, "tier", plan_tier_name(wave->tier), "members",
		names_json(plan, wave->members, wave->members_count), "pattern",
		decider ? plan_pattern_name(decider->pattern) : NULL, "decider",
		decider ? out_json_string(decider->name) : NULL, "why", why, "crossings",
		crossings_json(plan, wave), "blast_radius",
		names_json(plan, wave->blast, wave->blast_count), "steps",
		decider ? steps_json() : json_array());
}

static json_t *problems_json(struct problems *problems)
{
	json_t *all = json_array();

	problems_sort(problems);
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *p = &problems->rows[i];

		json_array_append_new(
			all, json_pack("{s:s, s:s, s:o, s:i, s:i, s:o, s:o}", "id", p->id,
				     "severity", problem_severity_name(p->severity), "file",
				     out_json_string(p->file), "line", p->line, "column", p->column,
				     "message", out_json_string(p->message), "help",
				     out_json_string(p->help)));
	}
	return all;
}

json_t *plan_json(
	const struct plan *plan, const struct sequence *sequence, struct problems *problems)
{
	json_t *waves = json_array();

	for (size_t i = 0; sequence && i < sequence->count; i++)
		json_array_append_new(waves, wave_json(plan, &sequence->waves[i]));
	return json_pack("{s:s, s:o, s:s?, s:o, s:o}", "schema", "airlock.plan/1", "name",
		out_json_string(plan ? plan->name : NULL), "hash", plan ? plan->hash : NULL,
		"waves", waves, "problems", problems_json(problems));
}
