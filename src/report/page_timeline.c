/* Which door was open when: a picture whose columns are stretches, and the same as a table. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/check.h"
#include "report/page_parts.h"
#include "report/page_sections.h"

#define COLUMNS_MAX 240 /* of the picture; the table has them all */
#define TABLE_OPEN_MAX 40

/* The instants that the picture shows: the newest COLUMNS_MAX stretches. */
struct columns {
	const int64_t *at;
	size_t count; /* of instants; one more than columns */
};

static struct columns columns_of(const struct timeline *t)
{
	size_t left_out =
		t->instants_count > COLUMNS_MAX + 1 ? t->instants_count - COLUMNS_MAX - 1 : 0;

	return (struct columns){t->instants + left_out, t->instants_count - left_out};
}

/* Grid line at or after this instant, from 1. */
static size_t line_of(const struct columns *c, int64_t at_ms)
{
	size_t i = 0;

	while (i + 1 < c->count && c->at[i] < at_ms)
		i++;
	return i + 1;
}

/* A window is a thousandth of an hour: widths grow with the logarithm. */
static void grid(const struct columns *c, struct buf *out)
{
	buf_puts(out, "<div class=\"tl\" aria-hidden=\"true\" style=\"grid-template-columns:");
	for (size_t i = 0; i + 1 < c->count; i++)
		buf_printf(out, " minmax(4.6rem,%.2ffr)",
			1 + log10(1 + (double)(c->at[i + 1] - c->at[i])));
	buf_puts(out, "\">\n");
	for (size_t i = 0; i + 1 < c->count; i++) {
		char stamp[STAMP_BYTES];

		stamp_text(c->at[i], stamp);
		buf_puts(out, "<div class=\"axis\"><b>");
		html_span(out, (double)(c->at[i + 1] - c->at[i]));
		buf_printf(out, "</b>%.8s</div>", stamp + 11);
	}
	buf_putc(out, '\n');
}

static void label(struct buf *out, const char *name, const char *more)
{
	buf_puts(out, "<div class=\"label\"><span>");
	html_text(out, name);
	html_element(out, "small", "", more);
	buf_puts(out, "</span></div>\n");
}

static void door_cell(
	const struct columns *c, const struct stretch *s, enum side side, struct buf *out)
{
	bool nobody = strcmp(doors_writes(&s->doors), "nobody") == 0;
	enum seen_door door = s->doors.side[side];
	size_t from = line_of(c, s->from_ms), to = line_of(c, s->to_ms);

	if (s->to_ms <= c->at[0] || from >= to)
		return;
	buf_printf(out, "<div class=\"cell %s %s%s\" style=\"grid-column:%zu/%zu\">%s %s</div>",
		side_name(side), seen_door_name(door), nobody ? " both" : "", from, to,
		side_name(side), seen_door_name(door));
}

static void lane(const struct report *report, const struct columns *c, const struct lane *lane,
	struct buf *out)
{
	char shut[SPAN_BYTES];
	BUF_AUTO more = BUF_INIT;

	span_text((double)report_shut_ms(report, lane->store), shut);
	buf_printf(&more, "  both doors shut for %s in all", shut);
	label(out, report->plan->stores[lane->store].name,
		report_shut_ms(report, lane->store) > 0 ? buf_str(&more) : "");
	for (int side = 0; side < SIDE_COUNT; side++) {
		for (size_t i = 0; i < lane->count; i++)
			door_cell(c, &lane->stretches[i], (enum side)side, out);
		buf_putc(out, '\n');
	}
}

static bool is_certain(const struct overlap *o)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->spans[i].certain)
			return true;
	return false;
}

static const char *overlap_word(const struct overlap *o)
{
	if (!o->intended)
		return "NOT DECLARED";
	if (o->early && !o->declared)
		return "meant: reads new before promotion";
	return o->too_long ? "declared, LONGER than the plan allows" : "declared";
}

static void overlap_lane(const struct report *report, const struct columns *c,
	const struct overlap *o, struct buf *out)
{
	BUF_AUTO name = BUF_INIT;
	BUF_AUTO more = BUF_INIT;

	buf_printf(&name, "%s \u2192 %s", plan_node_name(report->plan, o->from),
		plan_node_name(report->plan, o->to));
	buf_printf(&more, "  %s between the environments, %s%s%s",
		is_certain(o) ? "crossed" : "may have crossed", overlap_word(o),
		o->declared ? ": " : "", o->declared ? o->declared->because : "");
	label(out, buf_str(&name), buf_str(&more));
	for (size_t i = 0; i < o->count; i++) {
		const struct overlap_span *s = &o->spans[i];
		size_t from = line_of(c, s->from_ms), to = line_of(c, s->to_ms);

		if (s->to_ms <= c->at[0] || from >= to)
			continue;
		buf_printf(out,
			"<div class=\"cell cross%s%s\" style=\"grid-column:%zu/%zu\">%s</div>",
			o->intended && !o->too_long ? "" : " accident", s->certain ? "" : " maybe",
			from, to, s->certain ? "crosses" : "may cross");
	}
	buf_putc(out, '\n');
}

