/* test_behind.c - who comes through a gateway, by accounts that a scripted route gives: whose session
 * is whose, what is told of those whom nobody saw, and what the plan makes of whom nobody knows. */
#include "../testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "discover/writers_behind.h"

/* What the next calls give, and what they were asked. */
struct scripted {
	struct route route; /* first */
	const struct route_account *rows;
	size_t count, calls;
	int64_t came_asked, ended_asked;
	bool silent;
};

static int give_accounts(struct route *route, int64_t deadline_ms, struct route_accounts *accounts,
	struct err *err)
{
	struct scripted *s = (struct scripted *)route;

	assert_true(deadline_ms > 0);
	s->calls++;
	s->came_asked = accounts->came;
	s->ended_asked = accounts->ended;
	if (s->silent)
		return err_set(err, ERR_TIMEOUT, "it sleeps");
	for (size_t i = 0; i < s->count; i++)
		*route_accounts_add(accounts) = s->rows[i];
	accounts->carrier = 7;
	accounts->came = 50;
	accounts->ended = 60;
	accounts->clients = 3;
	return 0;
}

static const struct route_ops ops = {.can = ROUTE_CAN_HOLD, .accounts = give_accounts};

static struct scripted script(const struct route_account *rows, size_t count)
{
	return (struct scripted){.route = {&ops, NULL, "gw"}, .rows = rows, .count = count};
}

static struct behind begin(struct scripted *s, struct writers *w)
{
	return behind_init(&s->route, w, "orders", SIDE_OLD, clock_now_ms() + 60000);
}

#define CLIENT .pid = 41, .side = SIDE_OLD, .address = "10.0.0.7", .port = 5, .via = "10.0.0.1", \
	.via_port = 900, .user = "shop", .application = "web", .transactions = 9

static size_t row_of_none(void *ctx, int64_t pid)
{
	(void)ctx;
	(void)pid;
	return SIZE_MAX;
}

/* ---- whose session? -------------------------------------------------------------------------- */

static void a_session_is_found_by_its_server_and_its_connection(void **state)
{
	static const struct route_account rows[] = {{CLIENT}};
	static const struct {
		struct behind_session session;
		bool found;
	} cases[] = {
		{{41, "shop", "10.0.0.1", 900}, true},
		{{41, "shop", "local", 0}, true},	/* the server hides it */
		{{41, "shop", "192.0.2.1", 77}, true},	/* addresses are translated in between */
		{{41, "shop", "10.0.0.1", 901}, false}, /* another connection of the same host */
		{{42, "shop", "10.0.0.1", 900}, false},
		{{41, "other", "10.0.0.1", 900}, false},
	};
	WRITERS_AUTO w = {0};
	struct scripted s = script(rows, 1);
	struct behind b = begin(&s, &w);

	(void)state;
	behind_ask(&b, false);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(behind_find(&b, &cases[i].session) != NULL, cases[i].found);
	b.side = SIDE_NEW; /* the same number is another process there */
	assert_null(behind_find(&b, &cases[0].session));
	behind_fini(&b);
}

