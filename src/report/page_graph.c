/* What depends on what, in layers by wave: an SVG of our own, and the crossings as a table. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "report/page_priv.h"

#define NODES_MAX 120 /* beyond it a picture shows nothing */
#define PER_LINE 4
#define BOX_WIDTH 150
#define BOX_HEIGHT 44
#define GAP_X 22
#define GAP_Y 30
#define LEFT 96
#define BAND_PAD 16
#define NAME_MAX_CHARS 19
#define WIDTH (LEFT + PER_LINE * BOX_WIDTH + (PER_LINE - 1) * GAP_X + 16)

struct place {
	int x, y; /* of the box's upper left corner */
	size_t line;
};

enum wire { WIRE_WRITES, WIRE_READS, WIRE_ORDERS };

static size_t nodes_of(const struct plan *plan)
{
	return plan->stores_count + plan->services_count;
}

static int band_height(const struct wave *wave)
{
	int lines = (int)((wave->members_count + PER_LINE - 1) / PER_LINE);

	return 2 * BAND_PAD + lines * BOX_HEIGHT + (lines - 1) * GAP_Y;
}

/* Returns the height of the whole. */
static int lay_out(const struct sequence *sequence, struct place *places)
{
	size_t line = 0;
	int y = 0;

	for (size_t w = 0; w < sequence->count; w++) {
		const struct wave *wave = &sequence->waves[w];

		for (size_t i = 0; i < wave->members_count; i++) {
			int row = (int)(i / PER_LINE), column = (int)(i % PER_LINE);

			places[wave->members[i]] = (struct place){
				LEFT + column * (BOX_WIDTH + GAP_X),
				y + BAND_PAD + row * (BOX_HEIGHT + GAP_Y), line + (size_t)row};
		}
		line += (wave->members_count + PER_LINE - 1) / PER_LINE;
		y += band_height(wave) + GAP_Y;
	}
	return y - GAP_Y;
}

static void bands(const struct sequence *sequence, struct buf *out)
{
	int y = 0;

	for (size_t w = 0; w < sequence->count; w++) {
		const struct wave *wave = &sequence->waves[w];

		buf_printf(out,
			"<rect class=\"band\" x=\"0\" y=\"%d\" width=\"%d\" height=\"%d\" "
			"rx=\"8\"/>"
			"<text x=\"12\" y=\"%d\" font-size=\"13\" font-weight=\"600\">Wave "
			"%zu</text>"
			"<text class=\"dim\" x=\"12\" y=\"%d\" font-size=\"11\">%s</text>\n",
			y, WIDTH, band_height(wave), y + BAND_PAD + 16, wave->n, y + BAND_PAD + 32,
			plan_tier_name(wave->tier));
		y += band_height(wave) + GAP_Y;
	}
}

/* "" when no crossing is expected between them, else the class of what is. */
static const char *crossing_kind(const struct report *report, size_t from, size_t to)
{
	for (size_t i = 0; i < report->timeline.overlaps_count; i++) {
		const struct overlap *o = &report->timeline.overlaps[i];

		if (o->from == from && o->to == to)
			return o->intended ? " meant" : " accident";
	}
	return "";
}

static void wire(const struct report *report, const struct place *places, size_t from, size_t to,
	enum wire kind, struct buf *out)
{
	static const char *const kinds[] = {
		[WIRE_WRITES] = "writes", [WIRE_READS] = "reads", [WIRE_ORDERS] = "orders"};
	const struct place *a = &places[from], *b = &places[to];
	int ax = a->x + BOX_WIDTH / 2, bx = b->x + BOX_WIDTH / 2;
	int ay = a->line < b->line || a->line == b->line ? a->y + BOX_HEIGHT : a->y;
	int by = a->line < b->line ? b->y : b->y + BOX_HEIGHT;
	int bend = a->line == b->line ? GAP_Y / 2 + 8 : abs(by - ay) / 2 + 6;
	int away = a->line > b->line ? -bend : bend, arrive = a->line < b->line ? -bend : bend;

	/* Ends of several wires beside each other, not on one point. */
	ax += (int)((to * 13) % 41) - 20;
	bx += (int)((from * 13) % 41) - 20;
	buf_printf(out,
		"<path class=\"edge %s%s\" marker-end=\"url(#tip)\" d=\"M%d %dC%d %d %d %d %d "
		"%d\"><title>",
		kinds[kind], kind == WIRE_ORDERS ? "" : crossing_kind(report, from, to), ax, ay, ax,
		ay + away, bx, by + arrive, bx, by + (a->line < b->line ? -2 : 2));
	html_text(out, plan_node_name(report->plan, from));
	buf_printf(out, kind == WIRE_ORDERS ? " needs " : " %s ", kinds[kind]);
	html_text(out, plan_node_name(report->plan, to));
	buf_puts(out, "</title></path>\n");
}

static void wires_of(const struct report *report, const struct place *places, size_t from,
	const size_t *to, size_t count, enum wire kind, struct buf *out)
{
	for (size_t i = 0; i < count; i++)
		wire(report, places, from, to[i], kind, out);
}

