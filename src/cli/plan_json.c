#include "base/check.h"
#include "cli/plan_text.h"
#include "core/table.h"
#include "plan/reason.h"

#define CROSSING_ROWS_MAX 100000 /* of all waves together */

static json_t *name_json(const struct plan *plan, size_t node)
{
	return out_json_string(plan_node_name(plan, node));
}

/* A number that may not be known. */
static json_t *known_json(double value)
{
	return value < 0 ? json_null() : json_real(value);
}

static json_t *known_integer_json(int64_t value)
{
	return value < 0 ? json_null() : json_integer(value);
}

static json_t *crossing_json(const struct plan_view *v, const struct crossing *c)
{
	const struct plan_overlap *o =
		c->overlap == CROSSING_ACCIDENT ? NULL : &v->plan->overlaps[c->overlap];
	const struct plan_service *early = c->early ? node_service(v->plan, c->from) : NULL;
	const struct gravity_edge *seen = gravity_edge_seen(&v->book, c->from, c->to);

	return json_pack("{s:o, s:o, s:b, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"from", name_json(v->plan, c->from), "to", name_json(v->plan, c->to), "intended",
		!crossing_is_accident(c), "does", crossing_verbs(c), "after_wave", (json_int_t)c->begin,
		"until_wave", (json_int_t)c->end, "because", out_json_string(o ? o->because : NULL),
		"at_most_ms", known_integer_json(o ? o->at_most_ms : -1), "pays",
		name_json(v->plan, c->from), "calls_s",
		known_json(seen ? seen->calls_s : GRAVITY_UNKNOWN), "round_trip_added_ms",
		known_json(seen ? seen->round_trip_added_ms : GRAVITY_UNKNOWN), "cost_ms_s",
		known_json(gravity_edge_cost_ms(seen)), "measured_at_ms",
		known_integer_json(seen ? seen->measured_at_ms : -1), "early_reader",
		out_json_string(early ? early->early_reader : NULL));
}

static json_t *crossings_json(const struct plan_view *v, const struct wave *wave)
{
	json_t *all = json_array();

	for (size_t i = 0; i < v->crossings.count; i++)
		if (plan_view_lists(v, &v->crossings.list[i], wave, CROSSING_ROWS_MAX))
			json_array_append_new(all, crossing_json(v, &v->crossings.list[i]));
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

static json_t *blast_json(struct plan_view *v, const struct wave *wave)
{
	json_t *all = json_array();
	uint32_t *nodes;
	size_t count = impact_beyond(&v->impact, wave, v->arena, &nodes);

	for (size_t i = 0; i < count; i++)
		json_array_append_new(all, name_json(v->plan, nodes[i]));
	return all;
}

static void add_rejected(json_t *all, const char *cutting, const char *cost)
{
	if (cost)
		json_array_append_new(all,
			json_pack("{s:s, s:o}", "cutting", cutting, "cost", out_json_string(cost)));
}

static json_t *risk_json(const struct risk *r)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:I}", "availability",
		out_json_string(r->availability), "integrity", out_json_string(r->integrity),
		"reversibility", out_json_string(r->reversibility), "load",
		out_json_string(r->load), "human_actions", (json_int_t)r->human_actions,
		"decisions", (json_int_t)r->decisions, "undo_ms", known_integer_json(r->undo_ms),
		"radius", (json_int_t)r->radius);
}

static json_t *words_json(char *const *argv)
{
	json_t *words = json_array();

	for (size_t i = 0; argv && argv[i]; i++)
		json_array_append_new(words, out_json_string(argv[i]));
	return words;
}

/* The commands of the wave's services, in plan order. */
static json_t *moves_json(const struct plan *plan, const struct wave *wave)
{
	json_t *all = json_array();

	for (size_t i = 0; i < wave->members_count; i++) {
		const struct plan_service *s;

		if (wave->members[i] < plan->stores_count)
			continue;
		s = &plan->services[wave->members[i] - plan->stores_count];
		if (s->move.exec != NULL)
			json_array_append_new(all,
				json_pack("{s:o, s:o, s:o, s:o, s:I}", "service",
					out_json_string(s->name), "exec", words_json(s->move.exec),
					"observe", words_json(s->move.observe), "undo",
					words_json(s->move.undo), "timeout_ms",
					(json_int_t)s->move.timeout_ms));
	}
	return all;
}

