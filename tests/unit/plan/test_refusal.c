/* What a plan would do by accident.  Where this version does not carry a key out yet, the test sets
 * in the checked plan what the key would have set. */
#include "fixture.h"

#include <stdio.h>

#include "plan/refusal.h"

struct told {
	size_t count;
	char ids[8][32], messages[8][512], helps[8][256];
};

static void take(void *arg, const struct refusal *r)
{
	struct told *told = arg;

	assert_true(told->count < 8);
	snprintf(told->ids[told->count], 32, "%s", r->id);
	snprintf(told->messages[told->count], 512, "%s", r->message);
	snprintf(told->helps[told->count++], 256, "%s", r->help);
}

static struct told find(const struct plan *plan)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct told told = {0};
	struct sequence q;

	assert_non_null(plan);
	sequence_make(plan, &arena, &q);
	refusals_find(&q, &arena, take, &told);
	return told;
}

static struct plan_service *service(struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->services_count; i++)
		if (strcmp(plan->services[i].name, name) == 0)
			return &plan->services[i];
	fail_msg("there is no %s", name);
	return NULL;
}

static void a_crossing_is_refused_at_its_place(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "services:\n  web: {writes: [orders]}\n");
	const struct problem *p = fixture_only(&f, "P-CROSSING", 9, 18);

	(void)state;
	assert_non_null(f.plan); /* it can be shown all the same */
	assert_int_equal(p->severity, PROBLEM_REFUSAL);
	assert_int_equal(f.problems.refusals, 1);
	assert_contains(p->message, "web writes orders across the environments from the end of "
				    "wave 1 to the end of wave 2");
	assert_contains(p->help, "- {from: web, to: orders, because: \"...\", at_most: 30m}");
}

/* The very line that the help shows settles it. */
static void the_line_that_is_printed_declares_it(void **state)
{
	FIXTURE_AUTO f =
		fixture_parse(HEAD "services:\n  web: {writes: [orders]}\noverlap:\n"
				   "  - {from: web, to: orders, because: \"...\", at_most: 30m}\n");

	(void)state;
	assert_non_null(f.plan);
	assert_int_equal(f.problems.count, 0);
}

#define DECLARED(what) "  - {from: " what ", to: orders, because: x, at_most: 1m}\n"

#define EARLY "  reports: {tier: read-only, reads: [orders], early_reader: reporting"

static void an_early_reader_that_moves_late_is_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{HEAD "services:\n" EARLY "}\norder: [{first: orders, then: reports, because: x}]\n"
		      "overlap:\n" DECLARED("reports"),
			"reports moves after orders (wave 2)"},
		{HEAD "services:\n" EARLY "}\ntogether: [{members: [orders, reports], because: x}]\n",
			"reports moves in one wave with orders (wave 1)"},
		{HEAD "services:\n" EARLY ", needs: [orders]}\n",
			"reports moves in one wave with orders (wave 1)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		FIXTURE_AUTO f = fixture_parse(cases[i].text);
		const struct problem *p = fixture_only(&f, "P-EARLY", 9, 61);

		assert_non_null(f.plan);
		assert_int_equal(p->severity, PROBLEM_REFUSAL);
		assert_contains(p->message, cases[i].message);
		assert_contains(p->help, "remove early_reader, or the `needs`, `order` or");
	}
}

static void a_schedule_that_nothing_stops_runs_twice(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD
		"services:\n  job:\n    writes: [orders]\n    schedule: \"15 2 * * *\"\n"
		"    during: stop\n    stop: {exec: [a], observe: [b], undo: [c], timeout: 1s}\n"
		"overlap:\n" DECLARED("job"));
	struct told told = find(f.plan);

	(void)state;
	assert_int_equal(told.count, 0);
	service(f.plan, "job")->stop.exec = NULL;
	told = find(f.plan);
	assert_int_equal(told.count, 1);
	assert_string_equal(told.ids[0], "P-JOB-TWICE");
	assert_contains(told.messages[0], "nothing in the plan stops it on old");
}

