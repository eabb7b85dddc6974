#include <string.h>

#include "base/check.h"
#include "cli/plan_text.h"
#include "cli/wrap.h"
#include "plan/reason.h"

#define LABEL 15
#define EDGES_TOLD_MAX 40
#define CHAIN_TOLD_MAX 20

static void add_row(struct buf *out, const char *label, const char *text)
{
	if (!text)
		return;
	buf_printf(out, "  %-*s", LABEL - 2, label);
	wrap_text(out, text, LABEL, LABEL);
}

/* "wave 2, one before", seen from the node's own wave. */
static const char *distance(const struct plan_view *v, size_t node, size_t other)
{
	size_t own = v->sequence.wave_of[node], its = v->sequence.wave_of[other];

	if (own == its)
		return "the same wave";
	return arena_printf(v->arena, "wave %zu, %zu %s", its, own > its ? own - its : its - own,
		own > its ? "before" : "after");
}

static const struct crossing *crossing_of(const struct plan_view *v, const struct tie *edge)
{
	for (size_t i = 0; i < v->crossings.count; i++)
		if (v->crossings.list[i].from == edge->from && v->crossings.list[i].to == edge->to)
			return &v->crossings.list[i];
	return NULL;
}

static const char *edge_text(const struct plan_view *v, const struct tie *edge, size_t node)
{
	bool own = edge->from == node;
	uint32_t other = own ? edge->to : edge->from;
	const struct crossing *c = edge->kind & EDGE_TALKS ? crossing_of(v, edge) : NULL;

	return arena_printf(v->arena, own ? "%s, which it %s: %s%s" : "%s, which %s it: %s%s",
		plan_node_name(v->plan, other), tie_verb((enum tie_kind)edge->kind),
		distance(v, node, other),
		!c			  ? ""
		: c->early		  ? "; reads new meanwhile, data as old as the lag"
		: crossing_is_accident(c) ? "; crosses meanwhile, NOT DECLARED"
					  : "; crosses meanwhile, declared");
}

/* What it depends on, or what depends on it. */
static void add_edges(const struct plan_view *v, size_t node, bool own, struct buf *out)
{
	const struct graph *g = &v->sequence.graph;
	size_t told = 0, left = 0;

	for (size_t i = 0; i < g->count; i++) {
		const struct tie *edge = &g->edges[i];

		if ((own ? edge->from : edge->to) != node)
			continue;
		if (told >= EDGES_TOLD_MAX)
			left++;
		else
			add_row(out,
				told++ ? ""
				: own  ? "depends on"
				       : "used by",
				edge_text(v, edge, node));
	}
	if (left)
		add_row(out, "", arena_printf(v->arena, "and %zu more", left));
	if (!told)
		add_row(out, own ? "depends on" : "used by", "nothing");
}

/* The newest part of a long one. */
static void add_chain(const struct plan_view *v, const struct placement *p, struct buf *out)
{
	size_t first = p->chain_count > CHAIN_TOLD_MAX ? p->chain_count - CHAIN_TOLD_MAX : 0;

	if (first)
		add_row(out, "chain", arena_printf(v->arena, "%zu before these", first));
	for (size_t i = first; i < p->chain_count; i++)
		add_row(out, i ? "" : "chain", p->chain[i]);
}

void plan_why(struct plan_view *v, size_t node, const struct out *style, struct buf *out)
{
	const struct sequence *q = &v->sequence;
	struct placement p;

	REQUIRE(node < q->graph.nodes);
	reason_placement(q, &v->impact, node, v->arena, &p);
	buf_printf(out, "%s%s%s  ", out_color(style, COLOR_BOLD), plan_node_name(v->plan, node),
		out_color(style, COLOR_NONE));
	wrap_text(out,
		arena_printf(v->arena, "wave %u of %zu, %s", q->wave_of[node], q->count,
			plan_tier_name(node_tier(v->plan, node))),
		strlen(plan_node_name(v->plan, node)) + 2, 2);
	add_row(out, "why here", p.why);
	add_row(out, "plan says", p.override);
	if (node < v->plan->stores_count) {
		add_row(out, "gravity", plan_view_gravity(v, node));
		add_row(out, "", plan_view_lighter(v, node));
	}
	add_edges(v, node, true, out);
	add_edges(v, node, false, out);
	add_chain(v, &p, out);
	add_row(out, "not earlier", p.not_earlier);
	add_row(out, "not later", p.not_later);
	buf_puts(out, "  rejected\n");
	add_row(out, "  earlier", p.earlier);
	add_row(out, "  later", p.later);
	add_row(out, "  alone", p.alone);
	if (!p.earlier && !p.later && !p.alone)
		add_row(out, "", "there is only one wave, and nothing else in it");
}
