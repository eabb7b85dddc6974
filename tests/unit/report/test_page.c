/* The page: nothing in it acts, whatever the rows and the plan say; the runbook in order. */
#include "rows.h"

#include <string.h>

#include "report/html.h"
#include "report/page.h"
#include "report/runbook.h"

static void text_stays_text(void **state)
{
	BUF_AUTO out = BUF_INIT;

	(void)state;
	html_text(&out, "<script>alert(\"x\" & 'y')</script>\x1b[2J\xff\u202e");
	assert_string_equal(buf_str(&out),
		"&lt;script&gt;alert(&quot;x&quot; &amp; &#39;y&#39;)&lt;/script&gt;\\x1b[2J\\xff"
		"\\u202e");
	buf_clear(&out);
	html_text_cut(&out, "a<b", 2);
	assert_string_equal(buf_str(&out), "a&lt;\u2026");
}

/* In each text that a row can carry. */
static void hostile_rows_are_inert(void **state)
{
	static const char evil[] = "\"><script>x()</script><img src=x onerror=y()>\x1b[31m";
	static const char detail[] =
		"{\"reason\":\"<script>\",\"by\":\"</"
		"td><script>\",\"state\":\"<script>\",\"evidence\":"
		"\"<script>\",\"remedy\":\"<script>\",\"verdict\":\"<script>\",\"plan\":\"<script>"
		"\","
		"\"verb\":\"seal\",\"outcome\":\"<script>\",\"us\":1,\"at_us\":5,\"problems\":"
		"[{\"message\":\"<script>\"}]}";
	static const char *const kinds[] = {"intent", "step", "moved", "verdict", "approval",
		"waiver", "declare", "verify", "guard", "writer", "evidence", "\"><script>"};
	struct rows_made m;
	BUF_AUTO page = BUF_INIT;

	(void)state;
	rows_begin(&m);
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		rows_add(&m, (struct journal_entry){.run = evil,
				     .wave = 1,
				     .attempt = 1,
				     .store = evil,
				     .kind = kinds[i],
				     .key = evil,
				     .text = evil,
				     .detail = detail});
	report_html(rows_report(&m), &page);
	assert_null(strstr(buf_str(&page), "<script"));
	assert_null(strstr(buf_str(&page), "<img"));
	assert_null(strchr(buf_str(&page), '\x1b'));
	assert_non_null(strstr(buf_str(&page), "&lt;script&gt;x()"));
	/* The plan's own texts, too. */
	assert_null(strstr(buf_str(&page), "<b>stock</b>"));
	rows_end(&m);
}

static void the_page_loads_nothing(void **state)
{
	struct rows_made m;
	BUF_AUTO page = BUF_INIT;
	static const char *const loaders[] = {"src=", "href=\"http", "url(h", "@import", "<link",
		"<iframe", "<object", "javascript:", "onload"};

	(void)state;
	rows_begin(&m);
	rows_synced(&m);
	m.ms = 1000;
	rows_cross(&m, 1, 1, "orders", "old");
	report_html(rows_report(&m), &page);
	for (size_t i = 0; i < sizeof loaders / sizeof loaders[0]; i++)
		if (strstr(buf_str(&page), loaders[i]))
			fail_msg("%s", loaders[i]);
	assert_non_null(strstr(buf_str(&page), "default-src 'none'"));
	assert_non_null(strstr(buf_str(&page), "prefers-color-scheme: dark"));
	rows_end(&m);
}

static void the_same_rows_give_the_same_bytes(void **state)
{
	BUF_AUTO one = BUF_INIT;
	BUF_AUTO two = BUF_INIT;
	struct buf *pages[] = {&one, &two};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct rows_made m;

		rows_begin(&m);
		rows_synced(&m);
		m.ms = 1000;
		rows_cross(&m, 1, 1, "orders", "old");
		report_html(rows_report(&m), pages[i]);
		rows_end(&m);
	}
	assert_string_equal(buf_str(&one), buf_str(&two));
}