static void a_job_that_moves_before_its_stop_is_refused_until_it_is_ordered(void **state)
{
	static const char text[] = HEAD
		"services:\n  job:\n    tier: replayable\n    writes: [orders]\n"
		"    during: stop\n    stop: {exec: [a], observe: [b], undo: [c], timeout: 1s}\n"
		"overlap:\n" DECLARED("job");
	FIXTURE_AUTO f = fixture_parse(text);
	BUF_AUTO ordered = BUF_INIT;
	struct told told;
	char *argv[] = {(char[]){"move"}, NULL};

	(void)state;
	service(f.plan, "job")->move.exec = argv;
	told = find(f.plan);
	assert_int_equal(told.count, 1);
	assert_string_equal(told.ids[0], "P-JOB-TWICE");
	assert_contains(told.messages[0], "moves to new in wave 1, and for orders in wave 2");
	buf_printf(&ordered, "%sorder:\n  %s\n", text, strstr(told.helps[0], "- {first"));
	FIXTURE_AUTO g = fixture_parse(buf_str(&ordered));
	assert_non_null(g.plan);
	service(g.plan, "job")->move.exec = argv;
	assert_int_equal(find(g.plan).count, 0);
}

static void a_job_held_back_for_ever_runs_nowhere(void **state)
{
	FIXTURE_AUTO f =
		fixture_parse(HEAD "services:\n  job: {tier: replayable, writes: [orders]}\n"
				   "  web: {tier: entry, writes: [orders]}\n"
				   "overlap:\n" DECLARED("job") DECLARED("web"));
	struct told told;

	(void)state;
	service(f.plan, "job")->during = DURING_HOLDBACK;
	assert_int_equal(find(f.plan).count, 0); /* web confirms, and releases it */
	service(f.plan, "web")->tier = TIER_READ_ONLY;
	told = find(f.plan);
	assert_int_equal(told.count, 1);
	assert_string_equal(told.ids[0], "P-JOB-NOWHERE");
	assert_contains(told.messages[0], "neither side");
}

static void an_entry_point_does_not_need_what_waits_for_it(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		HEAD "services:\n  job: {tier: replayable, writes: [orders]}\n"
		     "  web: {tier: entry, writes: [orders], needs: [job]}\noverlap:\n"
		     "  - {from: web, to: job, because: x, at_most: 1m}\n" DECLARED("job")
			     DECLARED("web"));
	struct told told;

	(void)state;
	service(f.plan, "job")->during = DURING_HOLDBACK;
	told = find(f.plan);
	assert_int_equal(told.count, 1);
	assert_string_equal(told.ids[0], "P-JOB-NOWHERE");
	assert_contains(told.messages[0], "until web is confirmed, which needs it");
}

static void an_order_of_entry_points_inside_a_circle_is_refused(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		HEAD "services:\n  web: {tier: entry, writes: [orders], after: [api]}\n"
		     "  api: {tier: entry, needs: [reports]}\n"
		     "  reports: {tier: read-only, reads: [orders], needs: [web]}\n");
	const struct problem *p;

	(void)state;
	assert_null(f.plan); /* that is a circle of orders alone */
	FIXTURE_AUTO g = fixture_parse(
		HEAD "services:\n  web: {tier: entry, writes: [orders], after: [api]}\n"
		     "  api: {tier: entry, writes: [orders]}\n"
		     "  reports: {tier: read-only, reads: [orders], needs: [web]}\n");
	p = fixture_only(&g, "P-ENDPOINTS", 9, 48);
	assert_contains(p->message, "web comes after api, but both can only move in wave 1");
}

