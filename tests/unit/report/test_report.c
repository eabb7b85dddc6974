/* What rows of a journal say about doors, attempts, overlaps and the whole. */
#include "rows.h"

#include <string.h>

static int make(void **state)
{
	static struct rows_made made;

	rows_begin(&made);
	*state = &made;
	return 0;
}

static int unmake(void **state)
{
	rows_end(*state);
	return 0;
}

static const struct lane *lane_of(const struct report *r, const char *store)
{
	return &r->timeline.lanes[plan_store_find(r->plan, store)];
}

/* "old open 100 ms" of each stretch, one after the other. */
static void assert_lane(const struct report *r, const char *store, const char *expected)
{
	const struct lane *lane = lane_of(r, store);
	BUF_AUTO text = BUF_INIT;

	for (size_t i = 0; i < lane->count; i++) {
		const struct stretch *s = &lane->stretches[i];

		buf_printf(&text, "%s%s %lld", i ? ", " : "", doors_writes(&s->doors),
			(long long)(s->to_ms - s->from_ms));
	}
	assert_string_equal(buf_str(&text), expected);
}

static void nothing_recorded_is_unknown(void **state)
{
	const struct report *r = rows_report(*state);

	assert_int_equal(r->verdict, REPORT_UNKNOWN);
	assert_string_equal(r->summary, "Nothing has been recorded yet.");
	assert_string_equal(report_writes(r, 0), "unknown");
	assert_int_equal(r->attempts.count, 0);
}

static void a_crossing_shuts_both_doors_and_opens_one(void **state)
{
	struct rows_made *m = *state;
	const struct report *r;

	rows_synced(m);
	m->ms = 1000;
	rows_cross(m, 1, 1, "orders", "old");
	m->ms = 5000;
	rows_verdict(
		m, 1, 1, "done", "{\"from\":\"old\",\"held_max\":3,\"stall_ms\":{\"max\":321.5}}");
	r = rows_report(m);
	assert_lane(r, "orders", "old 1100, nobody 200, new 3700");
	assert_lane(r, "stock", "old 5000");
	assert_int_equal(r->verdict, REPORT_SPLIT);
	assert_int_equal(r->timeline.both_open_ms, 0);
	assert_int_equal(report_shut_ms(r, plan_store_find(r->plan, "orders")), 200);
	assert_int_equal(r->attempts.count, 1);
	assert_int_equal(r->attempts.list[0].end, ATTEMPT_DONE);
	assert_true(r->attempts.list[0].has_window);
	assert_int_equal((int)(r->attempts.list[0].window_ms + 0.5), 310);
	assert_int_equal(r->attempts.list[0].held_max, 3);
	assert_int_equal((int)report_stall_ms(r), 321);
	assert_non_null(strstr(r->summary, "The longest wait of a client across one was 322 ms."));
	assert_false(r->plan_changed);
	assert_non_null(strstr(r->summary, "1 attempt to move: 1 done."));
}

static void back_again_is_the_same_with_sides_exchanged(void **state)
{
	struct rows_made *m = *state;
	const struct report *r;

	rows_synced(m);
	m->ms = 1000;
	rows_cross(m, 1, 1, "orders", "old");
	m->ms = 2000;
	/* The look at the beginning carries the number of the attempt before. */
	rows_add(m,
		(struct journal_entry){.run = "r2",
			.wave = 1,
			.attempt = 1,
			.kind = "moved",
			.text = "IDLE -> READY",
			.detail =
				"{\"from\":\"IDLE\",\"to\":\"READY\",\"signal\":\"SEEN_READY\"}"});
	rows_add(m,
		(struct journal_entry){.run = "r2",
			.wave = 1,
			.attempt = 2,
			.store = "orders",
			.kind = "step",
			.detail = "{\"verb\":\"seal\",\"outcome\":\"done\",\"us\":5,\"at_us\":9}"});
	rows_add(m, (struct journal_entry){.run = "r2",
			    .wave = 1,
			    .attempt = 2,
			    .kind = "moved",
			    .text = "HELD -> SEALED",
			    .detail = "{\"from\":\"HELD\",\"to\":\"SEALED\",\"signal\":\"DONE\"}"});
	m->ms = 2500;
	rows_add(m, (struct journal_entry){.run = "r2",
			    .wave = 1,
			    .attempt = 2,
			    .kind = "moved",
			    .text = "COMMITTING -> PROMOTED",
			    .detail = "{\"from\":\"COMMITTING\",\"to\":\"PROMOTED\",\"signal\":"
				      "\"DONE\"}"});
	m->ms = 3000;
	rows_add(m, (struct journal_entry){.run = "r2",
			    .wave = 1,
			    .attempt = 2,
			    .kind = "verdict",
			    .text = "done",
			    .detail = "{\"from\":\"new\"}"});
	r = rows_report(m);
	assert_lane(r, "orders", "old 1100, nobody 200, new 700, nobody 500, old 500");
	assert_int_equal(r->verdict, REPORT_OLD);
}

