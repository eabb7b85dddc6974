#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "picture/layout.h"
#include "picture/picture.h"
#include "picture/wire.h"

#define ROOMY_CHARS 19
#define TIGHT_CHARS 17

/* The page's colours where it has some, else these. */
static const char style[] =
	"<style>"
	".waves{color-scheme:light dark;font-family:system-ui,\"DejaVu Sans\",sans-serif}"
	".waves text{fill:var(--ink,#14181f)}.waves .dim{fill:var(--dim,#545d6b)}"
	".waves .band{fill:var(--soft,#eceff3)}.waves .tip{fill:var(--dim,#545d6b)}"
	".waves .box{fill:var(--card,#fff);stroke:var(--dim,#545d6b);stroke-width:1.2}"
	".waves .box.store{stroke-width:2.6}.waves .box.old{stroke:var(--old,#3b4fb8)}"
	".waves .box.new{stroke:var(--new,#0a6b5e)}.waves .box.unknown{stroke-dasharray:4 3}"
	".waves path{fill:none;stroke:var(--dim,#545d6b);stroke-width:1.2}"
	".waves .reads{stroke-dasharray:6 3}.waves .orders{stroke-dasharray:1.5 3}"
	".waves .meant{stroke:var(--warn,#7a4b00);stroke-width:1.8}"
	".waves .accident{stroke:var(--bad,#a01520);stroke-width:2.4}"
	".waves .many path{stroke-opacity:.32}.waves .many "
	".accident{stroke-opacity:.75;stroke-width:1.5}"
	".waves use{visibility:hidden;pointer-events:none}"
	".waves .n:hover use{visibility:visible;stroke-opacity:1}"
	".waves .n:hover .box{stroke:var(--link,#23409f);stroke-width:3}"
	".waves marker .tip{stroke:none}.waves marker .meant{fill:var(--warn,#7a4b00)}"
	".waves marker .accident{fill:var(--bad,#a01520)}"
	"</style>\n";

static const char page_colours[] =
	"<style>svg.waves{background:#fff}@media (prefers-color-scheme:dark){svg.waves{"
	"background:#10141a;--card:#181e26;--ink:#e7ebf0;--dim:#a3adba;--soft:#212934;"
	"--old:#93a5ff;--new:#5fd0bd;--bad:#ff8f95;--warn:#f0c069;--link:#a9b9ff}}</style>\n";

struct drawing {
	const struct sequence *q;
	const struct picture_look *look;
	const struct layout *layout;
	uint32_t *crossing; /* by edge: the crossing it belongs to, + 1 */
	const struct crossings *crossings;
	struct buf *out;
};

static void bands(const struct drawing *d)
{
	for (size_t w = 0; w < d->q->count; w++) {
		const struct wave *wave = &d->q->waves[w];
		const struct layout_band *band = &d->layout->bands[w];

		buf_printf(d->out,
			"<rect class=\"band\" x=\"0\" y=\"%d\" width=\"%d\" height=\"%d\" "
			"rx=\"8\"/><text x=\"12\" y=\"%d\" font-size=\"13\" font-weight=\"600\">"
			"Wave %zu</text><text class=\"dim\" x=\"12\" y=\"%d\" font-size=\"11\">%s"
			"</text>\n",
			band->y, d->layout->width, band->height, band->y + 20, wave->n,
			band->y + 35, plan_tier_name(wave->tier));
		if (band->height >= 60 && wave->members_count > 1)
			buf_printf(d->out,
				"<text class=\"dim\" x=\"12\" y=\"%d\" font-size=\"11\">%zu "
				"members</text>\n",
				band->y + 50, wave->members_count);
	}
}

static const char *kind_class(const struct tie *edge)
{
	return edge->kind == EDGE_WRITES ? "writes" : edge->kind == EDGE_READS ? "reads" : "orders";
}

static const char *crossing_class(const struct drawing *d, size_t i)
{
	if (!d->crossing[i])
		return "";
	return crossing_is_accident(&d->crossings->list[d->crossing[i] - 1]) ? " accident"
									     : " meant";
}

static void wire(const struct drawing *d, size_t i)
{
	const struct tie *edge = &d->q->graph.edges[i];
	const char *crossing = crossing_class(d, i);

	buf_printf(d->out, "<path id=\"e%zu\" class=\"%s%s\" marker-end=\"url(#tip%s)\" d=\"", i,
		kind_class(edge), crossing, *crossing ? crossing + 1 : "");
	wire_path(d->q, d->layout, i, d->out);
	buf_printf(d->out, "\"><title>%s %s %s%s</title></path>\n",
		plan_node_name(d->q->plan, edge->from), tie_verb((enum tie_kind)edge->kind),
		plan_node_name(d->q->plan, edge->to),
		*crossing == '\0'	  ? ""
		: strstr(crossing, "acc") ? ", crosses, NOT DECLARED"
					  : ", crosses, declared");
}

static bool is_drawn(const struct tie *edge)
{
	return edge->kind != EDGE_TOGETHER || edge->from > edge->to;
}

static void uses(const struct drawing *d, size_t node, const struct edge_index *by)
{
	for (size_t e = by->start[node]; e < by->start[node + 1]; e++)
		if (is_drawn(graph_edge(&d->q->graph, by, e)))
			buf_printf(d->out, "<use href=\"#e%u\"/>", by->list[e]);
}

/* The middle goes: names of one kind differ at their ends. */
static void shorten(const char *name, size_t most, struct buf *out)
{
	size_t len = strlen(name), tail = most / 3;

	if (len <= most)
		buf_puts(out, name);
	else
		buf_printf(out, "%.*s…%s", (int)(most - tail - 1), name, name + len - tail);
}