/* Process ids are used again. */
static void who_ended_long_ago_has_no_session(void **state)
{
	static const struct route_account rows[] = {
		{CLIENT, .ended = true, .ended_ms = 60000}, {CLIENT, .ended = true, .ended_ms = 50}};
	static const struct behind_session session = {41, "shop", "10.0.0.1", 900};
	WRITERS_AUTO w = {0};
	struct scripted s = script(rows, 1);
	struct behind b = begin(&s, &w);

	(void)state;
	behind_ask(&b, false);
	assert_null(behind_find(&b, &session));
	s.rows = &rows[1];
	behind_ask(&b, false);
	assert_non_null(behind_find(&b, &session));
	behind_fini(&b);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void it_goes_on_from_where_it_asked_last_also_in_the_next_watch(void **state)
{
	WRITERS_AUTO w = {0};
	struct scripted s = script(NULL, 0);
	struct behind b = begin(&s, &w);

	(void)state;
	behind_ask(&b, false);
	assert_int_equal(s.came_asked, 0);
	behind_ask(&b, false);
	assert_int_equal(s.came_asked, 50);
	assert_int_equal(s.ended_asked, 60);
	b.accounts.ended = 70;
	behind_ask_again(&b); /* as if the last had not been asked, and for everybody */
	assert_int_equal(s.came_asked, 0);
	assert_int_equal(s.ended_asked, 60);
	behind_fini(&b);
	b = begin(&s, &w);
	behind_ask(&b, false);
	assert_int_equal(s.came_asked, 0);
	assert_int_equal(s.ended_asked, 60);
	behind_fini(&b);
}

static void a_look_asks_once_and_for_all_only_where_somebody_stays_unknown(void **state)
{
	static const struct route_account rows[] = {{CLIENT}};
	static const struct behind_session his = {41, "shop", "10.0.0.1", 900},
					   nobodys = {42, "shop", "10.0.0.9", 901};
	WRITERS_AUTO w = {0};
	struct scripted s = script(rows, 1);
	struct behind b = begin(&s, &w);
	bool asked = false;

	(void)state;
	behind_meet(&b, &his, &asked);
	behind_meet(&b, &his, &asked);
	assert_true(asked);
	assert_int_equal(s.calls, 1);
	behind_meet(&b, &nobodys, &asked); /* all were read just now */
	assert_int_equal(s.calls, 1);
	b.all_at_ms = 0;
	behind_meet(&b, &nobodys, &asked);
	assert_int_equal(s.calls, 2);
	assert_int_equal(s.came_asked, 0);
	asked = false;
	behind_meet(&b, &his, &asked); /* the next look */
	assert_int_equal(s.calls, 3);
	assert_int_equal(s.came_asked, 50);
	behind_fini(&b);
}

static void one_that_does_not_answer_is_noted_and_left_alone(void **state)
{
	WRITERS_AUTO w = {0};
	struct scripted s = script(NULL, 0);
	struct behind b = begin(&s, &w);
	const struct writers_gateway *g;

	(void)state;
	s.silent = true;
	behind_ask(&b, false);
	behind_ask(&b, true);
	assert_int_equal(s.calls, 1);
	g = writers_gateway_of(&w, "orders");
	assert_non_null(g);
	assert_true(g->silent && g->fell_silent);
	assert_string_equal(g->route, "gw");
	assert_string_equal(g->why, "it sleeps");
	behind_fini(&b);
	s.silent = false;
	b = begin(&s, &w); /* the next watch asks again */
	behind_ask(&b, false);
	g = writers_gateway_of(&w, "orders");
	assert_false(g->silent || g->fell_silent);
	assert_string_equal(g->why, "");
	s.silent = true;
	behind_ask(&b, false); /* in the midst of a watch: that is news */
	assert_true(writers_gateway_of(&w, "orders")->fell_silent);
	behind_fini(&b);
	b = begin(&s, &w);
	behind_ask(&b, false); /* and is none any more */
	g = writers_gateway_of(&w, "orders");
	assert_true(g->silent && !g->fell_silent);
	behind_fini(&b);
}

/* ---- what is told ---------------------------------------------------------------------------- */

static void whom_nobody_saw_is_a_row_with_what_it_wrote(void **state)
{
	static const struct route_account rows[] = {
		{CLIENT, .ended = true, .ended_ms = 3000, .came_ms = 9000, .asked_ms = 4000,
			.writes = 2, .rows = 5, .wrote_ms = 4000, .wrote = "UPDATE"},
		{CLIENT, .ended = true, .ended_ms = 1000, .came_ms = 500, .writes = 1, .rows = 1,
			.wrote_ms = 1000, .wrote = "DELETE"},
		{.pid = 43, .side = SIDE_NEW, .user = "shop", .address = "10.0.0.8"},
		{.pid = 44, .side = SIDE_OLD, .user = "airlock_probe", .address = "10.0.0.8"},
		{.pid = 0, .side = SIDE_OLD, .user = "waits", .address = "10.0.0.8"}};
	int64_t now_s = (int64_t)time(NULL);
	WRITERS_AUTO w = {0};
	struct scripted s = script(rows, ARRAY_LEN(rows));
	struct behind b = begin(&s, &w);
	const struct writer *row = NULL;

	(void)state;
	behind_ask(&b, false);
	assert_int_equal(behind_tell(&b, row_of_none, NULL, true, 2000), 1); /* came meanwhile */
	assert_int_equal(w.count, 1);
	row = &w.rows[0];
	assert_string_equal(row->address, "10.0.0.7");
	assert_true(row->wrote && row->here && row->gateway.told);
	assert_string_equal(row->evidence, "UPDATE, by its gateway's account");
	assert_string_equal(row->why, "its session has ended");
	assert_in_range(row->wrote_s, now_s - 1, now_s + 1);
	assert_in_range(row->first_s, now_s - 9, now_s - 7);
	assert_int_equal(row->gateway.sessions, 2);
	assert_int_equal(row->gateway.writes, 3);
	assert_int_equal(row->gateway.rows, 6);
	assert_int_equal(row->writes, 0); /* that is what looks have counted */
	behind_fini(&b);
}

static void who_goes_while_the_pages_are_read_is_told_once(void **state)
{
	static const struct route_account rows[] = {
		{CLIENT, .writes = 1, .rows = 1, .wrote = "UPDATE"},
		{CLIENT, .ended = true, .writes = 1, .rows = 1, .wrote = "UPDATE"}};
	WRITERS_AUTO w = {0};
	struct scripted s = script(rows, 2);
	struct behind b = begin(&s, &w);

	(void)state;
	behind_ask(&b, false);
	behind_tell(&b, row_of_none, NULL, true, 2000);
	assert_int_equal(w.count, 1);
	assert_int_equal(w.rows[0].gateway.writes, 1);
	behind_fini(&b);
}

/* ---- what the plan makes of it --------------------------------------------------------------- */

static size_t first_store[] = {0};
static struct plan_match by_address[] = {{.user = "shop", .address = "10.*"}};
static struct plan_service web[] = {{.name = "web", .writes = first_store, .writes_count = 1,
	.matches = by_address, .matches_count = 1}};
static struct plan_store orders[] = {{.name = "orders"}};
static const struct plan plan = {
	.stores = orders, .stores_count = 1, .services = web, .services_count = 1};

static void an_address_that_nobody_knows_is_no_reason_for_an_alarm(void **state)
{
	WRITERS_AUTO w = {0};
	struct writer *row = writers_at(&w, "orders", SIDE_OLD, "shop", "web", "127.0.0.1");

	(void)state;
	row->wrote = true;
	row->wrote_s = 100;
	assert_true(writers_need_addresses(&plan, 0));
	assert_true(writer_is_undeclared(&plan, 0, row, 0));
	row->gateway.untold = true;
	assert_false(writer_is_undeclared(&plan, 0, row, 0));
	snprintf(row->user, sizeof row->user, "legacy");
	assert_true(writer_is_undeclared(&plan, 0, row, 0));
	by_address[0].address = NULL;
	assert_false(writers_need_addresses(&plan, 0));
	by_address[0].address = "10.*";
}

/* Calls of a session of which only the role is known. */
static void they_go_to_a_service_that_stands_for_it_whatever_its_address(void **state)
{
	static struct plan_match by_role[] = {{.user = "shop"}}, other[] = {{.user = "legacy"}};
	enum { WRITES = 1, READS = 2, NEITHER = 4 };
	static const struct {
		struct plan_match *first, *second;
		int first_does, second_does;
		int surely; /* -1 = cannot be said */
		bool may_be[2];
	} cases[] = {
		{by_address, other, WRITES, WRITES, -1, {true, false}},
		{by_address, by_role, WRITES, WRITES, -1, {true, true}},
		{by_role, by_address, WRITES, WRITES, 0, {true, true}}, /* the first that writes */
		{by_address, by_role, READS, WRITES, 1, {true, true}},
		{by_address, by_role, READS, READS, 1, {true, true}}, /* the last that reads */
		{by_role, by_address, READS, READS, -1, {true, true}},
		{by_role, by_address, READS, WRITES, -1, {true, true}},
		{by_address, by_role, NEITHER, WRITES, 1, {false, true}},
		{by_role, other, WRITES, WRITES, 0, {true, false}},
		{other, other, WRITES, WRITES, -1, {false, false}}, /* a stranger */
	};
	struct writer row = {.user = "shop", .address = "10.0.0.7", .gateway.untold = true};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_service two[2] = {{.writes = first_store, .reads = first_store,
			.writes_count = cases[i].first_does == WRITES,
			.reads_count = cases[i].first_does == READS,
			.matches = cases[i].first, .matches_count = 1},
			{.writes = first_store, .reads = first_store,
			.writes_count = cases[i].second_does == WRITES,
			.reads_count = cases[i].second_does == READS,
			.matches = cases[i].second, .matches_count = 1}};
		const struct plan both = {.stores = orders, .stores_count = 1, .services = two,
			.services_count = 2};

		assert_ptr_equal(writer_service_surely(&both, 0, &row),
			cases[i].surely < 0 ? NULL : &two[cases[i].surely]);
		for (size_t s = 0; s < 2; s++)
			assert_int_equal(writer_may_be(&two[s], 0, &row), cases[i].may_be[s]);
	}
	row.gateway.untold = false;
	assert_ptr_equal(writer_service_surely(&plan, 0, &row), &web[0]);
	snprintf(row.address, sizeof row.address, "192.0.2.1");
	assert_null(writer_service_surely(&plan, 0, &row));
	assert_false(writer_may_be(&web[0], 0, &row));
}