static void an_undone_attempt_gives_the_side_back(void **state)
{
	struct rows_made *m = *state;
	const struct report *r;

	rows_synced(m);
	m->ms = 1000;
	rows_intent(m, 1, 1, "old");
	rows_step(m, 1, 1, "orders", "hold", "done", 0);
	rows_move(m, 1, 1, "READY", "HELD", "DONE");
	rows_move(m, 1, 1, "HELD", "SEALED", "DONE");
	m->ms = 1200;
	rows_step(m, 1, 1, "orders", "end", "failed", 200000);
	rows_move(m, 1, 1, "SEALED", "UNDOING", "FAILED");
	m->ms = 1250;
	rows_move(m, 1, 1, "UNDOING", "READY", "DONE");
	m->ms = 2000;
	rows_verdict(m, 1, 1, "undone",
		"{\"from\":\"old\",\"problems\":[{\"message\":\"a superuser sits there\"}]}");
	r = rows_report(m);
	assert_lane(r, "orders", "old 1000, nobody 250, old 750");
	assert_int_equal(r->attempts.list[0].end, ATTEMPT_UNDONE);
	assert_string_equal(r->attempts.list[0].why, "a superuser sits there");
	assert_false(r->attempts.list[0].has_window);
	assert_int_equal(r->verdict, REPORT_OLD);
}

/* Law 13: the rows of a window are written after it, so a controller killed in it leaves none. */
static void a_killed_controller_leaves_the_doors_unknown(void **state)
{
	struct rows_made *m = *state;
	const struct report *r;

	rows_synced(m);
	m->ms = 1000;
	rows_intent(m, 1, 1, "old");
	m->ms = 4000;
	rows_add(m, (struct journal_entry){.run = "r2",
			    .wave = 1,
			    .attempt = 1,
			    .kind = "moved",
			    .text = "IDLE -> PROMOTED",
			    .detail = "{\"from\":\"IDLE\",\"to\":\"PROMOTED\",\"signal\":"
				      "\"SEEN_PROMOTED\"}"});
	rows_add(m, (struct journal_entry){.run = "r2",
			    .wave = 1,
			    .attempt = 1,
			    .store = "orders",
			    .kind = "step",
			    .detail = "{\"verb\":\"release\",\"outcome\":\"done\",\"us\":5,"
				      "\"at_us\":9}"});
	m->ms = 5000;
	rows_add(m, (struct journal_entry){.run = "r2",
			    .wave = 1,
			    .attempt = 1,
			    .kind = "verdict",
			    .text = "done",
			    .detail = "{\"from\":\"old\"}"});
	r = rows_report(m);
	assert_lane(r, "orders", "old 1000, unknown 3000, new 1000");
	assert_int_equal(r->attempts.count, 2);
	assert_int_equal(r->attempts.list[0].end, ATTEMPT_CUT_SHORT);
	assert_int_equal(r->attempts.list[1].end, ATTEMPT_DONE);
	assert_non_null(strstr(r->summary, "for 3 s the record does not say which was open"));
}

