/* Each attempt: how it ended, its window against the budgets, its steps on one scale. */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "report/page_parts.h"
#include "report/page_sections.h"
#include "report/window.h"

#define ATTEMPTS_SHOWN 100

static const char *end_kind(enum attempt_end end)
{
	switch (end) {
	case ATTEMPT_DONE:
		return "good";
	case ATTEMPT_UNDONE:
	case ATTEMPT_REFUSED:
	case ATTEMPT_PENDING:
		return "warn";
	case ATTEMPT_UNKNOWN:
	case ATTEMPT_CUT_SHORT:
		break;
	}
	return "bad";
}

static void title(const struct attempt *a, struct buf *out)
{
	buf_puts(out, "<h3>");
	if (a->number > 0)
		buf_printf(out, "Attempt %" PRId64 ", wave %d", a->number, a->wave);
	else
		buf_printf(out, "No attempt, wave %d", a->wave);
	if (a->src_known)
		buf_printf(out, ", %s \u2192 %s", side_name(a->src), side_name(side_other(a->src)));
	buf_putc(out, ' ');
	page_badge(out, end_kind(a->end), attempt_end_name(a->end));
	buf_puts(out, "</h3>\n<p class=\"meta\">");
	html_time(out, a->began_ms);
	buf_puts(out, ", ");
	html_text(out, a->who);
	buf_puts(out, ", run <code>");
	html_text(out, a->run);
	buf_puts(out, "</code>; ");
	html_text(out, attempt_end_sentence(a->end));
	buf_puts(out, "</p>\n");
	if (a->why[0]) {
		html_element(out, "p", " class=\"cause\"", a->why);
		buf_putc(out, '\n');
	}
}

/* ---- against the budgets --------------------------------------------------------------------- */

static void meter(struct buf *out, double percent)
{
	buf_printf(out, "<div class=\"meter%s\"><span style=\"width:%.1f%%\"></span></div>",
		percent > 100 ? " over" : "", percent > 100 ? 100 : percent);
}

/* `ms` below 0: `instead` stands there. */
static void budget_row(
	struct buf *out, const char *name, double ms, const char *instead, int64_t budget_ms)
{
	double percent = 100 * ms / (double)budget_ms;

	buf_printf(out, "<tr><th scope=\"row\">%s</th><td class=\"n\">", name);
	if (ms < 0)
		html_text(out, instead);
	else
		html_span(out, ms);
	buf_puts(out, "</td><td class=\"n\">");
	html_span(out, (double)budget_ms);
	buf_puts(out, "</td><td class=\"bar\">");
	if (ms >= 0)
		meter(out, percent);
	buf_puts(out, "</td><td class=\"n\">");
	if (ms >= 0)
		buf_printf(
			out, percent > 100 ? "<strong>%.0f %%, OVER</strong>" : "%.0f %%", percent);
	buf_puts(out, "</td></tr>\n");
}

static void bytes_text(struct buf *out, int64_t bytes)
{
	if (bytes < 10240)
		buf_printf(out, "%" PRId64 " B", bytes);
	else
		buf_printf(out, "%" PRId64 " kB", bytes / 1024);
}

static void lag_row(struct buf *out, const struct attempt *a, int64_t budget)
{
	double percent = 100 * (double)a->lag_bytes / (double)budget;

	buf_puts(out, "<tr><th scope=\"row\">lag at the hold</th><td class=\"n\">");
	if (a->lag_bytes < 0)
		buf_puts(out, "not recorded");
	else
		bytes_text(out, a->lag_bytes);
	buf_puts(out, "</td><td class=\"n\">");
	bytes_text(out, budget);
	buf_puts(out, "</td><td class=\"bar\">");
	if (a->lag_bytes >= 0)
		meter(out, percent);
	buf_puts(out, "</td><td class=\"n\">");
	if (a->lag_bytes >= 0)
		buf_printf(
			out, percent > 100 ? "<strong>%.0f %%, OVER</strong>" : "%.0f %%", percent);
	buf_puts(out, "</td></tr>\n");
}

/* From the hold to the answer that ended its deadline: opened, or given back. */
static double held_ms(const struct attempt *a)
{
	const struct engine_part *hold = &a->verbs[VERB_HOLD];
	const struct engine_part *end =
		a->verbs[VERB_PROMOTE].ran ? &a->verbs[VERB_PROMOTE] : &a->verbs[VERB_RELEASE];

	return hold->ran && end->ran ? (double)(end->ended_us - hold->began_us) / 1000 : -1;
}

