#include "fixture.h"

static void never_tells(const char *text, const char *secret)
{
	FIXTURE_AUTO f = fixture_parse(text);
	BUF_AUTO out = BUF_INIT;

	problems_print(&f.problems, false, &out);
	if (!fixture_find(&f, "P-SECRET"))
		fail_msg("no secret was found: %s", buf_str(&out));
	if (strstr(buf_str(&out), secret))
		fail_msg("the secret is told: %s", buf_str(&out));
	assert_null(strstr(f.err.msg, secret));
}

static void secrets_are_refused_and_not_told(void **state)
{
	(void)state;
	never_tells("airlock: 1\nname: password=hunter2\n", "hunter2");
	never_tells("airlock: 1\nstores: {o: {old: \"host=h pasword=x password=hunter2\"}}\n",
		"hunter2");
	never_tells("stores: {o: {engine: \"mysql://u:hunter2@h\", nwe: 1}}\n", "hunter2");
	never_tells("password: hunter2\nnmae: x\n", "hunter2");
	never_tells("a: {\"password\" : \"hun\\x74er2\", b: hunter2}\n", "er2");
	never_tells("stores:\n  o:\n    old: >\n      host=h\n      password=hunter2\n    nwe: 1\n",
		"hunter2");
	never_tells("budgets: {stall: token=hunter2}\n", "hunter2");
	never_tells("\"password=hunter2\": 1\n", "hunter2");
	never_tells("services: {w: {move: {exec: [psql, PGPASSWORD=hunter2]}}}\n", "hunter2");
	never_tells("x: [[[[{y: 'postgresql://u:hunter2@h'}]]]]\n", "hunter2");
	never_tells("a: &s {b: password=hunter2}\nc: *s\n", "hunter2");
	never_tells("needs: [password=hunter2]\npassword: hunter2\npassword: hunter2\n", "hunter2");
}

static void one_server_for_both_sides(void **state)
{
	FIXTURE_AUTO f =
		fixture_parse("airlock: 1\nname: x\nroutes: {d: {kind: none}}\nstores:\n"
			      "  o: {engine: postgresql, old: host=h dbname=d, new: "
			      "postgresql://h/d, pattern: replica-promotion, sync: logical, "
			      "route: d}\n");

	(void)state;
	fixture_only(&f, "P-SAME-SERVER", 5, 54);
}

static void budgets_must_fit_into_each_other(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "budgets: {hold: 1s}\n");
	FIXTURE_AUTO g = fixture_parse(HEAD "budgets: {stall: 3s, drain: 4s}\n");
	FIXTURE_AUTO h = fixture_parse(HEAD "budgets: {stall: 9, window: 1s, hold: 1s}\n");

	(void)state;
	assert_contains(fixture_only(&f, "P-BUDGET", 8, 17)->message, "window (2s)");
	assert_int_equal(g.problems.count, 2);
	/* What could not be read is not compared. */
	assert_int_equal(h.problems.count, 1);
}

static enum plan_tier derived(const char *service)
{
	BUF_AUTO text = BUF_INIT;
	enum plan_tier tier;

	buf_printf(&text, "%sservices:\n  x: {needs: [b]}\n  b: {}\n  w: %s\n", HEAD, service);
	{
		FIXTURE_AUTO f = fixture_parse(buf_str(&text));

		assert_non_null(f.plan);
		assert_string_equal(f.plan->services[1].name, "w");
		assert_false(f.plan->services[1].tier_given);
		tier = f.plan->services[1].tier;
	}
	return tier;
}

static void tiers_are_derived(void **state)
{
	(void)state;
	assert_int_equal(derived("{writes: [orders]}"), TIER_ENTRY);
	assert_int_equal(derived("{reads: [orders]}"), TIER_READ_ONLY);
	assert_int_equal(derived("{}"), TIER_SUPPORT);
	assert_int_equal(derived("{needs: [orders]}"), TIER_SUPPORT);
}

static void a_reader_does_not_write(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "services: {w: {tier: read-only, writes: [orders]}}\n");

	(void)state;
	fixture_only(&f, "P-TIER", 8, 22);
}

/* Of the role, behind "  w: {". */
static int column_of(const char *service)
{
	static const char key[] = "early_reader: ";

	return (int)(strstr(service, key) - service + sizeof key - 1 + sizeof "  w: {");
}