static void a_look_is_no_attempt_and_knows_its_side(void **state)
{
	struct rows_made *m = *state;
	const struct report *r;

	m->ms = 1000;
	rows_move(m, 1, 0, "IDLE", "BAKING", "SEEN_GOAL");
	m->ms = 2000;
	rows_verdict(m, 1, 0, "done", "{\"from\":\"old\"}");
	r = rows_report(m);
	assert_int_equal(r->attempts.count, 0);
	assert_int_equal(r->attempts.looks, 1);
	assert_lane(r, "orders", "new 1000");
	assert_non_null(strstr(r->summary, "No move was attempted."));
}

static void in_doubt_the_destination_is_unknown(void **state)
{
	struct rows_made *m = *state;
	const struct report *r;

	rows_synced(m);
	m->ms = 1000;
	rows_intent(m, 1, 1, "old");
	rows_move(m, 1, 1, "IDLE", "COMMITTING", "SEEN_COMMITTING");
	m->ms = 2000;
	rows_move(m, 1, 1, "COMMITTING", "UNKNOWN", "SPENT");
	r = rows_report(m);
	assert_int_equal(lane_of(r, "orders")->stretches[1].doors.side[SIDE_OLD], SEEN_SHUT);
	assert_int_equal(lane_of(r, "orders")->stretches[1].doors.side[SIDE_NEW], SEEN_UNKNOWN);
	assert_int_equal(r->verdict, REPORT_UNKNOWN);
}

static void check_apart(struct rows_made *m)
{
	const struct report *r;
	const struct overlap *o = NULL;

	rows_synced(m);
	m->ms = 1000;
	rows_cross(m, 1, 1, "orders", "old"); /* on new from 1300 */
	m->ms = 4000;
	rows_cross(m, 2, 1, "stock", "old"); /* shut at 4100, on new from 4300 */
	r = rows_report(m);
	for (size_t i = 0; i < r->timeline.overlaps_count; i++)
		if (strcmp(plan_node_name(r->plan, r->timeline.overlaps[i].from), "stock") == 0)
			o = &r->timeline.overlaps[i];
	assert_non_null(o);
	assert_true(o->intended);
	assert_non_null(o->declared);
	assert_string_equal(o->declared->because, "<b>stock</b> follows");
	assert_int_equal(o->count, 1);
	assert_true(o->spans[0].certain);
	/* Both doors shut, stock has not left old yet. */
	assert_int_equal(o->spans[0].to_ms - o->spans[0].from_ms, 4300 - 1300);
	assert_true(o->too_long); /* the plan allows a second */
	assert_int_equal(r->verdict, REPORT_NEW);
}

static void stores_that_moved_apart_overlap(void **state)
{
	check_apart(*state);
}

/* The plan may name the two the other way round: it is the same permit, with its reason and time.
 */
static void a_permit_written_the_other_way_round_counts(void **state)
{
	static const char written[] = "from: orders, to: stock",
			  turned[] = "from: stock, to: orders";
	char plan[sizeof rows_plan];
	struct rows_made m;

	(void)state;
	memcpy(plan, rows_plan, sizeof plan);
	assert_non_null(strstr(plan, written));
	memcpy(strstr(plan, written), turned, sizeof turned - 1);
	rows_begin_with(&m, plan);
	check_apart(&m);
	rows_end(&m);
}

static void a_stopped_service_pauses(void **state)
{
	struct rows_made *m = *state;
	const struct timeline *t = &m->report.timeline;
	static const char *const rows[] = {"{\"stopped\":true}", "{\"stopped\":true}",
		"{\"stopped\":false}", "{\"stopped\":true}"};

	rows_synced(m);
	for (size_t i = 0; i < 4; i++) {
		m->ms += 1000;
		rows_add(m, (struct journal_entry){
				    .kind = "service", .key = "billing", .detail = rows[i]});
	}
	rows_report(m);
	assert_int_equal(t->pauses_count, 2);
	assert_int_equal(t->pauses[0].to_ms - t->pauses[0].from_ms, 2000);
	assert_true(t->pauses[0].ended);
	assert_false(t->pauses[1].ended);
}

static void web_moves(struct rows_made *m, int64_t ms, const char *state, const char *observed)
{
	char detail[120];

	m->ms = ms;
	snprintf(detail, sizeof detail, "{\"state\":\"%s\",\"observed\":\"%s\"}", state, observed);
	rows_add(m, (struct journal_entry){
			    .kind = "move", .key = "web", .text = state, .detail = detail});
}