static void a_picture_of_many_crossings_is_bounded(void **state)
{
	struct rows_made m;
	BUF_AUTO page = BUF_INIT;

	(void)state;
	rows_begin(&m);
	rows_synced(&m);
	for (int i = 1; i <= 110; i++) {
		m.ms += 200;
		rows_cross(&m, 1, i, "orders", i % 2 ? "old" : "new");
	}
	report_html(rows_report(&m), &page);
	assert_non_null(strstr(buf_str(&page), "The picture shows the newest 240 of "));
	assert_non_null(strstr(buf_str(&page), "The newest 100 of 110; "));
	assert_null(strstr(buf_str(&page), "data-attempt=\"10\""));
	assert_non_null(strstr(buf_str(&page), "data-attempt=\"11\""));
	assert_int_equal(m.report.timeline.both_open_ms, 0);
	rows_end(&m);
}

/* Twenty-five names in a figure would be no figure. */
static void many_stores_are_counted(void **state)
{
	struct rows_made m;
	BUF_AUTO plan = BUF_INIT;
	BUF_AUTO nothing = BUF_INIT;
	BUF_AUTO page = BUF_INIT;

	(void)state;
	buf_puts(&plan, "airlock: 1\nname: many\nroutes: {direct: {kind: none}}\nstores:\n");
	for (int i = 0; i < 6; i++)
		buf_printf(&plan,
			"  %s%d: {engine: postgresql, old: \"host=a dbname=d%d\", new: \"host=b "
			"dbname=d%d\", pattern: replica-promotion, sync: logical, route: direct}\n",
			i ? "s" : "orders", i, i, i);
	rows_begin_with(&m, buf_str(&plan));
	report_html(rows_report(&m), &nothing);
	assert_non_null(strstr(buf_str(&nothing), "<dt>writes go to</dt><dd>unknown</dd>"));
	assert_non_null(strstr(buf_str(&nothing), "No row was written yet."));
	assert_null(strstr(buf_str(&nothing), "<tbody>\n</tbody>")); /* no table without rows */
	rows_add(&m, (struct journal_entry){.store = "orders0", .kind = "sync", .text = "follows"});
	report_html(rows_report(&m), &page);
	assert_non_null(strstr(buf_str(&page), "<dt>writes go to</dt><dd>old: 1, unknown: 5</dd>"));
	rows_end(&m);
}

static void the_runbook_counts_decisions(void **state)
{
	struct rows_made m;
	struct sequence sequence;
	struct runbook book;
	size_t decisions = 0, wave = 0;
	BUF_AUTO text = BUF_INIT;

	(void)state;
	rows_begin(&m);
	sequence_make(m.plan, &m.arena, &sequence);
	runbook_make(m.plan, &sequence, &m.arena, &book);
	for (size_t i = 0; i < book.count; i++) {
		const struct runbook_step *s = &book.steps[i];

		decisions += s->decision;
		assert_true(s->undo[0] != '\0');
		assert_true(s->wave == 0 || s->wave >= wave); /* in order */
		wave = s->wave > wave ? s->wave : wave;
	}
	assert_int_equal(decisions, book.decisions);
	assert_int_equal(wave, sequence.count);
	assert_string_equal(book.steps[book.count - 1].undo, "NONE: the one-way door");
	for (size_t i = 0; i < book.count; i++)
		buf_printf(&text, "%s\n%s\n", book.steps[i].command, book.steps[i].undo);
	assert_non_null(strstr(buf_str(&text), "airlock run --wave 2"));
	assert_non_null(strstr(buf_str(&text), "airlock rollback --to 1"));
	rows_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_stays_text),
		cmocka_unit_test(hostile_rows_are_inert),
		cmocka_unit_test(the_page_loads_nothing),
		cmocka_unit_test(the_same_rows_give_the_same_bytes),
		cmocka_unit_test(a_picture_of_many_crossings_is_bounded),
		cmocka_unit_test(many_stores_are_counted),
		cmocka_unit_test(the_runbook_counts_decisions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