static void a_shared_route_switches_once(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "services:\n  api: {tier: entry, writes: [orders]}\n"
					    "  web: {tier: entry, writes: [orders], after: [api]}\n"
					    "overlap:\n" DECLARED("web") DECLARED("api"));
	struct told told;

	(void)state;
	assert_non_null(f.plan);
	f.plan->routes[0].kind = ROUTE_HAPROXY;
	service(f.plan, "api")->route = 0;
	assert_int_equal(find(f.plan).count, 0);
	service(f.plan, "web")->route = 0;
	told = find(f.plan);
	assert_int_equal(told.count, 1);
	assert_string_equal(told.ids[0], "P-ENDPOINTS");
	assert_contains(told.helps[0], "- {members: [api, web], because:");
}

static void an_ingress_switch_is_for_what_keeps_nothing(void **state)
{
	FIXTURE_AUTO f =
		fixture_parse(HEAD "services:\n  a: {tier: replayable}\n  b: {tier: support}\n"
				   "  c: {tier: entry}\n  d: {tier: read-only}\n");
	size_t refused = 0;

	(void)state;
	assert_non_null(f.plan);
	for (size_t i = 0; i < 4; i++) {
		struct told told;

		f.plan->routes[0].kind = i % 2 ? ROUTE_DNS : ROUTE_HAPROXY;
		f.plan->services[i].route = 0;
		told = find(f.plan);
		f.plan->services[i].route = PLAN_NONE;
		refused += told.count;
		assert_int_equal(told.count, i < 2);
		if (told.count)
			assert_string_equal(told.ids[0], "P-INGRESS");
	}
	assert_int_equal(refused, 2);
}

static void a_limit_that_can_not_be_kept_is_refused(void **state)
{
	FIXTURE_AUTO f =
		fixture_parse(HEAD "services:\n  web: {writes: [orders]}\n"
				   "overlap:\n" DECLARED("web") "limits: {blast_radius: 1}\n");
	const struct problem *p = fixture_only(&f, "P-BLAST", 12, 24);

	(void)state;
	assert_contains(p->message, "wave 1 (orders): 2 stores and services feel it");
	assert_contains(p->help, "blast_radius: 2");
}

static void too_many_stores_in_one_piece_are_refused(void **state)
{
	BUF_AUTO text = BUF_INIT;

	(void)state;
	buf_puts(&text, "airlock: 1\nname: many\nroutes: {direct: {kind: none}}\nstores:\n");
	for (int i = 0; i <= SEQUENCE_STORES_MAX; i++)
		buf_printf(&text,
			"  s%02d: {engine: postgresql, old: \"host=a%d dbname=d\", new: \"host=b%d "
			"dbname=d\", pattern: replica-promotion, sync: logical, route: direct}\n",
			i, i, i);
	buf_puts(&text, "together:\n  - because: x\n    members: [s00");
	for (int i = 1; i <= SEQUENCE_STORES_MAX; i++)
		buf_printf(&text, ", s%02d", i);
	buf_puts(&text, "]\n");
	FIXTURE_AUTO f = fixture_parse(buf_str(&text));
	assert_non_null(f.plan);
	assert_contains(
		fixture_only(&f, "P-WAVE-STORES", 5, 3)->message, "17 stores can only move");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crossing_is_refused_at_its_place),
		cmocka_unit_test(the_line_that_is_printed_declares_it),
		cmocka_unit_test(an_early_reader_that_moves_late_is_refused),
		cmocka_unit_test(a_schedule_that_nothing_stops_runs_twice),
		cmocka_unit_test(a_job_that_moves_before_its_stop_is_refused_until_it_is_ordered),
		cmocka_unit_test(a_job_held_back_for_ever_runs_nowhere),
		cmocka_unit_test(an_entry_point_does_not_need_what_waits_for_it),
		cmocka_unit_test(an_order_of_entry_points_inside_a_circle_is_refused),
		cmocka_unit_test(a_shared_route_switches_once),
		cmocka_unit_test(an_ingress_switch_is_for_what_keeps_nothing),
		cmocka_unit_test(a_limit_that_can_not_be_kept_is_refused),
		cmocka_unit_test(too_many_stores_in_one_piece_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