static const struct overlap *web_to_orders(const struct report *r)
{
	for (size_t i = 0; i < r->timeline.overlaps_count; i++)
		if (strcmp(plan_node_name(r->plan, r->timeline.overlaps[i].from), "web") == 0)
			return &r->timeline.overlaps[i];
	fail_msg("no connection of web");
	return NULL;
}

static void a_service_is_where_it_was_observed(void **state)
{
	struct rows_made *m = *state;
	const struct place_lane *web;
	const struct overlap *o;

	rows_synced(m);
	web_moves(m, 500, "intent", "old");
	web_moves(m, 800, "moved", "new");
	m->ms = 1000;
	rows_cross(m, 1, 1, "orders", "old"); /* on new from 1300 */
	web_moves(m, 2000, "failed", "unknown");
	web_moves(m, 2500, "there", "new");
	o = web_to_orders(rows_report(m));
	web = &m->report.timeline.places.lanes[0];
	assert_int_equal(m->report.timeline.places.count, 1);
	assert_int_equal(web->count, 5);
	for (size_t i = 0; i < web->count; i++) {
		static const char *const names[] = {"unknown", "moving", "new", "unknown", "new"};

		assert_string_equal(place_name(&web->stretches[i]), names[i]);
	}
	/* It was on new before the store was; unknown again, it may have been on old. */
	assert_int_equal(o->count, 2);
	assert_true(o->spans[0].certain);
	assert_int_equal(o->spans[0].to_ms - o->spans[0].from_ms, 1300 - 800);
	assert_false(o->spans[1].certain);
	assert_int_equal(o->spans[1].to_ms - o->spans[1].from_ms, 500);
	assert_false(o->intended);
}

static void a_service_that_is_stopped_connects_to_nobody(void **state)
{
	struct rows_made *m = *state;

	rows_synced(m);
	web_moves(m, 700, "moved", "new");
	rows_add(m, (struct journal_entry){
			    .kind = "service", .key = "web", .detail = "{\"stopped\":true}"});
	m->ms = 1000;
	rows_cross(m, 1, 1, "orders", "old"); /* on new from 1300 */
	m->ms = 1400;
	rows_add(m, (struct journal_entry){
			    .kind = "service", .key = "web", .detail = "{\"stopped\":false}"});
	assert_int_equal(web_to_orders(rows_report(m))->count, 0);
}

static void the_lag_stands_in_the_intent(void **state)
{
	struct rows_made *m = *state;

	rows_synced(m);
	m->ms = 900;
	rows_add(m, (struct journal_entry){.run = RUN,
			    .wave = 1,
			    .attempt = 1,
			    .kind = "intent",
			    .detail = "{\"from\":\"old\",\"lag_bytes\":4711}"});
	rows_report(m);
	assert_int_equal(m->report.attempts.list[0].lag_bytes, 4711);
}

static void a_broken_chain_is_the_first_thing_said(void **state)
{
	struct rows_made *m = *state;

	rows_synced(m);
	m->record.chain.sound = false;
	assert_int_equal(rows_report(m)->verdict, REPORT_UNSOUND);
}

static void the_newest_comparison_counts(void **state)
{
	struct rows_made *m = *state;

	rows_synced(m);
	rows_add(m, (struct journal_entry){.kind = "verify", .detail = "{\"verdict\":\"equal\"}"});
	rows_add(m,
		(struct journal_entry){.kind = "verify", .detail = "{\"verdict\":\"different\"}"});
	assert_int_equal(rows_report(m)->verdict, REPORT_DIFFERENT);
}