/* Rows that were written now were not written by who had gone before. */
static void who_went_before_explains_no_rows(void **state)
{
	WRITERS_AUTO w = {.counted = {.rows = 5, .since_s = 1000}};
	struct writer *row = writers_at(&w, "orders", SIDE_OLD, "shop", "web", "10.0.0.7");

	(void)state;
	row->here = row->wrote = true;
	row->last_s = 999;
	assert_false(writers_explain(&plan, 0, SIDE_OLD, &w));
	row->last_s = 1000;
	assert_true(writers_explain(&plan, 0, SIDE_OLD, &w));
}

static void the_way_is_described(void **state)
{
	static const struct {
		int64_t through, past;
		bool untold;
		const char *words;
	} cases[] = {
		{1, 0, false, "from 10.0.0.7, through gateway gw, process not known (it left)"},
		{1, 2, false, "from 10.0.0.7, through gateway gw and past it, process"},
		{0, 2, false, "from 10.0.0.7, past gateway gw, process"},
		{0, 0, true, "from 10.0.0.7, behind gateway gw, which did not tell whose it is, p"},
		{0, 0, false, "from 10.0.0.7, process"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct writer row = {.user = "shop", .address = "10.0.0.7", .why = "it left",
			.gateway = {.route = "gw", .sessions = cases[i].through,
				.past = cases[i].past, .untold = cases[i].untold}};
		BUF_AUTO out = BUF_INIT;

		writer_describe(&row, &out);
		assert_non_null(strstr(buf_str(&out), cases[i].words));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_found_by_its_server_and_its_connection),
		cmocka_unit_test(who_ended_long_ago_has_no_session),
		cmocka_unit_test(it_goes_on_from_where_it_asked_last_also_in_the_next_watch),
		cmocka_unit_test(a_look_asks_once_and_for_all_only_where_somebody_stays_unknown),
		cmocka_unit_test(one_that_does_not_answer_is_noted_and_left_alone),
		cmocka_unit_test(whom_nobody_saw_is_a_row_with_what_it_wrote),
		cmocka_unit_test(who_goes_while_the_pages_are_read_is_told_once),
		cmocka_unit_test(an_address_that_nobody_knows_is_no_reason_for_an_alarm),
		cmocka_unit_test(they_go_to_a_service_that_stands_for_it_whatever_its_address),
		cmocka_unit_test(who_went_before_explains_no_rows),
		cmocka_unit_test(the_way_is_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
