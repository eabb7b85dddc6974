/*
 * test_gateway.c - the controller's side of the control socket, against a scripted other end: what
 * it asks, and what it makes of every kind of answer, of silence and of nonsense.
 */
#include "../testing.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "env/env_real.h"
#include "route/gateway.h"

#define ASKED_MAX 8

/* Answers the nth request with the nth line, in which %lld is the request's id; NULL hangs up, ""
 * says nothing. */
struct other_end {
	char dir[64], path[96];
	int listener;
	const char *const *answers;
	char asked[ASKED_MAX][800];
	size_t count;
	pthread_t thread;
	struct env *env;
	struct route *route;
	struct plan_setting setting;
	struct plan_route plan_route;
};

static bool read_line(int fd, char *line, size_t size)
{
	size_t len = 0;

	while (len + 1 < size && read(fd, line + len, 1) == 1)
		if (line[len++] == '\n') {
			line[len - 1] = '\0';
			return true;
		}
	return false;
}

static void answer(int fd, const char *request, const char *form)
{
	long long id = -1;
	const char *at = strstr(request, "\"id\":");
	char line[1200];
	int len;

	assert_non_null(at);
	id = strtoll(at + 5 + (at[5] == ' '), NULL, 10);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	len = snprintf(line, sizeof line, form, id);
#pragma GCC diagnostic pop
	assert_int_equal(write(fd, line, (size_t)len), len);
}

static void *serve(void *arg)
{
	struct other_end *end = arg;
	int fd = accept(end->listener, NULL, NULL);

	for (size_t i = 0; read_line(fd, end->asked[i], sizeof end->asked[i]); i++) {
		end->count = i + 1;
		if (end->answers[i] == NULL)
			break;
		if (end->answers[i][0] != '\0')
			answer(fd, end->asked[i], end->answers[i]);
	}
	close(fd);
	return NULL;
}

static void begin(struct other_end *end, const char *const *answers)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct err err = ERR_INIT;

	memset(end, 0, sizeof *end);
	end->answers = answers;
	snprintf(end->dir, sizeof end->dir, "/tmp/airlock-route-XXXXXX");
	assert_non_null(mkdtemp(end->dir));
	snprintf(end->path, sizeof end->path, "%s/control", end->dir);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", end->path);
	end->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(end->listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(end->listener, 1), 0);
	assert_int_equal(pthread_create(&end->thread, NULL, serve, end), 0);
	end->setting = (struct plan_setting){.key = "control", .value = end->path};
	end->plan_route = (struct plan_route){.name = "gw",
		.kind = ROUTE_GATEWAY,
		.settings = &end->setting,
		.settings_count = 1};
	assert_int_equal(env_real_new(1, &end->env, &err), 0);
	assert_int_equal(route_gateway_new("shop", &end->plan_route, end->env, &end->route, &err), 0);
}

static void finish(struct other_end *end)
{
	route_free(end->route);
	pthread_join(end->thread, NULL);
	close(end->listener);
	env_real_free(end->env);
	unlink(end->path);
	rmdir(end->dir);
}

#define HELLO                                                                                      \
	"{\"id\":%lld,\"ok\":true,\"proto\":1,\"store\":\"orders\",\"route\":\"gw\",\"pid\":7}\n"

static struct route_call call_of(struct other_end *end, int64_t patience_ms)
{
	return (struct route_call){.src = SIDE_OLD,
		.attempt = 7,
		.hold_ms = 5000,
		.drain_ms = 900,
		.lull_ms = 150,
		.share = 3,
		.deadline_ms = env_now_ms(end->env) + patience_ms};
}