static void the_newest_evidence_of_a_gate_stands(void **state)
{
	struct rows_made *m = *state;
	const struct gate_fact *gate;

	rows_add(m, (struct journal_entry){
			    .kind = "evidence", .key = "clock", .detail = "{\"state\":\"fail\"}"});
	rows_add(m, (struct journal_entry){.kind = "evidence",
			    .key = "clock",
			    .detail = "{\"state\":\"pass\",\"required\":true,\"measured_at\":"
				      "\"2026-11-25T10:00:10Z\",\"valid_until\":"
				      "\"2026-11-25T10:00:20Z\"}"});
	gate = rows_report(m)->facts.gates;
	assert_int_equal(m->report.facts.gates_count, 1);
	assert_string_equal(gate->state, "pass");
	assert_true(gate->required);
	assert_int_equal(gate->asked, 2);
	assert_true(gate_fact_fresh(gate, stamp_ms("2026-11-25T10:00:15Z")));
	assert_false(gate_fact_fresh(gate, stamp_ms("2026-11-25T10:00:21Z")));
}

/* What another version, or somebody's editor, left in a row is not believed and does no harm. */
static void strange_rows_do_no_harm(void **state)
{
	struct rows_made *m = *state;
	const struct report *r;

	rows_synced(m);
	m->ms = 1000;
	rows_add(m, (struct journal_entry){.run = RUN,
			    .wave = 99,
			    .attempt = -5,
			    .kind = "moved",
			    .detail = "{\"from\":\"NOWHERE\",\"to\":7}"});
	rows_add(m, (struct journal_entry){.run = RUN,
			    .wave = 1,
			    .kind = "step",
			    .detail = "{\"verb\":\"seal\",\"us\":-4}"});
	rows_add(m, (struct journal_entry){.kind = "verify", .detail = "[1]"});
	rows_add(m, (struct journal_entry){.kind = "guard", .detail = "not json"});
	m->ms = 500; /* a clock that was set back */
	rows_move(m, 1, 0, "HELD", "SEALED", "DONE");
	r = rows_report(m);
	assert_int_equal(r->record.count, 7);
	assert_lane(r, "stock", "old 1000");
	assert_int_equal(r->timeline.both_open_ms, 0);
}

static void times_are_read_and_written(void **state)
{
	char text[STAMP_BYTES];

	(void)state;
	assert_int_equal(stamp_ms("1970-01-01T00:00:01.250Z"), 1250);
	assert_int_equal(stamp_ms("2026-11-25T10:00:00Z"), stamp_ms("2026-11-25T10:00:00.000Z"));
	assert_int_equal(stamp_ms("2026-11-25 10:00:00"), -1);
	assert_int_equal(stamp_ms("<script>"), -1);
	stamp_text(stamp_ms("2026-11-25T10:00:00.007Z"), text);
	assert_string_equal(text, "2026-11-25 10:00:00.007");
}

static void spans_have_units(void **state)
{
	static const struct {
		double ms;
		const char *text;
	} spans[] = {{0.04, "0.0 ms"}, {9.9, "9.9 ms"}, {167.4, "167 ms"}, {999.4, "999 ms"},
		{1000, "1 s"}, {2940, "2.94 s"}, {59400, "59.4 s"}, {59600, "1 min"},
		{184000, "3 min 4 s"}, {3600000, "1 h"}, {187200000, "2 d 4 h"}, {-1, "not known"}};
	char text[SPAN_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
		span_text(spans[i].ms, text);
		assert_string_equal(text, spans[i].text);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, make, unmake)
	const struct CMUnitTest tests[] = {
		CASE(nothing_recorded_is_unknown),
		CASE(a_crossing_shuts_both_doors_and_opens_one),
		CASE(back_again_is_the_same_with_sides_exchanged),
		CASE(an_undone_attempt_gives_the_side_back),
		CASE(a_killed_controller_leaves_the_doors_unknown),
		CASE(a_look_is_no_attempt_and_knows_its_side),
		CASE(in_doubt_the_destination_is_unknown),
		CASE(stores_that_moved_apart_overlap),
		CASE(a_permit_written_the_other_way_round_counts),
		CASE(a_stopped_service_pauses),
		CASE(a_service_is_where_it_was_observed),
		CASE(a_service_that_is_stopped_connects_to_nobody),
		CASE(the_lag_stands_in_the_intent),
		CASE(a_broken_chain_is_the_first_thing_said),
		CASE(the_newest_comparison_counts),
		CASE(the_newest_evidence_of_a_gate_stands),
		CASE(strange_rows_do_no_harm),
		cmocka_unit_test(times_are_read_and_written),
		cmocka_unit_test(spans_have_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
