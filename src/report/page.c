#include "report/page.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "report/page_parts.h"
#include "report/page_sections.h"
#include "report/page_style.h"

static void head(const struct report *report, struct buf *out)
{
	/* The policy is for the reader's browser: nothing is fetched or run, whatever is in here.
	 */
	buf_puts(out,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"style-src 'unsafe-inline'\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"generator\" content=\"airlock report\">\n<title>Airlock report: ");
	html_text(out, report->plan->name);
	buf_puts(out, "</title>\n<style>\n");
	buf_puts(out, page_style);
	buf_puts(out, "</style>\n</head>\n<body>\n");
}

static void navigation(struct buf *out)
{
	static const char *const parts[][2] = {{"timeline", "Timeline"}, {"attempts", "Attempts"},
		{"graph", "Waves"}, {"latency", "Clients"}, {"gates", "Gates"},
		{"decisions", "Decisions"}, {"verifies", "Comparison"},
		{"guard", "Alarms and writers"}, {"journal", "Journal"}};

	buf_puts(out, "<nav aria-label=\"Sections\"><ul>");
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		buf_printf(out, "<li><a href=\"#%s\">%s</a></li>", parts[i][0], parts[i][1]);
	buf_puts(out, "</ul></nav>\n");
}

static void title(const struct report *report, struct buf *out)
{
	buf_puts(out, "<header>\n<p class=\"kicker\">Airlock report</p>\n");
	html_element(out, "h1", "", report->plan->name);
	buf_printf(out, "\n<p class=\"meta\">plan <code>%.12s</code>, made ", report->plan->hash);
	html_time(out, report->made_ms);
	buf_puts(out, " UTC");
	if (report->plan_changed)
		buf_puts(out, "; <strong>the plan was changed after the newest attempt</strong>");
	buf_puts(out, "</p>\n");
	navigation(out);
	buf_puts(out, "</header>\n");
}

static const char *verdict_kind(enum report_verdict verdict)
{
	if (verdict == REPORT_NEW || verdict == REPORT_OLD)
		return "good";
	return verdict <= REPORT_DIFFERENT ? "bad" : "warn";
}

#define STORES_NAMED_MAX 3 /* more are counted; the timeline has them all */

/* ---- the figures ----------------------------------------------------------------------------- */

static void figure(struct buf *out, const char *term, const char *value)
{
	buf_puts(out, "<div>");
	html_element(out, "dt", "", term);
	html_element(out, "dd", "", value);
	buf_puts(out, "</div>\n");
}

static void figure_window(const struct report *report, struct buf *out)
{
	char text[SPAN_BYTES] = "none";
	double ms;

	if (report_longest_window(report, &ms))
		span_text(ms, text);
	figure(out, "longest window", text);
	if (report_stall_ms(report) >= 0)
		span_text(report_stall_ms(report), text);
	figure(out, "longest stall of a client",
		report_stall_ms(report) >= 0 ? text : "not measured");
}

/* Each store by name where there are few, else how many write where: "old: 20, new: 5". */
static void figure_sides(const struct report *report, struct buf *out)
{
	size_t stores = report->timeline.lanes_count;
	BUF_AUTO text = BUF_INIT;

	for (size_t i = 0; i < stores; i++) {
		const char *word = report_writes(report, i);
		size_t before = 0, same = 0;

		for (size_t k = 0; k < stores; k++) {
			bool alike = strcmp(report_writes(report, k), word) == 0;

			before += alike && k < i;
			same += alike;
		}
		if (stores > 1 && stores <= STORES_NAMED_MAX)
			buf_printf(&text, "%s%s: %s", i ? ", " : "", report->plan->stores[i].name,
				word);
		else if (before == 0 && same == stores)
			buf_puts(&text, word);
		else if (before == 0)
			buf_printf(&text, "%s%s: %zu", i ? ", " : "", word, same);
	}
	figure(out, "writes go to", buf_str(&text));
}

static void figures(const struct report *report, struct buf *out)
{
	BUF_AUTO text = BUF_INIT;

	buf_puts(out, "<dl class=\"figures\">\n");
	figure_sides(report, out);
	figure_window(report, out);
	buf_printf(&text, "%zu", report->attempts.count);
	figure(out, "attempts", buf_str(&text));
	buf_clear(&text);
	buf_printf(&text, "%" PRId64 " rows, %s", report->record.chain.rows,
		report->record.chain.sound ? "sound" : "NOT SOUND");
	figure(out, "journal", buf_str(&text));
	buf_puts(out, "</dl>\n");
}

static void verdict(const struct report *report, struct buf *out)
{
	buf_printf(out, "<section class=\"verdict %s\" aria-label=\"What happened\">\n",
		verdict_kind(report->verdict));
	html_element(out, "p", " class=\"word\" id=\"verdict\"",
		report_verdict_sentence(report->verdict));
	buf_putc(out, '\n');
	html_element(out, "p", " id=\"summary\"", report->summary);
	buf_putc(out, '\n');
	figures(report, out);
	buf_puts(out, "</section>\n");
}

void report_html(const struct report *report, struct buf *out)
{
	REQUIRE(report->plan != NULL);
	head(report, out);
	title(report, out);
	buf_puts(out, "<main>\n");
	verdict(report, out);
	page_timeline(report, out);
	page_attempts(report, out);
	page_graph(report, out);
	page_latency(report, out);
	page_gates(report, out);
	page_decisions(report, out);
	page_verifies(report, out);
	page_guard(report, out);
	page_journal(report, out);
	buf_puts(out,
		"</main>\n<footer><p>Every time is UTC by the clock of the host that wrote the "
		"row. What no row of the journal says stands here as unknown or not recorded."
		"</p></footer>\n</body>\n</html>\n");
}
