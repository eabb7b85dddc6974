#include "cli/plan_text.h"

#include <string.h>

#include "action/action.h"
#include "base/check.h"
#include "cli/wrap.h"
#include "core/table.h"
#include "picture/picture.h"
#include "plan/reason.h"
#include "plan/text.h"

#define NAME_COLUMNS 16
#define WAVE_COLUMNS 8	       /* "Wave 1  " */
#define CROSSING_ROWS_MAX 2000 /* of all waves together */

/* Whose steps a wave takes; NULL when nothing but services moves, each by its own route. */
static const struct plan_store *decider_of(const struct plan *plan, const struct wave *wave)
{
	if (wave->decider == PLAN_NONE)
		return NULL;
	REQUIRE(wave->decider < plan->stores_count);
	return &plan->stores[wave->decider];
}

/* `name` padded, or on a line of its own when it is too long; then the text. */
static void add_row(struct buf *out, const char *name, const char *text)
{
	buf_puts(out, "    ");
	wrap_name(out, name, NAME_COLUMNS);
	wrap_text(out, text, strlen(name) < NAME_COLUMNS ? 4 + NAME_COLUMNS : NAME_COLUMNS,
		4 + NAME_COLUMNS);
}

static void add_more(struct buf *out, const char *text)
{
	wrap_text(out, text, 0, 4 + NAME_COLUMNS);
}

static void add_store(struct plan_view *v, size_t node, struct buf *out)
{
	const struct plan_store *store = &v->plan->stores[node];
	const char *lighter = plan_view_lighter(v, node);

	add_more(out, arena_printf(v->arena, "from %s", store->old));
	add_more(out, arena_printf(v->arena, "to %s", store->new));
	add_more(out, arena_printf(v->arena, "gravity %s", plan_view_gravity(v, node)));
	if (lighter)
		add_more(out, lighter);
}

/* A piece is explained once, at its first member. */
static const char *why(struct plan_view *v, size_t node)
{
	const struct sequence *q = &v->sequence;
	size_t first = q->part_nodes[q->part_first[q->part_of[node]]];

	if (first != node)
		return arena_printf(v->arena, "in one piece with %s, see there",
			plan_node_name(v->plan, first));
	return reason_why(q, node, v->arena);
}

/* What a run carries out for it, and what takes that back. */
static void add_service(struct plan_view *v, const struct plan_service *service, struct buf *out)
{
	BUF_AUTO exec = BUF_INIT;
	BUF_AUTO undo = BUF_INIT;

	if (service->move.exec == NULL)
		return;
	action_words(&exec, service->move.exec);
	action_words(&undo, service->move.undo);
	add_more(out, arena_printf(v->arena, "moved by %s", buf_str(&exec)));
	add_more(out, arena_printf(v->arena, "undone by %s", buf_str(&undo)));
}

static void add_member(struct plan_view *v, size_t node, struct buf *out)
{
	add_row(out, plan_node_name(v->plan, node), why(v, node));
	if (node < v->plan->stores_count)
		add_store(v, node, out);
	else
		add_service(v, &v->plan->services[node - v->plan->stores_count], out);
}

/* No request crosses, so it has no cost. */
static void add_early(struct plan_view *v, const struct crossing *c, struct buf *out)
{
	const struct plan_service *s = node_service(v->plan, c->from);
	BUF_AUTO line = BUF_INIT;

	buf_printf(&line,
		"%s -> %s, meant: reads new before promotion as %s, data as old as the lag",
		s->name, plan_node_name(v->plan, c->to), s->early_reader);
	wrap_text(out, buf_str(&line), 0, 4);
}

static void add_crossing(struct plan_view *v, const struct crossing *c, struct buf *out)
{
	const struct plan *plan = v->plan;
	char time[TEXT_NUMBER_BYTES];
	BUF_AUTO line = BUF_INIT;

	buf_printf(&line, "%s -> %s, %s, ", plan_node_name(plan, c->from),
		plan_node_name(plan, c->to), crossing_verbs(c));
	if (c->overlap == CROSSING_ACCIDENT)
		buf_puts(&line, "NOT DECLARED");
	else
		buf_printf(&line, "declared: \"%s\", at most %s",
			plan->overlaps[c->overlap].because,
			text_time_print(plan->overlaps[c->overlap].at_most_ms, time));
	buf_printf(&line, "; %s", plan_view_cost(v, c));
	wrap_text(out, buf_str(&line), 0, 4);
}