/* Where services that move were, by their own observation. */
static void places(const struct report *report, const struct columns *c, struct buf *out)
{
	const struct places *all = &report->timeline.places;

	for (size_t i = 0; i < all->count; i++) {
		const struct place_lane *lane = &all->lanes[i];

		label(out, report->plan->services[lane->service].name,
			"  service, where its observation said it was");
		for (size_t k = 0; k < lane->count; k++) {
			const struct place_stretch *s = &lane->stretches[k];
			size_t from = line_of(c, s->from_ms), to = line_of(c, s->to_ms);

			if (s->to_ms > c->at[0] && from < to)
				buf_printf(out,
					"<div class=\"cell %s\" style=\"grid-column:%zu/%zu\">%s%s"
					"</div>",
					s->side == SIDE_OLD   ? "open old"
					: s->side == SIDE_NEW ? "open new"
							      : "unknown",
					from, to, s->side < SIDE_COUNT ? "on " : "", place_name(s));
		}
		buf_putc(out, '\n');
	}
}

/* One lane for each service, however often it was stopped. */
static void pauses(const struct timeline *t, const struct columns *c, struct buf *out)
{
	for (size_t i = 0; i < t->pauses_count; i++) {
		bool first = true;

		for (size_t k = 0; k < i; k++)
			first &= strcmp(t->pauses[k].service, t->pauses[i].service) != 0;
		if (!first)
			continue;
		label(out, t->pauses[i].service, "  service, stopped while its store crossed");
		for (size_t k = i; k < t->pauses_count; k++) {
			const struct pause *p = &t->pauses[k];
			size_t from = line_of(c, p->from_ms), to = line_of(c, p->to_ms);

			if (strcmp(p->service, t->pauses[i].service) == 0 && from < to)
				buf_printf(out,
					"<div class=\"cell shut\" style=\"grid-column:%zu/%zu\">"
					"stopped%s</div>",
					from, to, p->ended ? "" : ", not started again");
		}
		buf_putc(out, '\n');
	}
}

static void key(struct buf *out)
{
	buf_puts(out, "<ul class=\"key\"><li><span class=\"cell open old\"></span>old open</li>"
		      "<li><span class=\"cell open new\"></span>new open</li>"
		      "<li><span class=\"cell shut\"></span>shut</li>"
		      "<li><span class=\"cell both\"></span>both shut</li>"
		      "<li><span class=\"cell unknown\"></span>not recorded</li>"
		      "<li><span class=\"cell cross\"></span>a connection crosses (dashed: may, no "
		      "row tells where the service was)</li></ul>\n");
}

static void picture(const struct report *report, struct buf *out)
{
	const struct timeline *t = &report->timeline;
	struct columns c = columns_of(t);

	if (c.count < 2)
		return;
	page_scroll(out, "Timeline, the picture");
	grid(&c, out);
	for (size_t i = 0; i < t->lanes_count; i++)
		lane(report, &c, &t->lanes[i], out);
	places(report, &c, out);
	pauses(t, &c, out);
	for (size_t i = 0; i < t->overlaps_count; i++)
		if (t->overlaps[i].count > 0)
			overlap_lane(report, &c, &t->overlaps[i], out);
	buf_puts(out, "</div>\n");
	page_scroll_end(out);
	key(out);
	if (c.count < t->instants_count)
		buf_printf(out,
			"<p class=\"note\">The picture shows the newest %zu of %zu stretches; "
			"the table has them all.</p>\n",
			c.count - 1, t->instants_count - 1);
}

static void row_link(struct buf *out, int64_t seq)
{
	if (seq > 0)
		buf_printf(out, " <a href=\"#row-%" PRId64 "\">row %" PRId64 "</a>", seq, seq);
}

static void stretch_row(const struct report *report, const struct lane *lane,
	const struct stretch *s, struct buf *out)
{
	const char *writes = doors_writes(&s->doors);

	buf_puts(out, "<tr>");
	html_element(out, "th", " scope=\"row\"", report->plan->stores[lane->store].name);
	buf_puts(out, "<td class=\"t\">");
	html_time(out, s->from_ms);
	buf_puts(out, "</td><td class=\"n\">");
	html_span(out, (double)(s->to_ms - s->from_ms));
	buf_printf(out, "</td><td>%s</td><td>%s</td><td>", seen_door_name(s->doors.side[SIDE_OLD]),
		seen_door_name(s->doors.side[SIDE_NEW]));
	page_badge(out,
		strcmp(writes, "nobody") == 0 || strcmp(writes, "both") == 0 ? "bad"
		: strcmp(writes, "unknown") == 0			     ? "warn"
									     : "",
		writes);
	buf_puts(out, "</td><td class=\"wide\">");
	html_text(out, s->why);
	row_link(out, s->seq);
	buf_puts(out, "</td></tr>\n");
}