static void budgets(const struct report *report, const struct attempt *a, struct buf *out)
{
	const struct plan_budgets *b = &report->plan->budgets;

	page_scroll(out, "Against the budgets");
	buf_puts(out,
		"<table class=\"budgets\"><thead><tr><th scope=\"col\">Budget</th>"
		"<th scope=\"col\" class=\"n\">Took</th><th scope=\"col\" class=\"n\">Allowed</th>"
		"<th scope=\"col\" class=\"bar\">Share, as a bar</th><th scope=\"col\" "
		"class=\"n\">Share</th>"
		"</tr></thead><tbody>\n");
	budget_row(out, "window", a->has_window ? a->window_ms : -1, "no window", b->window_ms);
	budget_row(out, "hold", held_ms(a), "no hold", b->hold_ms);
	budget_row(out, "drain", a->drain_ms, "nobody drained", b->drain_ms);
	budget_row(out, "stall", report_stall_of(report, a), "not measured", b->stall_ms);
	lag_row(out, a, b->lag_bytes);
	buf_puts(out, "</tbody></table>\n");
	page_scroll_end(out);
	if (a->has_held && a->held_max > 0)
		buf_printf(out, "<p class=\"meta\">%" PRId64 " sessions waited at once.</p>\n",
			a->held_max);
}

/* ---- the steps on one scale ------------------------------------------------------------------ */

struct scale {
	int64_t from_us, to_us;
};

static struct scale scale_of(const struct attempt *a)
{
	struct scale ret = {a->verbs[VERB_HOLD].began_us, a->verbs[VERB_HOLD].ended_us};

	for (int v = 0; v < VERB_COUNT; v++)
		if (a->verbs[v].ran && v != VERB_RETIRE && v != VERB_TURN && v != VERB_FINALIZE &&
			a->verbs[v].ended_us > ret.to_us)
			ret.to_us = a->verbs[v].ended_us;
	if (ret.to_us == ret.from_us)
		ret.to_us++;
	return ret;
}

static double percent_at(const struct scale *scale, int64_t at_us)
{
	double share = (double)(at_us - scale->from_us) / (double)(scale->to_us - scale->from_us);

	return 100 * (share < 0 ? 0 : share > 1 ? 1 : share);
}

static void bar(const struct scale *scale, int64_t from_us, int64_t to_us, const char *kind,
	struct buf *out)
{
	double from = percent_at(scale, from_us), to = percent_at(scale, to_us);

	buf_printf(out, "<span class=\"%s\" style=\"left:%.2f%%;width:%.2f%%\"></span>", kind, from,
		to - from);
}

static void door_row(const char *name, const struct scale *scale, int64_t from_us, int64_t to_us,
	const char *kind, const char *when, struct buf *out)
{
	buf_printf(out, "<tr><th scope=\"row\">%s</th><td><div class=\"track\">", name);
	if (to_us > from_us)
		bar(scale, from_us, to_us, kind, out);
	buf_printf(out, "</div></td><td class=\"ms\">%s</td></tr>\n", when);
}

/* The source's door until its seal was read back, the destination's from when it was seen open. */
static void door_rows(const struct attempt *a, const struct scale *scale, struct buf *out)
{
	const struct engine_part *seal = &a->verbs[VERB_SEAL], *reopen = &a->verbs[VERB_REOPEN];
	const struct engine_part *promote = &a->verbs[VERB_PROMOTE];
	int64_t shut_us = seal->ran ? seal->ended_us : scale->to_us, open_us = scale->to_us;
	const char *src = side_name(a->src), *dst = side_name(side_other(a->src));
	BUF_AUTO name = BUF_INIT;
	BUF_AUTO both = BUF_INIT;

	if (!a->src_known)
		return;
	if (promote->ran || reopen->ran)
		open_us = promote->ran ? promote->ended_us : reopen->ended_us;
	buf_printf(&name, "%s open", src);
	door_row(buf_str(&name), scale, scale->from_us, shut_us, src, "", out);
	if (shut_us < open_us) {
		html_span(&both, (double)(open_us - shut_us) / 1000);
		door_row("both shut", scale, shut_us, open_us, "shut", buf_str(&both), out);
	}
	buf_clear(&name);
	buf_printf(&name, "%s open", promote->ran ? dst : src);
	if (promote->ran || reopen->ran)
		door_row(buf_str(&name), scale, open_us, scale->to_us, promote->ran ? dst : src, "",
			out);
}

static bool several_stores(const struct attempt *a)
{
	for (size_t i = 1; i < a->steps_count; i++)
		if (strcmp(a->steps[i].store, a->steps[0].store) != 0)
			return true;
	return false;
}

static void step_row(const struct attempt *a, const struct attempt_step *s,
	const struct scale *scale, bool drawn, bool first, struct buf *out)
{
	bool failed = strcmp(s->outcome, core_outcome_name(OUTCOME_DONE)) != 0;

	buf_printf(out, "<tr%s><th scope=\"row\">%s", first ? " class=\"sep\"" : "",
		verb_word(s->verb));
	if (several_stores(a)) {
		buf_putc(out, ' ');
		html_text(out, s->store);
	}
	buf_puts(out, "</th><td>");
	if (drawn) {
		buf_puts(out, "<div class=\"track\">");
		bar(scale, s->began_us, s->ended_us, failed ? "failed" : "", out);
		buf_puts(out, "</div>");
	}
	if (failed)
		html_element(out, "div", " class=\"cause\"", s->text);
	buf_puts(out, "</td><td class=\"ms\">");
	html_span(out, (double)(s->ended_us - s->began_us) / 1000);
	buf_puts(out, "</td></tr>\n");
}

