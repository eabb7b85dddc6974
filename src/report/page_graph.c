/* What depends on what, in layers by wave: a picture, and the same in words. */
#include "base/check.h"
#include "picture/picture.h"
#include "plan/overlap.h"
#include "plan/reason.h"
#include "report/page_parts.h"
#include "report/page_sections.h"

#define NODES_MAX 400 /* beyond it a picture on a page shows nothing */

static size_t nodes_of(const struct plan *plan)
{
	return plan->stores_count + plan->services_count;
}

static void picture(const struct report *report, const struct crossings *crossings,
	struct arena *arena, struct buf *out)
{
	const char **writes = arena_calloc(arena, report->plan->stores_count + 1, sizeof *writes);
	const struct picture_look look = {.writes = writes};

	for (size_t i = 0; i < report->plan->stores_count; i++)
		writes[i] = report_writes(report, i);
	page_scroll(out, "Waves, the picture");
	picture_svg(&report->sequence, crossings, &look, out);
	page_scroll_end(out);
	buf_puts(out, "<p class=\"note\">Arrows point to what is depended on: solid writes, dashed "
		      "reads, dotted an order. Coloured: crosses between the environments while "
		      "waves are under way. The pointer on a box shows its arrows.</p>\n");
}

/* ---- in words -------------------------------------------------------------------------------- */

static void wave_row(const struct report *report, const struct wave *wave,
	const struct crossings *crossings, struct arena *arena, struct buf *out)
{
	size_t told = 0;

	buf_printf(out, "<tr><th scope=\"row\">%zu</th><td>%s</td><td class=\"wide\">", wave->n,
		plan_tier_name(wave->tier));
	for (size_t i = 0; i < wave->members_count; i++) {
		buf_puts(out, i ? "<br><strong>" : "<strong>");
		html_text(out, plan_node_name(report->plan, wave->members[i]));
		buf_puts(out, "</strong>: ");
		html_text(out, reason_why(&report->sequence, wave->members[i], arena));
	}
	buf_puts(out, "</td><td class=\"wide\">");
	for (size_t i = 0; i < crossings->count; i++) {
		const struct crossing *c = &crossings->list[i];

		if (!crossing_is_open(c, wave->n))
			continue;
		buf_puts(out, told++ ? "<br>" : "");
		html_text(out, plan_node_name(report->plan, c->from));
		buf_puts(out, " \u2192 ");
		html_text(out, plan_node_name(report->plan, c->to));
		buf_puts(out, c->early			  ? ", reads new before promotion"
			      : crossing_is_accident(c) ? ", <strong>NOT DECLARED</strong>"
							: ", declared");
	}
	buf_puts(out, "</td></tr>\n");
}

static void words(const struct report *report, const struct crossings *crossings,
	struct arena *arena, struct buf *out)
{
	page_scroll(out, "Waves, the table");
	buf_puts(out, "<table><thead><tr><th scope=\"col\">Wave</th><th scope=\"col\">Tier</th>"
		      "<th scope=\"col\">Members, and why here</th><th scope=\"col\">Crosses until "
		      "the next wave</th></tr></thead><tbody>\n");
	for (size_t w = 0; w < report->sequence.count; w++)
		wave_row(report, &report->sequence.waves[w], crossings, arena, out);
	buf_puts(out, "</tbody></table>\n");
	page_scroll_end(out);
}

void page_graph(const struct report *report, struct buf *out)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct crossings crossings;

	crossings_find(&report->sequence, &arena, &crossings);
	page_section(out, "graph", "What moves in which wave", NULL);
	if (nodes_of(report->plan) <= NODES_MAX)
		picture(report, &crossings, &arena, out);
	words(report, &crossings, &arena, out);
	buf_puts(out, "</section>\n");
}