static void add_crossings(struct plan_view *v, const struct wave *wave, struct buf *out)
{
	size_t left = v->crossings.open[wave->n - 1];

	if (left)
		buf_puts(out, "  crosses between the environments until the next wave\n");
	for (size_t i = 0; i < v->crossings.count && left; i++) {
		if (!plan_view_lists(v, &v->crossings.list[i], wave, CROSSING_ROWS_MAX))
			continue;
		if (v->crossings.list[i].early)
			add_early(v, &v->crossings.list[i], out);
		else
			add_crossing(v, &v->crossings.list[i], out);
		left--;
	}
	if (left)
		buf_printf(out, "    and %zu that cross since an earlier wave\n", left);
}

static void add_blast(struct plan_view *v, const struct wave *wave, struct buf *out)
{
	BUF_AUTO names = BUF_INIT;
	uint32_t *nodes;
	size_t count = impact_beyond(&v->impact, wave, v->arena, &nodes);

	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++)
		buf_printf(&names, "%s%s", i ? ", " : "", plan_node_name(v->plan, nodes[i]));
	buf_puts(out, "  feels it when this wave goes wrong\n");
	wrap_text(out, buf_str(&names), 0, 4);
}

static void add_risk(struct plan_view *v, const struct wave *wave, struct buf *out)
{
	struct risk r;

	risk_make(&v->sequence, &v->crossings, &v->impact, wave, v->arena, &r);
	buf_puts(out, "  risk\n");
	add_row(out, "availability", r.availability);
	add_row(out, "integrity", r.integrity);
	add_row(out, "reversibility", r.reversibility);
	add_row(out, "load", r.load);
	if (r.merged || r.split)
		buf_puts(out, "  rejected\n");
	if (r.merged)
		wrap_text(out, r.merged, 0, 4);
	if (r.split)
		wrap_text(out, r.split, 0, 4);
}

static void add_wave(
	struct plan_view *v, const struct wave *wave, const struct out *style, struct buf *out)
{
	const struct plan_store *decider = decider_of(v->plan, wave);
	const char *what = plan_tier_name(wave->tier);

	if (decider)
		what = arena_printf(v->arena, "%s, %s, %s decides", what,
			plan_pattern_name(decider->pattern), decider->name);
	buf_printf(out, "\n%sWave %zu%s  ", out_color(style, COLOR_BOLD), wave->n,
		out_color(style, COLOR_NONE));
	wrap_text(out, what, WAVE_COLUMNS, WAVE_COLUMNS);
	for (size_t i = 0; i < wave->members_count; i++)
		add_member(v, wave->members[i], out);
	add_crossings(v, wave, out);
	add_blast(v, wave, out);
	add_risk(v, wave, out);
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

static void add_head(struct plan_view *v, const struct out *style, struct buf *out)
{
	const struct sequence *q = &v->sequence;

	const char *least = "";

	if (q->least < q->count)
		least = arena_printf(
			v->arena, " (no order within the rules has fewer than %zu)", q->least);
	wrap_text(out,
		arena_printf(v->arena, "Plan %s, %zu wave%s%s", v->plan->name, q->count,
			q->count == 1 ? "" : "s", least),
		0, 0);
	buf_printf(out, "hash %s\n\n%sPicture%s\n", v->plan->hash, out_color(style, COLOR_BOLD),
		out_color(style, COLOR_NONE));
	picture_text(q, &v->crossings, out);
}

void plan_text(struct plan_view *v, const struct problems *problems, const struct out *style,
	struct buf *out)
{
	add_head(v, style, out);
	for (size_t i = 0; i < v->sequence.count; i++)
		add_wave(v, &v->sequence.waves[i], style, out);
	if (has_stores(&v->sequence))
		add_steps(style, out);
	if (problems->refusals)
		buf_printf(out,
			"\n%sRefused%s  `airlock run` does not begin with this plan: %zu "
			"reason%s above\n",
			out_color(style, COLOR_RED), out_color(style, COLOR_NONE),
			problems->refusals, problems->refusals == 1 ? "" : "s");
	buf_printf(out, "\nTo approve exactly this plan: airlock approve %.12s\n", v->plan->hash);
}