static void wires(const struct report *report, const struct place *places, struct buf *out)
{
	const struct plan *plan = report->plan;

	for (size_t i = 0; i < plan->stores_count; i++)
		wires_of(report, places, i, plan->stores[i].needs, plan->stores[i].needs_count,
			WIRE_ORDERS, out);
	for (size_t i = 0; i < plan->services_count; i++) {
		const struct plan_service *s = &plan->services[i];
		size_t node = plan->stores_count + i;

		wires_of(report, places, node, s->needs, s->needs_count, WIRE_ORDERS, out);
		wires_of(report, places, node, s->after, s->after_count, WIRE_ORDERS, out);
		wires_of(report, places, node, s->reads, s->reads_count, WIRE_READS, out);
		wires_of(report, places, node, s->writes, s->writes_count, WIRE_WRITES, out);
	}
}

static void box(const struct report *report, const struct place *at, size_t node, struct buf *out)
{
	const struct plan *plan = report->plan;
	bool store = node < plan->stores_count;
	const char *name = plan_node_name(plan, node);

	buf_printf(out, "<g><title>%s ", store ? "store" : "service");
	html_text(out, name);
	buf_printf(out,
		"</title><rect class=\"box %s %s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
		"rx=\"%d\"/><text x=\"%d\" y=\"%d\" font-size=\"13\" font-weight=\"600\" "
		"text-anchor=\"middle\">",
		store ? "store" : "service", store ? report_writes(report, node) : "", at->x, at->y,
		BOX_WIDTH, BOX_HEIGHT, store ? 10 : 3, at->x + BOX_WIDTH / 2, at->y + 19);
	html_text_cut(out, name, NAME_MAX_CHARS);
	buf_printf(out,
		"</text><text class=\"dim\" x=\"%d\" y=\"%d\" font-size=\"11\" "
		"text-anchor=\"middle\">",
		at->x + BOX_WIDTH / 2, at->y + 35);
	if (store)
		buf_printf(out, "%s, writes: %s", plan_engine_name(plan->stores[node].engine),
			report_writes(report, node));
	else
		buf_puts(out, plan_tier_name(plan->services[node - plan->stores_count].tier));
	buf_puts(out, "</text></g>\n");
}

static void picture(const struct report *report, struct place *places, struct buf *out)
{
	int height = lay_out(&report->sequence, places);

	page_scroll(out, "Waves, the picture");
	buf_printf(out,
		"<svg viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
		"style=\"max-width:none\" role=\"img\" aria-label=\"Stores and services in the "
		"order "
		"in which they move; the tables of the plan say the same\">\n"
		"<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" "
		"markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" "
		"orient=\"auto\"><path class=\"tip\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n",
		WIDTH, height, WIDTH, height);
	bands(&report->sequence, out);
	for (size_t node = 0; node < nodes_of(report->plan); node++)
		box(report, &places[node], node, out);
	wires(report, places, out);
	buf_puts(out, "</svg>\n");
	page_scroll_end(out);
	buf_puts(out, "<p class=\"note\">Arrows point to what is depended on: solid writes, dashed "
		      "reads, dotted an order. Thick: crosses between the environments while waves "
		      "are under way.</p>\n");
}

/* ---- in words -------------------------------------------------------------------------------- */

static void wave_row(const struct report *report, const struct wave *wave, struct buf *out)
{
	buf_printf(out, "<tr><th scope=\"row\">%zu</th><td>%s</td><td class=\"wide\">", wave->n,
		plan_tier_name(wave->tier));
	for (size_t i = 0; i < wave->members_count; i++) {
		buf_puts(out, i ? "<br><strong>" : "<strong>");
		html_text(out, plan_node_name(report->plan, wave->members[i]));
		buf_puts(out, "</strong>: ");
		html_text(out, wave->why[i]);
	}
	buf_puts(out, "</td><td class=\"wide\">");
	for (size_t i = 0; i < wave->crossings_count; i++) {
		const struct crossing *c = &wave->crossings[i];

		buf_puts(out, i ? "<br>" : "");
		html_text(out, plan_node_name(report->plan, c->from));
		buf_puts(out, " \u2192 ");
		html_text(out, plan_node_name(report->plan, c->to));
		buf_puts(out, c->intended ? ", declared" : ", <strong>NOT DECLARED</strong>");
	}
	buf_puts(out, "</td></tr>\n");
}

static void words(const struct report *report, struct buf *out)
{
	page_scroll(out, "Waves, the table");
	buf_puts(out, "<table><thead><tr><th scope=\"col\">Wave</th><th scope=\"col\">Tier</th>"
		      "<th scope=\"col\">Members, and why here</th><th scope=\"col\">Crosses until "
		      "the next wave</th></tr></thead><tbody>\n");
	for (size_t w = 0; w < report->sequence.count; w++)
		wave_row(report, &report->sequence.waves[w], out);
	buf_puts(out, "</tbody></table>\n");
	page_scroll_end(out);
}

void page_graph(const struct report *report, struct buf *out)
{
	size_t nodes = nodes_of(report->plan);
	struct place *places = calloc(nodes + 1, sizeof *places);

	page_section(out, "graph", "What moves in which wave", NULL);
	if (places != NULL && nodes <= NODES_MAX)
		picture(report, places, out);
	free(places);
	words(report, out);
	buf_puts(out, "</section>\n");
}