static void orders_are_given_and_answers_taken(void **state)
{
	static const char *const answers[] = {HELLO,
		"{\"id\":%lld,\"ok\":true,\"sessions\":3,\"parked\":0,\"blockers\":[]}\n",
		"{\"id\":%lld,\"ok\":true,\"held\":3,\"drain_ms\":12,\"lull_ms\":40}\n",
		("{\"id\":%lld,\"ok\":true,\"released\":3,\"failed\":0,\"waiting_ms_max\":80,"
		 "\"served_ms\":7}\n")};
	struct other_end end;
	struct route_call call;
	struct route_held held;
	struct route_released released;
	struct err err = ERR_INIT;

	(void)state;
	begin(&end, answers);
	call = call_of(&end, 10000);
	assert_true(route_can_hold(end.route));
	assert_int_equal(route_arm(end.route, &call, &err), 0);
	assert_int_equal(route_hold(end.route, &call, &held, &err), 0);
	assert_int_equal(held.held, 3);
	assert_int_equal(held.drain_ms, 12);
	assert_int_equal(held.lull_ms, 40);
	assert_int_equal(
		route_release(end.route, SIDE_NEW, 12, call.deadline_ms, &released, &err), 0);
	assert_int_equal(released.released, 3);
	assert_int_equal(released.stall_ms, 80);
	assert_int_equal(released.served_ms, 7);
	finish(&end);
	assert_int_equal(end.count, 4);
	assert_non_null(strstr(end.asked[1], "\"attempt\":7"));
	assert_non_null(strstr(end.asked[1], "\"dst\":\"new\""));
	assert_non_null(strstr(end.asked[2], "\"hold_ms\":5000"));
	assert_non_null(strstr(end.asked[2], "\"drain_ms\":900"));
	assert_non_null(strstr(end.asked[2], "\"lull_ms\":150"));
	assert_non_null(strstr(end.asked[3], "\"side\":\"new\""));
	assert_non_null(strstr(end.asked[3], "\"epoch\":12"));
}

/* One order, one answer: what it must become. */
static void assert_hold_says(const char *said, enum err_code code, const char *words)
{
	const char *const answers[] = {said};
	struct other_end end;
	struct route_call call;
	struct route_held held;
	struct err err = ERR_INIT;

	begin(&end, answers);
	call = call_of(&end, said && !*said ? 500 : 10000);
	assert_int_equal(route_hold(end.route, &call, &held, &err), -1);
	finish(&end);
	if (err.code != code || !strstr(err.msg, words))
		fail_msg("%s: %s", err_name(err.code), err.msg);
}

static void a_refusal_keeps_its_meaning(void **state)
{
	(void)state;
	assert_hold_says(
		"{\"id\":%lld,\"ok\":false,\"code\":\"drain\",\"error\":\"1 session(s)\","
		"\"blockers\":[{\"pid\":41,\"age_ms\":2500,\"user\":\"shop\","
		"\"application\":\"web\",\"class\":\"transaction\",\"text\":\"UPDATE x\"}]}\n",
		ERR_BLOCKED, "pid 41, shop (web), transaction for 2.5 s: UPDATE x");
	assert_hold_says("{\"id\":%lld,\"ok\":false,\"code\":\"stale\",\"error\":\"old news\"}\n",
		ERR_LOST, "old news");
	assert_hold_says("{\"id\":%lld,\"ok\":false,\"code\":\"strange\",\"error\":\"what?\"}\n",
		ERR_REFUSED, "what?");
}

static void whom_a_hold_ended_before_it_failed_is_told(void **state)
{
	static const char *const answers[] = {
		"{\"id\":%lld,\"ok\":false,\"code\":\"drain\",\"error\":\"not every session\","
		"\"disconnected\":1,\"blockers\":[{\"pid\":41,\"age_ms\":2500,\"user\":\"shop\","
		"\"application\":\"web\",\"class\":\"transaction\",\"text\":\"UPDATE x\"},"
		"{\"pid\":42,\"age_ms\":1,\"user\":\"shop\",\"application\":\"late\","
		"\"class\":\"transaction\",\"text\":\"\"}]}\n",
		NULL};
	struct other_end end;
	struct route_call call;
	struct route_held held;
	struct err err = ERR_INIT, again = ERR_INIT;

	(void)state;
	begin(&end, answers);
	call = call_of(&end, 10000);
	assert_int_equal(route_hold(end.route, &call, &held, &err), -1);
	assert_int_equal(held.held, 0);
	assert_int_equal(held.ended, 1);
	assert_string_equal(held.who, "pid 41, shop (web), transaction for 2.5 s: UPDATE x");
	assert_non_null(strstr(err.msg, "(late)"));
	/* And once: the next one says nothing. */
	assert_int_equal(route_hold(end.route, &call, &held, &again), -1);
	assert_int_equal(held.ended, 0);
	assert_string_equal(held.who, "");
	finish(&end);
}

static void silence_hanging_up_and_nonsense_are_errors(void **state)
{
	(void)state;
	assert_hold_says("", ERR_TIMEOUT, "has not answered in time");
	assert_hold_says(NULL, ERR_UNREACHABLE, "does not answer");
	assert_hold_says("not JSON %lld\n", ERR_UNREACHABLE, "gateway of route gw");
}