/* Rows before, in or after the window: -1, 0, 1. */
static int place_of(
	const struct attempt *a, const struct attempt_step *s, const struct scale *scale)
{
	if (!a->verbs[VERB_HOLD].ran || s->ended_us <= a->verbs[VERB_HOLD].began_us)
		return -1;
	return s->began_us >= scale->to_us ? 1 : 0;
}

static size_t step_rows(
	const struct attempt *a, const struct scale *scale, int place, bool sep, struct buf *out)
{
	size_t count = 0;

	for (size_t i = 0; i < a->steps_count; i++)
		if (place_of(a, &a->steps[i], scale) == place) {
			step_row(a, &a->steps[i], scale, place == 0, sep && count == 0, out);
			count++;
		}
	return count;
}

/* Rows of a window are lost with their controller, and `resume` only goes on with its hold. */
static const char *no_hold(const struct attempt *a)
{
	if (a->end == ATTEMPT_REFUSED || a->end == ATTEMPT_UNDONE)
		return "Nobody was held";
	return "No hold is in the rows of this controller";
}

static void steps(const struct attempt *a, struct buf *out)
{
	struct scale scale = scale_of(a);

	if (a->steps_count == 0)
		return;
	buf_puts(out, "<h4>Steps</h4>\n<table class=\"gantt\"><thead><tr><th scope=\"col\" "
		      "class=\"name\">Step</th><th scope=\"col\">");
	if (a->verbs[VERB_HOLD].ran) {
		buf_puts(out, "The window, ");
		html_span(out, (double)(scale.to_us - scale.from_us) / 1000);
		buf_puts(out, " wide; what ran before and after it has no bar");
	} else {
		buf_puts(out, no_hold(a));
	}
	buf_puts(out, "</th><th scope=\"col\" class=\"ms\">Took</th></tr></thead><tbody>\n");
	step_rows(a, &scale, -1, false, out);
	if (a->verbs[VERB_HOLD].ran) {
		door_rows(a, &scale, out);
		step_rows(a, &scale, 0, true, out);
		step_rows(a, &scale, 1, true, out);
	}
	buf_puts(out, "</tbody></table>\n");
}

/* ---- the parts that `run` prints ------------------------------------------------------------- */

static void parts(const struct attempt *a, struct buf *out)
{
	double ms;

	buf_puts(out, "<details><summary>The parts of the window</summary>\n");
	page_scroll(out, "The parts of the window");
	buf_puts(out,
		"<table class=\"parts\"><thead><tr><th scope=\"col\">Part</th><th scope=\"col\" "
		"class=\"n\">Took</th><th scope=\"col\">What happens in it</th></tr></thead>"
		"<tbody>\n");
	for (size_t i = 0; i < window_parts(); i++) {
		if (!window_part_ms(a->verbs, i, &ms))
			continue;
		buf_printf(
			out, "<tr><th scope=\"row\">%s</th><td class=\"n\">", window_part_name(i));
		html_span(out, ms);
		buf_printf(out, "</td><td class=\"wide\">%s</td></tr>\n", window_part_sentence(i));
	}
	buf_puts(out, "</tbody></table>\n");
	page_scroll_end(out);
	buf_puts(out, "</details>\n");
}

static void attempt(const struct report *report, const struct attempt *a, struct buf *out)
{
	buf_printf(out, "<article data-attempt=\"%" PRId64 "\" data-end=\"%s\">\n", a->number,
		attempt_end_name(a->end));
	title(a, out);
	if (a->verbs[VERB_HOLD].ran)
		budgets(report, a, out);
	steps(a, out);
	if (a->has_window)
		parts(a, out);
	buf_puts(out, "</article>\n");
}

void page_attempts(const struct report *report, struct buf *out)
{
	page_section(out, "attempts", "Attempts",
		"The window goes from the first client held or refused to the first one admitted. "
		"A stall is what a client feels; it is known only where a gateway or the clients "
		"measured.");
	if (report->attempts.count == 0)
		buf_puts(out, "<p>No move was attempted.</p>\n");
	if (report->attempts.count > ATTEMPTS_SHOWN)
		buf_printf(out,
			"<p class=\"note\">The newest %d of %zu; `airlock report --json` has them "
			"all.</p>\n",
			ATTEMPTS_SHOWN, report->attempts.count);
	for (size_t n = 0; n < report->attempts.count && n < ATTEMPTS_SHOWN; n++)
		attempt(report, &report->attempts.list[report->attempts.count - 1 - n], out);
	buf_puts(out, "</section>\n");
}