static void table(const struct report *report, struct buf *out)
{
	const struct timeline *t = &report->timeline;
	size_t rows = 0;

	for (size_t i = 0; i < t->lanes_count; i++)
		rows += t->lanes[i].count;
	buf_printf(out, "<details%s><summary>The same as a table</summary>\n",
		rows <= TABLE_OPEN_MAX ? " open" : "");
	page_scroll(out, "Timeline, the table");
	buf_puts(out, "<table id=\"timeline-table\"><thead><tr><th scope=\"col\">Store</th>"
		      "<th scope=\"col\">From (UTC)</th><th scope=\"col\" class=\"n\">For</th>"
		      "<th scope=\"col\">Old</th><th scope=\"col\">New</th>"
		      "<th scope=\"col\">Writes</th><th "
		      "scope=\"col\">Because</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < t->lanes_count; i++)
		for (size_t s = 0; s < t->lanes[i].count; s++)
			stretch_row(report, &t->lanes[i], &t->lanes[i].stretches[s], out);
	buf_puts(out, "</tbody></table>\n");
	page_scroll_end(out);
	buf_puts(out, "</details>\n");
}

static void when_cells(struct buf *out, int64_t from_ms, int64_t to_ms)
{
	buf_puts(out, "<td class=\"t\">");
	html_time(out, from_ms);
	buf_puts(out, "</td><td class=\"n\">");
	html_span(out, (double)(to_ms - from_ms));
	buf_puts(out, "</td>");
}

static void places_table(const struct report *report, struct buf *out)
{
	const struct places *all = &report->timeline.places;

	if (all->count == 0)
		return;
	buf_puts(out, "<h3>Where services were</h3>\n");
	page_scroll(out, "Where services were");
	buf_puts(out, "<table id=\"services-table\"><thead><tr><th scope=\"col\">Service</th>"
		      "<th scope=\"col\">From (UTC)</th><th scope=\"col\" class=\"n\">For</th>"
		      "<th scope=\"col\">Where</th><th scope=\"col\">Because</th></tr></thead>"
		      "<tbody>\n");
	for (size_t i = 0; i < all->count; i++)
		for (size_t k = 0; k < all->lanes[i].count; k++) {
			const struct place_stretch *s = &all->lanes[i].stretches[k];

			buf_puts(out, "<tr>");
			html_element(out, "th", " scope=\"row\"",
				report->plan->services[all->lanes[i].service].name);
			when_cells(out, s->from_ms, s->to_ms);
			html_element(out, "td", "", place_name(s));
			buf_puts(out, "<td class=\"wide\">");
			html_text(out, s->why);
			row_link(out, s->seq);
			buf_puts(out, "</td></tr>\n");
		}
	buf_puts(out, "</tbody></table>\n");
	page_scroll_end(out);
}

static void overlap_rows(const struct report *report, const struct overlap *o, struct buf *out)
{
	for (size_t i = 0; i < o->count; i++) {
		const struct overlap_span *s = &o->spans[i];

		buf_puts(out, "<tr><th scope=\"row\">");
		html_text(out, plan_node_name(report->plan, o->from));
		buf_puts(out, " \u2192 ");
		html_text(out, plan_node_name(report->plan, o->to));
		buf_puts(out, "</th>");
		when_cells(out, s->from_ms, s->to_ms);
		html_element(out, "td", "",
			s->certain ? "crossed"
				   : "may have crossed: no row tells where the service was");
		buf_puts(out, "<td class=\"wide\">");
		page_badge(out, !o->intended || o->too_long ? "bad" : "", overlap_word(o));
		if (o->declared != NULL) {
			buf_putc(out, ' ');
			html_text(out, o->declared->because);
		}
		buf_puts(out, "</td></tr>\n");
	}
}

static void overlaps_table(const struct report *report, struct buf *out)
{
	const struct timeline *t = &report->timeline;
	size_t spans = 0;

	for (size_t i = 0; i < t->overlaps_count; i++)
		spans += t->overlaps[i].count;
	if (spans == 0)
		return;
	buf_puts(out, "<h3>Connections between the environments</h3>\n");
	page_scroll(out, "Connections between the environments");
	buf_puts(out, "<table id=\"overlaps-table\"><thead><tr><th scope=\"col\">Connection</th>"
		      "<th scope=\"col\">From (UTC)</th><th scope=\"col\" class=\"n\">For</th>"
		      "<th scope=\"col\">Between the environments</th>"
		      "<th scope=\"col\">Meant?</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < t->overlaps_count; i++)
		overlap_rows(report, &t->overlaps[i], out);
	buf_puts(out, "</tbody></table>\n");
	page_scroll_end(out);
}

void page_timeline(const struct report *report, struct buf *out)
{
	page_section(out, "timeline", "Which door was open when",
		"Each column is a stretch in which nothing changed, its length on top and the time "
		"at "
		"which it began below; widths grow with the logarithm. A door counts as open until "
		"the "
		"row that says it is shut, and as shut until the row that saw it open.");
	if (report->record.count == 0)
		buf_puts(out, "<p>Nothing has been recorded yet.</p>\n");
	else {
		picture(report, out);
		table(report, out);
		places_table(report, out);
		overlaps_table(report, out);
	}
	buf_puts(out, "</section>\n");
}
