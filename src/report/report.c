#include "report/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"

/* "3 min 4 s", and "3 min" when nothing is left over. */
static void two_units(
	int64_t big, const char *big_unit, int64_t small, const char *small_unit, char *ret)
{
	if (small == 0)
		snprintf(ret, SPAN_BYTES, "%" PRId64 " %s", big, big_unit);
	else
		snprintf(ret, SPAN_BYTES, "%" PRId64 " %s %" PRId64 " %s", big, big_unit, small,
			small_unit);
}

void span_text(double ms, char ret[SPAN_BYTES])
{
	int64_t s = (int64_t)(ms / 1000 + 0.5);

	if (ms < 0)
		snprintf(ret, SPAN_BYTES, "not known");
	else if (ms < 9.95)
		snprintf(ret, SPAN_BYTES, "%.1f ms", ms);
	else if (ms < 999.5)
		snprintf(ret, SPAN_BYTES, "%.0f ms", ms);
	else if (s < 60)
		snprintf(ret, SPAN_BYTES, "%.3g s", ms / 1000);
	else if (s < 3600)
		two_units(s / 60, "min", s % 60, "s", ret);
	else if (s < 86400)
		two_units(s / 3600, "h", s % 3600 / 60, "min", ret);
	else
		two_units(s / 86400, "d", s % 86400 / 3600, "h", ret);
}

/* ---- figures --------------------------------------------------------------------------------- */

const char *report_writes(const struct report *report, size_t store)
{
	const struct lane *lane = &report->timeline.lanes[store];

	REQUIRE(store < report->timeline.lanes_count);
	return doors_writes(&lane->stretches[lane->count - 1].doors);
}

bool report_longest_window(const struct report *report, double *ret_ms)
{
	double longest = -1;

	for (size_t i = 0; i < report->attempts.count; i++)
		if (report->attempts.list[i].has_window)
			longest = fmax(longest, report->attempts.list[i].window_ms);
	if (longest < 0)
		return false;
	*ret_ms = longest;
	return true;
}

double report_stall_of(const struct report *report, const struct attempt *attempt)
{
	double longest = attempt->stall_ms;

	for (size_t i = 0; i < report->latency.count; i++)
		if (report->latency.views[i].attempt == attempt)
			longest = fmax(longest, report->latency.views[i].stall_ms);
	return longest;
}

double report_stall_ms(const struct report *report)
{
	double longest = -1;

	for (size_t i = 0; i < report->attempts.count; i++)
		longest = fmax(longest, report_stall_of(report, &report->attempts.list[i]));
	return longest;
}

static int64_t lane_ms(const struct lane *lane, const char *writes)
{
	int64_t ret = 0;

	for (size_t i = 0; i < lane->count; i++)
		if (strcmp(doors_writes(&lane->stretches[i].doors), writes) == 0)
			ret += lane->stretches[i].to_ms - lane->stretches[i].from_ms;
	return ret;
}

int64_t report_shut_ms(const struct report *report, size_t store)
{
	REQUIRE(store < report->timeline.lanes_count);
	return lane_ms(&report->timeline.lanes[store], "nobody");
}

static size_t ended(const struct report *report, enum attempt_end end)
{
	size_t count = 0;

	for (size_t i = 0; i < report->attempts.count; i++)
		count += report->attempts.list[i].end == end;
	return count;
}

/* ---- the verdict ----------------------------------------------------------------------------- */

static bool newest_differs(const struct report *report)
{
	const struct rows *v = &report->facts.verifies;

	return v->count > 0 &&
	       strcmp(row_string(v->list[v->count - 1], "verdict"), "different") == 0;
}

static enum report_verdict sides_verdict(const struct report *report)
{
	size_t on[SIDE_COUNT] = {0}, stores = report->timeline.lanes_count;

	for (size_t i = 0; i < stores; i++)
		for (int side = 0; side < SIDE_COUNT; side++)
			on[side] +=
				strcmp(report_writes(report, i), side_name((enum side)side)) == 0;
	if (on[SIDE_OLD] + on[SIDE_NEW] < stores || stores == 0)
		return REPORT_UNKNOWN;
	if (on[SIDE_NEW] == stores)
		return REPORT_NEW;
	return on[SIDE_OLD] == stores ? REPORT_OLD : REPORT_SPLIT;
}

static enum report_verdict verdict_of(const struct report *report)
{
	if (!report->record.chain.sound)
		return REPORT_UNSOUND;
	if (report->timeline.both_open_ms > 0)
		return REPORT_BOTH_OPEN;
	return newest_differs(report) ? REPORT_DIFFERENT : sides_verdict(report);
}

static const struct {
	const char *name, *sentence;
} verdicts[] = {
	[REPORT_UNSOUND] = {"unsound", "The record was changed: what is said here may not be what "
				       "happened"},
	[REPORT_BOTH_OPEN] = {"both-open", "Two doors of one store were open at once"},
	[REPORT_DIFFERENT] = {"different", "The newest comparison found differences"},
	[REPORT_UNKNOWN] = {"unknown", "Where every store stands is not in the record"},
	[REPORT_SPLIT] = {"split", "Some stores are on new, some on old"},
	[REPORT_NEW] = {"new", "Every store writes to new"},
	[REPORT_OLD] = {"old", "Every store writes to old"},
};

const char *report_verdict_name(enum report_verdict verdict)
{
	REQUIRE(verdict < ARRAY_LEN(verdicts));
	return verdicts[verdict].name;
}

const char *report_verdict_sentence(enum report_verdict verdict)
{
	REQUIRE(verdict < ARRAY_LEN(verdicts));
	return verdicts[verdict].sentence;
}

/* ---- the paragraph --------------------------------------------------------------------------- */

