/* Gates, decisions, comparisons, alarms and writers, the journal itself: tables. */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "report/page_parts.h"
#include "report/page_sections.h"

#define ROWS_SHOWN 2000

static void table_begin(
	struct buf *out, const char *label, const char *const *columns, size_t count)
{
	page_scroll(out, label);
	buf_puts(out, "<table><thead><tr>");
	for (size_t i = 0; i < count; i++)
		html_element(out, "th", " scope=\"col\"", columns[i]);
	buf_puts(out, "</tr></thead><tbody>\n");
}

#define TABLE(out, label, ...)                                                                     \
	table_begin(out, label, (const char *const[]){__VA_ARGS__},                                \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void table_end(struct buf *out)
{
	buf_puts(out, "</tbody></table>\n");
	page_scroll_end(out);
}

static void row_link(struct buf *out, int64_t seq)
{
	buf_printf(out, "<a href=\"#row-%" PRId64 "\">%" PRId64 "</a>", seq, seq);
}

/* ---- gates ----------------------------------------------------------------------------------- */

static const char *state_kind(const char *state)
{
	if (strcmp(state, "pass") == 0)
		return "good";
	return strcmp(state, "fail") == 0 ? "bad" : "warn";
}

/* Whether it still held when the newest attempt began (law 9). */
static void freshness(const struct report *report, const struct gate_fact *g, struct buf *out)
{
	const struct attempt *newest = NULL;

	for (size_t i = 0; i < report->attempts.count; i++)
		if (report->attempts.list[i].number > 0)
			newest = &report->attempts.list[i];
	if (g->until_ms >= 0 && g->measured_ms >= 0) {
		buf_puts(out, "valid for ");
		html_span(out, (double)(g->until_ms - g->measured_ms));
	}
	if (newest == NULL)
		return;
	if (newest->began_ms < g->measured_ms)
		buf_puts(out, "; newer than the newest attempt");
	else
		buf_printf(out, "; %s when attempt %" PRId64 " began",
			gate_fact_fresh(g, newest->began_ms) ? "still valid"
							     : "<strong>EXPIRED</strong>",
			newest->number);
}

static void gate(const struct report *report, const struct gate_fact *g, struct buf *out)
{
	buf_puts(out, "<tr>");
	html_element(out, "th", " scope=\"row\"", g->id);
	buf_puts(out, "<td>");
	page_badge(out, state_kind(g->state), g->state);
	buf_printf(out, "</td><td>%s</td><td class=\"wide\">", g->required ? "yes" : "no");
	html_text(out, g->evidence);
	if (g->remedy[0]) {
		buf_puts(out, "<br><em>");
		html_text(out, g->remedy);
		buf_puts(out, "</em>");
	}
	buf_puts(out, "</td><td class=\"t\">");
	html_time(out, g->measured_ms);
	buf_puts(out, "</td><td class=\"wide\">");
	freshness(report, g, out);
	buf_puts(out, "</td><td class=\"n\">");
	row_link(out, g->row->seq);
	buf_puts(out, "</td></tr>\n");
}

void page_gates(const struct report *report, struct buf *out)
{
	page_section(out, "gates", "Readiness gates",
		"The newest evidence of each gate in the record. Every run asks the gates again "
		"before "
		"it begins; evidence that has expired is not a pass.");
	if (report->facts.gates_count == 0) {
		buf_puts(out, "<p>No gate was asked.</p>\n</section>\n");
		return;
	}
	TABLE(out, "Readiness gates", "Gate", "State", "Required", "Evidence", "Measured", "Age",
		"Row");
	for (size_t i = 0; i < report->facts.gates_count; i++)
		gate(report, &report->facts.gates[i], out);
	table_end(out);
	buf_puts(out, "</section>\n");
}

/* ---- rows as they are ------------------------------------------------------------------------ */

static void reason(const struct record_row *row, struct buf *out)
{
	static const char *const keys[] = {"reason", "by", "lost"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (row_string(row, keys[i])[0]) {
			buf_printf(out, "<br>%s: ", keys[i]);
			html_text(out, row_string(row, keys[i]));
		}
}

static void fact_rows(const struct rows *rows, const char *label, struct buf *out)
{
	TABLE(out, label, "When (UTC)", "What", "Store", "Says", "Who", "Row");
	for (size_t i = 0; i < rows->count; i++) {
		const struct record_row *row = rows->list[i];

		buf_puts(out, "<tr><td class=\"t\">");
		html_time(out, row->at_ms);
		buf_puts(out, "</td>");
		html_element(out, "td", "", row->kind);
		html_element(out, "td", "", row->store);
		buf_puts(out, "<td class=\"wide\">");
		html_text(out, row->text);
		reason(row, out);
		buf_puts(out, "</td>");
		html_element(out, "td", " class=\"wide\"", row->who);
		buf_puts(out, "<td class=\"n\">");
		row_link(out, row->seq);
		buf_puts(out, "</td></tr>\n");
	}
	table_end(out);
}

static void rows_or(const struct rows *rows, const char *label, const char *none, struct buf *out)
{
	if (rows->count > 0)
		fact_rows(rows, label, out);
	else
		html_element(out, "p", "", none);
}

void page_decisions(const struct report *report, struct buf *out)
{
	page_section(out, "decisions", "Decisions",
		"What people approved, waived, declared, set up or gave up.");
	rows_or(&report->facts.decisions, "Decisions", "None is in the record.", out);
	buf_puts(out, "</section>\n");
}

void page_verifies(const struct report *report, struct buf *out)
{
	page_section(out, "verifies", "Comparison of both sides", NULL);
	rows_or(&report->facts.verifies, "Comparisons", "The sides were not compared.", out);
	buf_puts(out, "</section>\n");
}

void page_guard(const struct report *report, struct buf *out)
{
	page_section(out, "guard", "Alarms and undeclared writers", NULL);
	buf_puts(out, "<h3>Alarms of <code>airlock guard</code></h3>\n");
	rows_or(&report->facts.alarms, "Alarms", "None is in the record.", out);
	buf_puts(out, "<h3>Writers that the plan did not know</h3>\n");
	rows_or(&report->facts.writers, "Undeclared writers", "None was seen.", out);
	buf_puts(out, "</section>\n");
}

/* ---- the journal itself ---------------------------------------------------------------------- */

static void chain(const struct journal_report *c, struct buf *out)
{
	buf_puts(out, "<p>");
	page_badge(out, c->sound ? "good" : "bad", c->sound ? "sound" : "not sound");
	buf_printf(out, " %" PRId64 " rows, the last one's hash is <code>%s</code>. ", c->rows,
		c->hash);
	html_text(out, c->sound ? "" : c->why);
	html_text(out, journal_head_text(c->head));
	buf_puts(out, "</p>\n");
}

static void journal_row(const struct record_row *row, struct buf *out)
{
	buf_printf(out,
		"<tr id=\"row-%" PRId64 "\"><td class=\"n\">%" PRId64 "</td><td class=\"t\">",
		row->seq, row->seq);
	html_time(out, row->at_ms);
	buf_puts(out, "</td>");
	html_element(out, "td", "", row->kind);
	buf_puts(out, "<td>");
	if (row->wave > 0)
		buf_printf(out, "wave %d, attempt %" PRId64, row->wave, row->attempt);
	if (row->store[0]) {
		buf_puts(out, row->wave > 0 ? ", " : "");
		html_text(out, row->store);
	}
	buf_puts(out, "</td>");
	html_element(out, "td", " class=\"wide\"", row->text);
	html_element(out, "td", " class=\"wide\"", row->who);
	buf_puts(out, "<td><code>");
	html_text_cut(out, row->hash, 12);
	buf_puts(out, "</code></td></tr>\n");
}

void page_journal(const struct report *report, struct buf *out)
{
	const struct record *record = &report->record;
	size_t first = record->count > ROWS_SHOWN ? record->count - ROWS_SHOWN : 0;

	page_section(out, "journal", "The journal",
		"Each row carries a hash over itself and its predecessor. There is no key: keep "
		"the last "
		"hash elsewhere, and give it to `airlock journal verify --head`.");
	chain(&record->chain, out);
	if (record->count == 0) {
		buf_puts(out, "<p class=\"note\">No row was written yet.</p>\n</section>\n");
		return;
	}
	buf_puts(out, "<details open><summary>The rows</summary>\n");
	if (first > 0)
		buf_printf(out,
			"<p class=\"note\">The newest %d of %zu; `airlock journal list` has "
			"them all.</p>\n",
			ROWS_SHOWN, record->count);
	TABLE(out, "Rows of the journal", "Row", "When (UTC)", "Kind", "About", "Says", "Who",
		"Hash");
	for (size_t i = first; i < record->count; i++)
		journal_row(&record->rows[i], out);
	table_end(out);
	buf_puts(out, "</details>\n</section>\n");
}