/* How wide a bold letter is, in thousandths of its size: of a wide font, so rather more than less.
 */
static int letter_width(char c)
{
	static const struct {
		const char *letters;
		int width;
	} rows[] = {
		{"ijlI", 380}, {"frt-1", 500}, {"csz", 600}, {"w", 930}, {"mM", 1050}, {"W", 1110}};

	if ((unsigned char)c >> 6 == 2)
		return 0; /* the rest of an ellipsis */
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strchr(rows[i].letters, c))
			return rows[i].width;
	return c >= 'A' && c <= 'Z' ? 800 : 715;
}

/* Small enough to stay inside its box. */
static void label(const struct drawing *d, const char *name, int x, int y)
{
	bool compact = d->layout->compact;
	double size = compact ? 11 : 13, room = d->layout->box_width - 8, width = 0;
	BUF_AUTO text = BUF_INIT;

	shorten(name, compact ? TIGHT_CHARS : ROOMY_CHARS, &text);
	for (const char *c = buf_str(&text); *c; c++)
		width += letter_width(*c) / 1000.0;
	if (width * size > room)
		size = room / width;
	buf_printf(d->out,
		"<text x=\"%d\" y=\"%d\" font-size=\"%.3g\" font-weight=\"600\" "
		"text-anchor=\"middle\">%s</text>",
		x, y, size, buf_str(&text));
}

static void box(const struct drawing *d, size_t node)
{
	const struct plan *plan = d->q->plan;
	const struct layout_box *at = &d->layout->boxes[node];
	bool store = node < plan->stores_count;
	const char *writes = store && d->look->writes ? d->look->writes[node] : NULL;
	int middle = at->x + d->layout->box_width / 2;

	buf_printf(d->out,
		"<g class=\"n\"><title>%s %s</title><rect class=\"box %s %s\" x=\"%d\" y=\"%d\" "
		"width=\"%d\" height=\"%d\" rx=\"%d\"/>",
		store ? "store" : plan_tier_name(node_tier(plan, node)), plan_node_name(plan, node),
		store ? "store" : "service", writes ? writes : "", at->x, at->y,
		d->layout->box_width, d->layout->box_height, store ? 10 : 3);
	label(d, plan_node_name(plan, node), middle, at->y + (d->layout->compact ? 16 : 19));
	if (!d->layout->compact) {
		buf_printf(d->out,
			"<text class=\"dim\" x=\"%d\" y=\"%d\" font-size=\"11\" "
			"text-anchor=\"middle\">%s%s%s</text>",
			middle, at->y + 35,
			store ? plan_engine_name(plan->stores[node].engine)
			      : plan_tier_name(node_tier(plan, node)),
			writes ? ", writes: " : "", writes ? writes : "");
	}
	uses(d, node, &d->q->graph.by_first);
	uses(d, node, &d->q->graph.by_second);
	buf_puts(d->out, "</g>\n");
}

/* Edges of a pair that crosses are the crossing's. */
static uint32_t *mark_crossings(
	const struct sequence *q, const struct crossings *crossings, struct arena *arena)
{
	const struct graph *g = &q->graph;
	uint32_t *ret = arena_calloc(arena, g->count + 1, sizeof *ret);

	for (size_t c = 0; c < crossings->count; c++) {
		const struct crossing *row = &crossings->list[c];

		for (size_t i = row->edge; i < g->count && g->edges[i].from == row->from; i++)
			if (g->edges[i].to == row->to && g->edges[i].kind & EDGE_TALKS)
				ret[i] = (uint32_t)c + 1;
	}
	return ret;
}

/* One for each colour that an edge can have. */
static void tips(struct buf *out)
{
	static const char *const kinds[] = {"", "meant", "accident"};

	buf_puts(out, "<defs>");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		buf_printf(out,
			"<marker id=\"tip%s\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" "
			"markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" "
			"orient=\"auto\"><path class=\"tip %s\" d=\"M0 0L8 4L0 8z\"/></marker>",
			kinds[i], kinds[i]);
	buf_puts(out, "</defs>\n");
}

static void head(const struct drawing *d)
{
	const struct layout *l = d->layout;

	buf_printf(d->out,
		"<svg class=\"waves\" %sviewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
		"%srole=\"img\" aria-label=\"Stores and services in the order in which they "
		"move\">\n%s%s",
		d->look->alone ? "xmlns=\"http://www.w3.org/2000/svg\" " : "", l->width, l->height,
		l->width, l->height, d->look->alone ? "" : "style=\"max-width:none\" ", style,
		d->look->alone ? page_colours : "");
	tips(d->out);
}

void picture_svg(const struct sequence *q, const struct crossings *crossings,
	const struct picture_look *look, struct buf *out)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct layout layout;
	struct drawing d = {.q = q,
		.look = look,
		.layout = &layout,
		.crossing = mark_crossings(q, crossings, &arena),
		.crossings = crossings,
		.out = out};

	layout_make(q, &arena, &layout);
	head(&d);
	bands(&d);
	buf_printf(out, "<g class=\"%s\">\n", layout.compact ? "many" : "few");
	for (size_t i = 0; i < q->graph.count; i++)
		if (is_drawn(&q->graph.edges[i]))
			wire(&d, i);
	buf_puts(out, "</g>\n");
	for (size_t node = 0; node < q->graph.nodes; node++)
		box(&d, node);
	buf_puts(out, "</svg>\n");
}