static void an_answer_to_an_earlier_question_is_passed_over(void **state)
{
	static const char *const answers[] = {
		"{\"id\":0,\"ok\":true,\"held\":99,\"drain_ms\":1}\n"
		"{\"id\":%lld,\"ok\":true,\"held\":2,\"drain_ms\":1}\n"};
	struct other_end end;
	struct route_call call;
	struct route_held held;
	struct err err = ERR_INIT;

	(void)state;
	begin(&end, answers);
	call = call_of(&end, 10000);
	assert_int_equal(route_hold(end.route, &call, &held, &err), 0);
	finish(&end);
	assert_int_equal(held.held, 2);
}

static void a_session_that_cannot_cross_blocks_before_the_hold(void **state)
{
	static const char *const transient[] = {HELLO,
		"{\"id\":%lld,\"ok\":true,\"sessions\":1,\"parked\":0,\"blockers\":[{\"pid\":1,"
		"\"age_ms\":1,\"user\":\"u\",\"application\":\"a\",\"class\":\"transaction\","
		"\"text\":\"t\"}]}\n"};
	static const char *const stays[] = {HELLO,
		"{\"id\":%lld,\"ok\":true,\"sessions\":1,\"parked\":0,\"blockers\":[{\"pid\":1,"
		"\"age_ms\":1,\"user\":\"u\",\"application\":\"a\",\"class\":\"temp\","
		"\"text\":\"t\"}]}\n"};
	const char *const *scripts[] = {transient, stays};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		struct other_end end;
		struct route_call call;
		struct err err = ERR_INIT;

		begin(&end, scripts[i]);
		call = call_of(&end, 10000);
		assert_int_equal(route_arm(end.route, &call, &err), i == 0 ? 0 : -1);
		finish(&end);
		assert_int_equal(err.code, i == 0 ? ERR_OK : ERR_BLOCKED);
	}
}

static void more_sessions_than_there_is_room_for_are_refused(void **state)
{
	static const char *const answers[] = {HELLO,
		"{\"id\":%lld,\"ok\":true,\"sessions\":4,\"parked\":3,\"blockers\":[]}\n"};
	struct other_end end;
	struct route_call call;
	struct err err = ERR_INIT;

	(void)state;
	begin(&end, answers);
	call = call_of(&end, 10000);
	assert_int_equal(route_arm(end.route, &call, &err), -1);
	finish(&end);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_non_null(strstr(err.msg, "4 sessions are to go to new, which has room for 3 more"));
}