static void say_count(struct buf *out, size_t count, const char *what)
{
	if (count > 0)
		buf_printf(out, ", %zu %s", count, what);
}

static void say_attempts(const struct report *report, struct buf *out)
{
	size_t n = report->attempts.count;

	if (n == 0) {
		buf_puts(out, " No move was attempted.");
		return;
	}
	buf_printf(out, " %zu attempt%s to move: %zu done", n, n == 1 ? "" : "s",
		ended(report, ATTEMPT_DONE));
	say_count(out, ended(report, ATTEMPT_UNDONE), "undone");
	say_count(out, ended(report, ATTEMPT_REFUSED), "refused before anybody was held");
	say_count(out, ended(report, ATTEMPT_PENDING), "with something left for resume");
	say_count(out, ended(report, ATTEMPT_UNKNOWN), "without a known end");
	say_count(out, ended(report, ATTEMPT_CUT_SHORT), "cut short when the controller ended");
	buf_putc(out, '.');
}

/* A hold that was begun and whose end stands in nobody's rows. */
static size_t windows_lost(const struct report *report)
{
	return ended(report, ATTEMPT_CUT_SHORT) + ended(report, ATTEMPT_UNKNOWN);
}

static void say_window(const struct report *report, struct buf *out)
{
	int64_t budget_ms = report->plan->budgets.window_ms;
	char text[SPAN_BYTES], budget[SPAN_BYTES];
	double ms, stall = report_stall_ms(report);

	if (report_longest_window(report, &ms)) {
		span_text(ms, text);
		span_text((double)budget_ms, budget);
		buf_printf(out, " The longest %swindow took %s; the budget is %s.",
			windows_lost(report) > 0 ? "recorded " : "", text, budget);
	}
	if (stall < 0)
		return;
	span_text(stall, text);
	buf_printf(out, " The longest wait of a client across one was %s.", text);
}

/* Of all stores, in which this side, or nobody, or an unknown one admitted writes. */
static int64_t stretches_ms(const struct report *report, const char *writes)
{
	int64_t ret = 0;

	for (size_t i = 0; i < report->timeline.lanes_count; i++)
		ret += lane_ms(&report->timeline.lanes[i], writes);
	return ret;
}

static void say_doors(const struct report *report, struct buf *out)
{
	const struct timeline *t = &report->timeline;
	char text[SPAN_BYTES];
	int64_t shut_ms = stretches_ms(report, "nobody"), dark_ms = stretches_ms(report, "unknown");

	if (t->both_open_ms > 0) {
		span_text((double)t->both_open_ms, text);
		buf_printf(out, " Both doors of a store were open for %s.", text);
		return;
	}
	buf_puts(out, " At no recorded moment were both doors of a store open");
	if (shut_ms > 0) {
		span_text((double)shut_ms, text);
		buf_printf(out, "; both were shut for %s in all", text);
	}
	if (dark_ms > 0) {
		span_text((double)dark_ms, text);
		buf_printf(out, "; for %s the record does not say which was open", text);
	}
	buf_putc(out, '.');
}

static void say_verify(const struct report *report, struct buf *out)
{
	const struct rows *v = &report->facts.verifies;

	if (v->count == 0)
		buf_puts(out, " The sides were not compared.");
	else
		buf_printf(out, " The newest comparison: %s.", v->list[v->count - 1]->text);
}

static const char *summary_of(const struct report *report, struct arena *arena)
{
	const struct timeline *t = &report->timeline;
	char from[STAMP_BYTES], to[STAMP_BYTES], text[SPAN_BYTES];
	BUF_AUTO out = BUF_INIT;

	if (report->record.count == 0)
		return "Nothing has been recorded yet.";
	stamp_text(t->from_ms, from);
	stamp_text(t->to_ms, to);
	span_text((double)(t->to_ms - t->from_ms), text);
	buf_printf(&out, "The record goes from %.19s to %.19s UTC (%s).", from, to, text);
	say_attempts(report, &out);
	say_window(report, &out);
	say_doors(report, &out);
	say_verify(report, &out);
	return arena_strdup(arena, buf_str(&out));
}

/* ---- making ---------------------------------------------------------------------------------- */

static bool plan_was_changed(const struct report *report)
{
	for (size_t i = report->attempts.count; i-- > 0;)
		if (report->attempts.list[i].plan_hash[0])
			return strcmp(report->attempts.list[i].plan_hash, report->plan->hash) != 0;
	return false;
}

static void judge(struct report *report, struct arena *arena)
{
	report->verdict = verdict_of(report);
	report->summary = summary_of(report, arena);
}

void report_from(struct report *ret, const struct plan *plan, struct record *record, int64_t now_ms,
	struct arena *arena)
{
	*ret = (struct report){.plan = plan, .record = *record, .made_ms = now_ms};
	*record = (struct record){0};
	sequence_make(plan, arena, &ret->sequence);
	attempts_make(&ret->record, arena, &ret->attempts);
	timeline_make(plan, &ret->sequence, &ret->record, &ret->attempts, arena, &ret->timeline);
	facts_make(&ret->record, arena, &ret->facts);
	ret->plan_changed = plan_was_changed(ret);
	judge(ret, arena);
}

int report_make(struct report *ret, const struct plan *plan, struct journal *journal,
	const char *latency_path, int64_t now_ms, struct arena *arena, struct err *err)
{
	struct record record;
	struct report report;

	if (record_read(journal, arena, &record, err))
		return -1;
	report_from(&report, plan, &record, now_ms, arena);
	if (latency_path != NULL &&
		latency_read(latency_path, &report.attempts, arena, &report.latency, err)) {
		report_fini(&report);
		return -1;
	}
	judge(&report, arena);
	*ret = report;
	return 0;
}

void report_fini(struct report *report)
{
	record_fini(&report->record);
}