static json_t *wave_json(struct plan_view *v, const struct wave *wave)
{
	const struct plan *plan = v->plan;
	const struct plan_store *decider =
		wave->decider == PLAN_NONE ? NULL : &plan->stores[wave->decider];
	json_t *members = json_array(), *why = json_array(), *rejected = json_array();
	struct risk risk;

	risk_make(&v->sequence, &v->crossings, &v->impact, wave, v->arena, &risk);
	for (size_t i = 0; i < wave->members_count; i++) {
		json_array_append_new(members, name_json(plan, wave->members[i]));
		json_array_append_new(
			why, out_json_string(reason_why(&v->sequence, wave->members[i], v->arena)));
	}
	add_rejected(rejected, "with the next wave", risk.merged);
	add_rejected(rejected, "each piece alone", risk.split);
	return json_pack("{s:I, s:s, s:o, s:s?, s:o?, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "n",
		(json_int_t)wave->n, "tier", plan_tier_name(wave->tier), "members", members,
		"pattern", decider ? plan_pattern_name(decider->pattern) : NULL, "decider",
		decider ? out_json_string(decider->name) : NULL, "why", why, "crossings",
		crossings_json(v, wave), "crossings_open",
		(json_int_t)v->crossings.open[wave->n - 1], "blast_radius", blast_json(v, wave),
		"risk", risk_json(&risk), "rejected", rejected, "steps",
		decider ? steps_json() : json_array(), "moves", moves_json(plan, wave));
}

static json_t *gravity_json(const struct plan_view *v, size_t store)
{
	const struct gravity_store *seen = gravity_seen(&v->book, store);
	struct gravity_store none;
	struct gravity g = gravity_of(seen, gravity_declared_writers(v->plan, store));

	gravity_store_init(&none);
	seen = seen ? seen : &none;
	return json_pack("{s:o, s:f, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o}",
		"store", name_json(v->plan, store), "gravity", g.sum, "complete", g.complete,
		"size", known_json(g.size), "rate", known_json(g.rate), "writers",
		known_json(g.writers), "strangers", known_json(g.strangers), "bytes",
		known_integer_json(seen->bytes), "rows_written_s", known_json(seen->rows_written_s),
		"xacts_s", known_json(seen->xacts_s), "writers_seen",
		known_integer_json(seen->writers), "writers_declared",
		(json_int_t)gravity_declared_writers(v->plan, store), "measured_at_ms",
		known_integer_json(seen->measured_at_ms), "lighter",
		out_json_string(plan_view_lighter(v, store)));
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

static json_t *edges_json(const struct plan_view *v, size_t node, bool own)
{
	const struct graph *g = &v->sequence.graph;
	json_t *all = json_array();

	for (size_t i = 0; i < g->count; i++) {
		const struct tie *edge = &g->edges[i];
		uint32_t other = own ? edge->to : edge->from;

		if ((own ? edge->from : edge->to) == node)
			json_array_append_new(
				all, json_pack("{s:o, s:s, s:I}", "name", name_json(v->plan, other),
					     "does", tie_verb((enum tie_kind)edge->kind), "wave",
					     (json_int_t)v->sequence.wave_of[other]));
	}
	return all;
}

static json_t *why_json(struct plan_view *v, size_t node)
{
	struct placement p;
	json_t *rejected = json_array(), *chain = json_array();

	reason_placement(&v->sequence, &v->impact, node, v->arena, &p);
	add_rejected(rejected, "one wave earlier", p.earlier);
	add_rejected(rejected, "one wave later", p.later);
	add_rejected(rejected, "alone", p.alone);
	for (size_t i = 0; i < p.chain_count; i++)
		json_array_append_new(chain, out_json_string(p.chain[i]));
	return json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
		name_json(v->plan, node), "wave", (json_int_t)v->sequence.wave_of[node], "why",
		out_json_string(p.why), "override", out_json_string(p.override), "not_earlier",
		out_json_string(p.not_earlier), "not_later", out_json_string(p.not_later),
		"depends_on", edges_json(v, node, true), "used_by", edges_json(v, node, false),
		"rejected", rejected, "chain", chain);
}

json_t *plan_json(struct plan_view *v, size_t why, struct problems *problems)
{
	json_t *waves = json_array(), *gravity = json_array(), *doc;

	for (size_t i = 0; v && i < v->sequence.count; i++)
		json_array_append_new(waves, wave_json(v, &v->sequence.waves[i]));
	for (size_t i = 0; v && i < v->plan->stores_count; i++)
		json_array_append_new(gravity, gravity_json(v, i));
	doc = json_pack("{s:s, s:o, s:s?, s:o, s:o, s:o, s:I}", "schema", "airlock.plan/1", "name",
		out_json_string(v ? v->plan->name : NULL), "hash", v ? v->plan->hash : NULL,
		"waves", waves, "problems", problems_json(problems), "gravity", gravity, "refusals",
		(json_int_t)problems->refusals);
	if (v)
		json_object_set_new(
			doc, "waves_least", json_integer((json_int_t)v->sequence.least));
	if (v && why != PLAN_NONE)
		json_object_set_new(doc, "why", why_json(v, why));
	ENSURE(doc != NULL);
	return doc;
}