static void somebody_elses_gateway_is_refused(void **state)
{
	static const char *const answers[][1] = {
		{"{\"id\":%lld,\"ok\":true,\"proto\":1,\"plan\":\"shop\",\"store\":\"o\","
		 "\"route\":\"other\",\"pid\":7}\n"},
		{"{\"id\":%lld,\"ok\":true,\"proto\":1,\"plan\":\"other\",\"store\":\"o\","
		 "\"route\":\"gw\",\"pid\":7}\n"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct other_end end;
		struct route_call call;
		struct err err = ERR_INIT;

		begin(&end, answers[i]);
		call = call_of(&end, 10000);
		assert_int_equal(route_arm(end.route, &call, &err), -1);
		finish(&end);
		assert_int_equal(err.code, ERR_REFUSED);
		assert_non_null(strstr(err.msg, "other"));
	}
}

/* ---- accounts -------------------------------------------------------------------------------- */

#define ACCOUNT(number, ended, name)                                                               \
	"{\"number\":" #number ",\"pid\":41,\"side\":\"new\",\"address\":\"10.0.0.7\","             \
	"\"port\":50123,\"via\":\"10.0.0.1\",\"via_port\":4,\"user\":\"shop\","                       \
	"\"application\":\"" name "\",\"came_ms\":5,\"asked_ms\":6,\"ended_ms\":" #ended ","          \
	"\"transactions\":7,\"bytes_in\":8,\"bytes_out\":9,\"writes\":1,\"rows\":2,"                  \
	"\"wrote_ms\":3,\"wrote\":\"UPDATE\"}"
#define PAGE(next, rows)                                                                           \
	"{\"id\":%lld,\"ok\":true,\"sessions\":2,\"ended\":9,\"next\":" #next                         \
	",\"accounts\":[" rows "]}\n"

static int ask_accounts(struct other_end *end, struct route_accounts *accounts, struct err *err)
{
	return route_accounts(end->route, env_now_ms(end->env) + 10000, accounts, err);
}

static void accounts_are_read_to_the_last_page_then_only_what_is_new(
	void **state)
{
	static const char *const answers[] = {HELLO, PAGE(5, ACCOUNT(5, 0, "web")),
		PAGE(0, ACCOUNT(3, 0, "worker")), PAGE(0, ACCOUNT(6, 20, "gone")),
		/* The second time two have ended of which one is told of no more. */
		HELLO, PAGE(5, ACCOUNT(9, 0, "new") "," ACCOUNT(5, 0, "web")),
		PAGE(0, ACCOUNT(8, 1, "late") "," ACCOUNT(6, 30, "gone"))};
	ROUTE_ACCOUNTS_AUTO accounts = {0};
	struct other_end end;
	struct err err = ERR_INIT;

	(void)state;
	begin(&end, answers);
	assert_int_equal(ask_accounts(&end, &accounts, &err), 0);
	assert_int_equal(accounts.count, 3);
	assert_int_equal(accounts.clients, 2);
	assert_int_equal(accounts.carrier, 7);
	assert_int_equal(accounts.forgotten, 0);
	assert_string_equal(accounts.rows[1].application, "worker");
	assert_string_equal(accounts.rows[0].address, "10.0.0.7");
	assert_int_equal(accounts.rows[0].port, 50123);
	assert_int_equal(accounts.rows[0].side, SIDE_NEW);
	assert_false(accounts.rows[1].ended);
	assert_true(accounts.rows[2].ended);
	assert_int_equal(accounts.rows[2].ended_ms, 20);
	assert_int_equal(ask_accounts(&end, &accounts, &err), 0);
	assert_int_equal(accounts.count, 2);
	assert_string_equal(accounts.rows[0].application, "new");
	assert_string_equal(accounts.rows[1].application, "late");
	assert_int_equal(accounts.forgotten, 1);
	finish(&end);
	assert_non_null(strstr(end.asked[2], "\"before\":5"));
	assert_non_null(strstr(end.asked[3], "\"ended\":true"));
}

/* Whose numbers begin anew must not hide who has ended since. */
static void a_gateway_that_was_started_anew_counts_anew(void **state)
{
	static const char *const answers[] = {HELLO, PAGE(0, ""), PAGE(0, ACCOUNT(900, 1, "before")),
		"{\"id\":%lld,\"ok\":true,\"proto\":1,\"store\":\"orders\",\"route\":\"gw\","
		"\"pid\":8}\n",
		PAGE(0, ""), PAGE(0, ACCOUNT(1, 1, "after"))};
	ROUTE_ACCOUNTS_AUTO accounts = {0};
	struct other_end end;
	struct err err = ERR_INIT;

	(void)state;
	begin(&end, answers);
	assert_int_equal(ask_accounts(&end, &accounts, &err), 0);
	assert_int_equal(ask_accounts(&end, &accounts, &err), 0);
	assert_int_equal(accounts.count, 1);
	assert_string_equal(accounts.rows[0].application, "after");
	assert_int_equal(accounts.forgotten, 0);
	finish(&end);
}

static void a_gateway_that_cannot_say_who_they_are_leaves_nobody(void **state)
{
	static const char *const old_one[] = {HELLO,
		"{\"id\":%lld,\"ok\":false,\"code\":\"request\",\"error\":\"'cmd' must be\"}\n"};
	static const char *const endless[] = {
		HELLO, PAGE(5, ACCOUNT(5, 0, "web")), PAGE(5, ACCOUNT(5, 0, "web"))};
	const char *const *scripts[] = {old_one, endless};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		ROUTE_ACCOUNTS_AUTO accounts = {0};
		struct other_end end;
		struct err err = ERR_INIT;

		begin(&end, scripts[i]);
		assert_int_equal(ask_accounts(&end, &accounts, &err), -1);
		assert_int_equal(accounts.count, 0);
		assert_non_null(strstr(err.msg, i == 0 ? "'cmd' must be" : "no end"));
		finish(&end);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_are_given_and_answers_taken),
		cmocka_unit_test(a_refusal_keeps_its_meaning),
		cmocka_unit_test(whom_a_hold_ended_before_it_failed_is_told),
		cmocka_unit_test(silence_hanging_up_and_nonsense_are_errors),
		cmocka_unit_test(an_answer_to_an_earlier_question_is_passed_over),
		cmocka_unit_test(a_session_that_cannot_cross_blocks_before_the_hold),
		cmocka_unit_test(more_sessions_than_there_is_room_for_are_refused),
		cmocka_unit_test(somebody_elses_gateway_is_refused),
		cmocka_unit_test(
			accounts_are_read_to_the_last_page_then_only_what_is_new),
		cmocka_unit_test(a_gateway_that_was_started_anew_counts_anew),
		cmocka_unit_test(a_gateway_that_cannot_say_who_they_are_leaves_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
