/* What clients measured around each window. */
#include <inttypes.h>
#include <math.h>

#include "base/check.h"
#include "report/page_parts.h"
#include "report/page_sections.h"

#define WIDTH 560
#define HEIGHT 220
#define LEFT 52
#define RIGHT 8
#define TOP 12
#define BOTTOM 30
#define PLOT_WIDTH (WIDTH - LEFT - RIGHT)
#define PLOT_HEIGHT (HEIGHT - TOP - BOTTOM)
#define DECADE_MIN (-1) /* 0.1 ms */

static double x_of(const struct latency_view *v, int64_t at_ms)
{
	return LEFT + PLOT_WIDTH * (double)(at_ms - v->from_ms) / (double)(v->to_ms - v->from_ms);
}

static int decades(const struct latency_view *v)
{
	double top = ceil(log10(fmax(v->max_ms, 1)));

	return (int)fmax(top, 1) - DECADE_MIN;
}

static double y_of(const struct latency_view *v, double ms)
{
	double share = (log10(fmax(ms, 0.1)) - DECADE_MIN) / decades(v);

	return TOP + PLOT_HEIGHT * (1 - fmin(share, 1));
}

static void axes(const struct latency_view *v, struct buf *out)
{
	for (int d = 0; d <= decades(v); d++) {
		double ms = pow(10, d + DECADE_MIN), y = y_of(v, ms);

		buf_printf(out,
			"<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/><text "
			"class=\"dim\" x=\"%d\" y=\"%.1f\" font-size=\"11\" text-anchor=\"end\">",
			LEFT, WIDTH - RIGHT, y, y, LEFT - 5, y + 4);
		if (ms < 1000)
			buf_printf(out, "%g ms", ms);
		else
			buf_printf(out, "%g s", ms / 1000);
		buf_puts(out, "</text>\n");
	}
	for (int i = -2; i <= 2; i++) {
		int64_t at = v->window_from_ms + (v->window_from_ms - v->from_ms) * i / 2;

		buf_printf(out,
			"<text class=\"dim\" x=\"%.1f\" y=\"%d\" font-size=\"11\" "
			"text-anchor=\"%s\">%+.1f s</text>\n",
			x_of(v, at), HEIGHT - 10, i == -2 ? "start" : "middle",
			(double)(at - v->window_from_ms) / 1000);
	}
}

static void bars(const struct latency_view *v, struct buf *out)
{
	double width = (double)PLOT_WIDTH / LATENCY_BUCKETS;

	for (size_t b = 0; b < LATENCY_BUCKETS; b++) {
		const struct latency_bucket *bucket = &v->buckets[b];
		double x = LEFT + width * (double)b, y = y_of(v, bucket->max_ms);

		if (bucket->count == 0)
			continue;
		buf_printf(out,
			"<rect class=\"max\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
			"height=\"%.1f\"/>",
			x + 0.5, y, width - 1, TOP + PLOT_HEIGHT - y);
		if (bucket->errors > 0)
			buf_printf(out,
				"<rect class=\"err\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" "
				"height=\"4\"/>",
				x + 0.5, TOP + PLOT_HEIGHT, width - 1);
	}
	buf_putc(out, '\n');
}

/* Interrupted where nothing was answered. */
static void medians(const struct latency_view *v, struct buf *out)
{
	double width = (double)PLOT_WIDTH / LATENCY_BUCKETS;
	bool drawing = false;

	buf_puts(out, "<path class=\"med\" d=\"");
	for (size_t b = 0; b < LATENCY_BUCKETS; b++) {
		const struct latency_bucket *bucket = &v->buckets[b];

		if (bucket->count > 0)
			buf_printf(out, "%s%.1f %.1f", drawing ? "L" : "M",
				LEFT + width * ((double)b + 0.5), y_of(v, bucket->median_ms));
		drawing = bucket->count > 0;
	}
	buf_puts(out, "\"/>\n");
}

static void plot(const struct latency_view *v, struct buf *out)
{
	double from = x_of(v, v->window_from_ms), to = x_of(v, v->window_to_ms);

	buf_printf(out,
		"<svg class=\"plot\" viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\" "
		"aria-label=\"Waits of "
		"clients "
		"around the window of attempt %" PRId64 ", by when they were answered\">\n",
		WIDTH, HEIGHT, WIDTH + WIDTH / 2, v->attempt->number);
	buf_printf(out, "<rect class=\"win\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>\n",
		from, TOP, fmax(to - from, 1.5), PLOT_HEIGHT);
	axes(v, out);
	bars(v, out);
	medians(v, out);
	buf_puts(out, "</svg>\n");
}

static void view(const struct latency_view *v, struct buf *out)
{
	buf_printf(out,
		"<article><h3>Attempt %" PRId64 "</h3>\n<p class=\"meta\">%" PRId64
		" requests answered around it, %" PRId64 " of them with an error; ",
		v->attempt->number, v->count, v->errors);
	if (v->before_ms >= 0) {
		buf_puts(out, "median before the window ");
		html_span(out, v->before_ms);
		buf_puts(out, "; ");
	}
	buf_puts(out, "longest wait that touched the window: ");
	if (v->stall_ms >= 0)
		html_span(out, v->stall_ms);
	else
		buf_puts(out, "none");
	buf_puts(out, "</p>\n");
	page_scroll(out, "Waits around the window, the picture");
	plot(v, out);
	page_scroll_end(out);
	buf_puts(out, "</article>\n");
}

void page_latency(const struct report *report, struct buf *out)
{
	const struct latency *latency = &report->latency;

	page_section(out, "latency", "What clients felt",
		latency->given
			? "Grey: the longest wait of each stretch; line: the median; red below "
			  "the axis: errors; the box: the window. The scale is logarithmic."
			: NULL);
	if (!latency->given)
		buf_puts(out, "<p>Nothing was measured by clients. <code>airlock report --latency "
			      "FILE</code> "
			      "draws what clients measured: a CSV file with the header "
			      "<code>at,ms,outcome</code>.</p>\n");
	else if (latency->count == 0)
		buf_printf(out,
			"<p>%" PRId64 " requests were measured, none of them near a window.</p>\n",
			latency->samples);
	for (size_t i = latency->count; i-- > 0;)
		view(&latency->views[i], out);
	buf_puts(out, "</section>\n");
}
