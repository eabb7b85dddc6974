#include "base/check.h"
#include "picture/picture.h"

static void wave(const struct sequence *q, const struct wave *w, struct buf *out)
{
	buf_printf(out, "  subgraph cluster_%zu {\n    label=\"Wave %zu, %s\"; rank=same;\n", w->n,
		w->n, plan_tier_name(w->tier));
	for (size_t i = 0; i < w->members_count; i++)
		buf_printf(out, "    \"%s\"%s;\n", plan_node_name(q->plan, w->members[i]),
			w->members[i] < q->plan->stores_count ? " [shape=cylinder]" : "");
	buf_puts(out, "  }\n");
}

/* What does not talk: an order, and what is put together. */
static void order(const struct sequence *q, const struct tie *edge, struct buf *out)
{
	bool apart = q->wave_of[edge->from] != q->wave_of[edge->to];

	if (edge->kind & EDGE_TALKS && apart)
		return; /* a crossing, drawn as one */
	if (edge->kind == EDGE_TOGETHER && edge->from < edge->to)
		return;
	buf_printf(out, "  \"%s\" -> \"%s\" [label=\"%s\"%s];\n",
		plan_node_name(q->plan, edge->from), plan_node_name(q->plan, edge->to),
		tie_verb((enum tie_kind)edge->kind),
		edge->kind & EDGE_TALKS ? "" : ", style=dotted");
}

void picture_dot(const struct sequence *q, const struct crossings *crossings, struct buf *out)
{
	REQUIRE(crossings != NULL);
	buf_printf(out,
		"// An arrow leads to what is depended on; dotted only orders; red crosses "
		"undeclared.\ndigraph \"%s\" {\n  rankdir=TB; newrank=true; node [shape=box];\n",
		q->plan->name);
	for (size_t w = 0; w < q->count; w++)
		wave(q, &q->waves[w], out);
	for (size_t i = 0; i < crossings->count; i++) {
		const struct crossing *c = &crossings->list[i];

		buf_printf(out, "  \"%s\" -> \"%s\" [label=\"%s\", color=%s%s];\n",
			plan_node_name(q->plan, c->from), plan_node_name(q->plan, c->to),
			crossing_verbs(c),
			crossing_is_accident(c) ? "red, penwidth=2" : "orange",
			c->kinds & EDGE_WRITES ? "" : ", style=dashed");
	}
	for (size_t i = 0; i < q->graph.count; i++)
		order(q, &q->graph.edges[i], out);
	buf_puts(out, "}\n");
}