static void an_early_reader_is_declared_to_read_and_no_more(void **state)
{
	static const struct {
		const char *service, *help, *message;
	} cases[] = {
		{"reads: [orders], early_reader: r", "add:  tier: read-only", "declared to read"},
		{"reads: [orders], writes: [orders], early_reader: r", "or what it `writes`", "declared to read"},
		{"tier: replayable, reads: [orders], early_reader: r", "add:  tier: read-only",
			"declared to read"},
		{"tier: read-only, early_reader: r", "add:  reads: [STORE]", "reads no store"},
		{"tier: read-only, reads: [orders], early_reader: airlock_probe", "as it logs in on new",
			"not the name of an application's role"},
		{"tier: read-only, reads: [orders], early_reader: pg_read_all_data",
			"as it logs in on new", "not the name of an application's role"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		BUF_AUTO text = BUF_INIT;
		const struct problem *p;

		buf_printf(&text, HEAD "services:\n  w: {%s}\n", cases[i].service);
		FIXTURE_AUTO f = fixture_parse(buf_str(&text));
		p = fixture_only(&f, "P-EARLY", 9, column_of(cases[i].service));
		assert_int_equal(p->severity, PROBLEM_ERROR);
		assert_contains(p->message, cases[i].message);
		assert_contains(p->help, cases[i].help);
	}
}

/* What this version does not carry out yet is refused for that as well. */
static void only_what_replication_keeps_readable_is_read_early(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		"airlock: 1\nname: shop\nroutes:\n  direct: {kind: none}\nstores:\n"
		"  orders: {engine: postgresql, old: \"host=a dbname=d\", new: \"host=b dbname=d\",\n"
		"    pattern: replica-promotion, sync: physical, route: direct}\n"
		"services:\n  r: {tier: read-only, reads: [orders], early_reader: x}\n");
	const struct problem *p = fixture_find(&f, "P-EARLY");

	(void)state;
	assert_non_null(p);
	assert_int_equal(p->line, 9);
	assert_contains(p->message, "the new side of 'orders' cannot be read");
}

static void overlaps_need_an_edge(void **state)
{
	FIXTURE_AUTO f = fixture_parse(
		HEAD "services: {w: {after: [v]}, v: {}}\noverlap: [{from: w, to: v, because: x, "
		     "at_most: 1m}]\n");

	(void)state;
	fixture_only(&f, "P-OVERLAP", 9, 11);
}

static void every_pair_of_an_overlap_needs_one(void **state)
{
	FIXTURE_AUTO f =
		fixture_parse(HEAD "services: {w: {writes: [orders]}, v: {needs: [w]}}\noverlap:\n"
				   "  - {from: [v], to: [w], because: x, at_most: 1m}\n"
				   "  - {from: [v, w], to: orders, because: x, at_most: 1m}\n");

	(void)state;
	assert_string_equal(fixture_only(&f, "P-OVERLAP", 11, 5)->message,
		"overlap[1]: nothing connects 'v' and 'orders': neither reads, writes or needs "
		"the other");
}

static void a_name_belongs_to_one(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "services: {orders: {}}\n");

	(void)state;
	fixture_only(&f, "P-NAME-TAKEN", 8, 12);
}

static void unused_routes_are_only_warned_of(void **state)
{
	FIXTURE_AUTO f = fixture_parse("airlock: 1\nname: x\nroutes: {direct: {kind: none}, other: "
				       "{kind: none}}\nstores:\n" ORDERS);

	(void)state;
	assert_non_null(f.plan);
	assert_int_equal(fixture_only(&f, "P-UNUSED", 3, 32)->severity, PROBLEM_WARNING);
}

static void too_many_members(void **state)
{
	BUF_AUTO text = BUF_INIT;

	(void)state;
	buf_puts(&text, HEAD "services:\n");
	for (int i = 0; i < PLAN_MEMBERS_MAX; i++)
		buf_printf(&text, "  s%d: {reads: [orders]}\n", i);
	{
		FIXTURE_AUTO f = fixture_parse(buf_str(&text));

		fixture_only(&f, "P-TOO-LARGE", 1, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_are_refused_and_not_told),
		cmocka_unit_test(one_server_for_both_sides),
		cmocka_unit_test(budgets_must_fit_into_each_other),
		cmocka_unit_test(tiers_are_derived),
		cmocka_unit_test(a_reader_does_not_write),
		cmocka_unit_test(an_early_reader_is_declared_to_read_and_no_more),
		cmocka_unit_test(only_what_replication_keeps_readable_is_read_early),
		cmocka_unit_test(overlaps_need_an_edge),
		cmocka_unit_test(every_pair_of_an_overlap_needs_one),
		cmocka_unit_test(a_name_belongs_to_one),
		cmocka_unit_test(unused_routes_are_only_warned_of),
		cmocka_unit_test(too_many_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
