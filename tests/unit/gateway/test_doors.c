/* Runs beside a private server, which holds the control database of both sides. */
#include "../testing.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "gateway/doors.h"
#include "store/postgres/pg.h"
#include "store/postgres/sql.h"

#define ANSWER_MS 4000
#define PLAN "p"
#define STORE "s"
#define MINE "'" PLAN "', '" STORE "', "

/* What the newest answer said; `answers` counts all. */
struct heard {
	int answers;
	enum err_code code;
	struct door_view view;
	bool moved, has_verifier;
	char verifier[256], msg[480];
	struct door_session session;
	size_t sessions;
};

struct world {
	uv_loop_t loop;
	struct doors *doors;
	struct heard heard;
};

/* ---- the server ------------------------------------------------------------------------------ */

static int64_t soon(void)
{
	return clock_now_ms() + 10000;
}

static struct pg *open_in(const char *dbname)
{
	struct pg_target target = {.conninfo = getenv("AIRLOCK_TEST_CONNINFO"), .dbname = dbname};
	struct err err = ERR_INIT;
	struct pg *pg = NULL;

	if (pg_open(&pg, &target, soon(), &err) != 0)
		fail_msg("%s", err.msg);
	return pg;
}

static void run_in(const char *dbname, const char *sql)
{
	struct err err = ERR_INIT;
	PG_AUTO pg = open_in(dbname);

	if (pg_exec(pg, soon(), sql, 0, NULL, NULL, &err) != 0)
		fail_msg("%s", err.msg);
}

static int64_t number_in(const char *dbname, const char *sql)
{
	struct err err = ERR_INIT;
	PG_AUTO pg = open_in(dbname);
	PG_ROWS_AUTO rows = PG_ROWS_INIT;

	if (pg_exec(pg, soon(), sql, 0, NULL, &rows, &err) != 0)
		fail_msg("%s", err.msg);
	assert_int_equal(rows.rows, 1);
	return pg_int(&rows, 0, 0);
}

static int64_t gateway_backend(void)
{
	return number_in("airlock", "SELECT max(pid) FROM pg_stat_activity"
				    " WHERE application_name = 'airlock-gateway'");
}

static int make_database(void **state)
{
	(void)state;
	run_in("postgres", "CREATE ROLE airlock SUPERUSER LOGIN; CREATE ROLE airlock_gateway LOGIN;"
			   "CREATE ROLE airlock_repl; CREATE ROLE app LOGIN");
	run_in("postgres", "CREATE DATABASE airlock OWNER airlock");
	run_in("postgres", "CREATE DATABASE shop");
	run_in("airlock", sql_control);
	run_in("airlock", sql_gateway);
	return 0;
}

/* Both sides as after sync: old open, new shut. */
static void enroll(void)
{
	run_in("airlock", "DELETE FROM airlock.register; GRANT CONNECT ON DATABASE shop TO PUBLIC");
	run_in("airlock", "SELECT airlock.enroll(" MINE "'old', 'shop', true, 'h', 't')");
	run_in("airlock", "INSERT INTO airlock.register (plan, store, side, dbname, state)"
			  " VALUES (" MINE "'new', 'shop', 'STANDBY')");
}

/* ---- the world ------------------------------------------------------------------------------- */

static struct doors *doors_to(struct world *w, const char *conninfo)
{
	struct doors_options options = {.loop = &w->loop,
		.plan = PLAN,
		.store = STORE,
		.conninfo = {conninfo, conninfo},
		.register_user = "airlock_gateway",
		.answer_ms = ANSWER_MS};

	return doors_new(&options);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	enroll();
	assert_int_equal(uv_loop_init(&w->loop), 0);
	w->doors = doors_to(w, getenv("AIRLOCK_TEST_CONNINFO"));
	*state = w;
	return 0;
}

static void note_closed(void *ctx)
{
	*(bool *)ctx = true;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	bool closed = false;

	doors_close(w->doors, note_closed, &closed);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_true(closed);
	assert_int_equal(uv_loop_close(&w->loop), 0); /* no handle was left */
	free(w);
	return 0;
}

static void wait_for(struct world *w, int answers)
{
	while (w->heard.answers < answers)
		uv_run(&w->loop, UV_RUN_ONCE);
	assert_int_equal(w->heard.answers, answers);
}

static void note_err(struct heard *h, const struct err *err)
{
	h->answers++;
	h->code = err->code;
	snprintf(h->msg, sizeof h->msg, "%s", err->msg);
}

static void note_view(void *ctx, const struct door_view *view, const struct err *err)
{
	struct heard *h = ctx;

	note_err(h, err);
	h->view = *view;
}

static void note_moved(void *ctx, bool moved, const struct err *err)
{
	struct heard *h = ctx;

	note_err(h, err);
	h->moved = moved;
}

static void note_verifier(void *ctx, const char *verifier, const struct err *err)
{
	struct heard *h = ctx;

	note_err(h, err);
	h->has_verifier = verifier != NULL;
	snprintf(h->verifier, sizeof h->verifier, "%s", verifier ? verifier : "");
}

static void note_sessions(
	void *ctx, const struct door_session *sessions, size_t count, const struct err *err)
{
	struct heard *h = ctx;

	note_err(h, err);
	h->sessions = count;
	if (count > 0)
		h->session = sessions[0];
}

static const struct door_view *look_at(struct world *w, enum control_side side)
{
	w->heard = (struct heard){0};
	doors_read(w->doors, side, note_view, &w->heard);
	assert_int_equal(w->heard.answers, 0); /* never from inside the call */
	wait_for(w, 1);
	if (w->heard.code != ERR_OK)
		fail_msg("%s", w->heard.msg);
	return &w->heard.view;
}

static bool abort_attempt(struct world *w, int64_t attempt)
{
	w->heard = (struct heard){0};
	doors_abort_if_expired(w->doors, CONTROL_OLD, attempt, note_moved, &w->heard);
	wait_for(w, 1);
	if (w->heard.code != ERR_OK)
		fail_msg("%s", w->heard.msg);
	return w->heard.moved;
}

static const struct heard *verifier_of(struct world *w, const char *user)
{
	w->heard = (struct heard){0};
	doors_verifier(w->doors, CONTROL_NEW, user, note_verifier, &w->heard);
	wait_for(w, 1);
	return &w->heard;
}

static void seal(const char *hold_ms)
{
	BUF_AUTO sql = BUF_INIT;

	buf_printf(&sql, "SELECT airlock.seal(" MINE "'old', 7, %s, 'h', 't')", hold_ms);
	run_in("airlock", buf_str(&sql));
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void only_an_active_register_is_an_open_door(void **state)
{
	struct world *w = *state;

	assert_true(look_at(w, CONTROL_OLD)->open);
	assert_int_equal(w->heard.view.epoch, 1);
	assert_false(look_at(w, CONTROL_NEW)->open);
	assert_int_equal(w->heard.view.state, DOOR_STANDBY);
	seal("60000");
	assert_false(look_at(w, CONTROL_OLD)->open);
	assert_int_equal(w->heard.view.state, DOOR_SEALED);
	assert_int_equal(w->heard.view.attempt, 7);
	assert_in_range(w->heard.view.left_ms, 30000, 60000);
	run_in("airlock", "SELECT airlock.commit(" MINE "'old', 7, 0, 't')");
	assert_int_equal(look_at(w, CONTROL_OLD)->state, DOOR_COMMITTING);
	run_in("airlock", "SELECT airlock.promote(" MINE "'new', 7, 2, 'h', 't')");
	assert_true(look_at(w, CONTROL_NEW)->open);
	assert_int_equal(w->heard.view.epoch, 2);
	assert_int_equal(w->heard.view.promoted, 7);
	/* Lost, for `abandon` is refused while new leads. */
	run_in("airlock", "DELETE FROM airlock.register");
	assert_int_equal(look_at(w, CONTROL_OLD)->state, DOOR_ABSENT);
	assert_false(w->heard.view.open);
}

static void without_any_register_nothing_is_moved_and_old_is_open(void **state)
{
	struct world *w = *state;

	assert_true(look_at(w, CONTROL_OLD)->open);
	run_in("airlock", "DELETE FROM airlock.register WHERE side = 'old'");
	assert_int_equal(look_at(w, CONTROL_OLD)->state, DOOR_ABSENT);
	assert_false(w->heard.view.open);
	run_in("airlock", "DELETE FROM airlock.register");
	assert_true(look_at(w, CONTROL_OLD)->open);
	assert_false(look_at(w, CONTROL_NEW)->open);
}

static void an_epoch_below_the_highest_known_is_not_open(void **state)
{
	struct world *w = *state;

	assert_true(look_at(w, CONTROL_OLD)->open);
	run_in("airlock", "UPDATE airlock.register SET epoch = 9 WHERE side = 'new'");
	assert_false(look_at(w, CONTROL_NEW)->open);
	assert_int_equal(doors_epoch(w->doors), 9);
	assert_false(look_at(w, CONTROL_OLD)->open);
	assert_int_equal(w->heard.view.state, DOOR_ACTIVE);
	run_in("airlock", "UPDATE airlock.register SET epoch = 9 WHERE side = 'old'");
	assert_true(look_at(w, CONTROL_OLD)->open);
	doors_told(w->doors, 10);
	doors_told(w->doors, 3);
	assert_int_equal(doors_epoch(w->doors), 10);
	assert_false(look_at(w, CONTROL_OLD)->open);
}

/* Restored from a backup, it says what it said then; the other side knows better. */
static void a_side_from_the_past_is_not_believed_by_who_has_just_begun(void **state)
{
	struct world *w = *state;

	run_in("airlock",
		"UPDATE airlock.register SET state = 'ACTIVE', epoch = 4 WHERE side = 'new'");
	assert_false(look_at(w, CONTROL_OLD)->open);
	assert_int_equal(w->heard.view.state, DOOR_ACTIVE);
	assert_int_equal(doors_epoch(w->doors), 4);
	assert_true(look_at(w, CONTROL_NEW)->open);
}

static void a_side_that_never_answers_is_waited_for_once(void **state)
{
	struct world *w = *state;
	struct doors_options options = {.loop = &w->loop,
		.plan = PLAN,
		.store = STORE,
		.conninfo = {getenv("AIRLOCK_TEST_CONNINFO"), "host=127.0.0.1 port=1 dbname=x"},
		.register_user = "airlock_gateway",
		.answer_ms = ANSWER_MS};
	struct doors *doors = doors_new(&options);
	bool closed = false;

	for (int i = 1; i <= 2; i++) {
		doors_read(doors, CONTROL_OLD, note_view, &w->heard);
		wait_for(w, i);
		assert_int_equal(w->heard.code, ERR_OK);
		assert_true(w->heard.view.open);
	}
	doors_close(doors, note_closed, &closed);
	while (!closed)
		uv_run(&w->loop, UV_RUN_ONCE);
}

static void readers_that_wait_together_share_a_statement(void **state)
{
	struct world *w = *state;

	look_at(w, CONTROL_OLD);
	run_in("airlock", "CREATE SEQUENCE public.reads;"
			  "ALTER FUNCTION airlock.door RENAME TO door_itself;"
			  "CREATE FUNCTION airlock.door(p text, s text, sd text, OUT state text,"
			  " OUT attempt bigint, OUT epoch bigint, OUT promoted bigint,"
			  " OUT revoked bigint, OUT left_ms bigint, OUT writable boolean)"
			  " LANGUAGE sql SECURITY DEFINER AS 'SELECT nextval(''public.reads'');"
			  " SELECT * FROM airlock.door_itself(p, s, sd)'");
	run_in("airlock", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
			  " WHERE application_name = 'airlock-gateway'");
	w->heard = (struct heard){0};
	for (int i = 0; i < 100; i++)
		doors_read(w->doors, CONTROL_OLD, note_view, &w->heard);
	assert_int_equal(w->heard.answers, 0);
	wait_for(w, 100);
	if (w->heard.code != ERR_OK) { /* the old connection was still believed in */
		w->heard = (struct heard){0};
		for (int i = 0; i < 100; i++)
			doors_read(w->doors, CONTROL_OLD, note_view, &w->heard);
		wait_for(w, 100);
	}
	assert_true(w->heard.view.open);
	assert_int_equal(number_in("airlock", "SELECT last_value FROM public.reads"), 1);
	/* A later one asks again, though nothing has changed. */
	look_at(w, CONTROL_OLD);
	assert_int_equal(number_in("airlock", "SELECT last_value FROM public.reads"), 2);
	run_in("airlock", "DROP FUNCTION airlock.door;"
			  "ALTER FUNCTION airlock.door_itself RENAME TO door");
}

static void a_hold_is_aborted_once_its_deadline_has_passed(void **state)
{
	static const char app_enters[] =
		"SELECT has_database_privilege('app', 'shop', 'CONNECT')::int";
	struct world *w = *state;

	seal("60000");
	assert_false(abort_attempt(w, 7));
	assert_int_equal(look_at(w, CONTROL_OLD)->state, DOOR_SEALED);
	assert_int_equal(number_in("airlock", app_enters), 0);
	run_in("airlock", "UPDATE airlock.register SET deadline = clock_timestamp()"
			  " WHERE side = 'old'");
	assert_false(abort_attempt(w, 6));
	assert_false(abort_attempt(w, 8));
	assert_true(abort_attempt(w, 7));
	assert_int_equal(number_in("airlock", app_enters), 1);
	assert_true(look_at(w, CONTROL_OLD)->open);
	assert_int_equal(w->heard.view.epoch, 3);
	assert_false(abort_attempt(w, 7));
}

static void from_committing_on_nobody_but_a_controller_decides(void **state)
{
	struct world *w = *state;

	seal("60000");
	run_in("airlock", "SELECT airlock.commit(" MINE "'old', 7, 0, 't')");
	assert_false(abort_attempt(w, 7));
	assert_int_equal(look_at(w, CONTROL_OLD)->state, DOOR_COMMITTING);
}

static void verifiers_are_of_client_roles_only(void **state)
{
	struct world *w = *state;

	run_in("postgres",
		"SET password_encryption = 'scram-sha-256';"
		"CREATE ROLE \"a\"\"b'c\" LOGIN PASSWORD 'x'; CREATE ROLE plain LOGIN;"
		"CREATE ROLE late LOGIN PASSWORD 'x' VALID UNTIL '2001-01-01';"
		"CREATE ROLE nologin PASSWORD 'x'; CREATE ROLE super SUPERUSER LOGIN PASSWORD 'x';"
		"ALTER ROLE airlock PASSWORD 'x'; ALTER ROLE airlock_gateway PASSWORD 'x';"
		"SET password_encryption = 'md5'; CREATE ROLE hashed LOGIN PASSWORD 'x'");
	assert_true(verifier_of(w, "a\"b'c")->has_verifier);
	assert_memory_equal(w->heard.verifier, "SCRAM-SHA-256$4096:", 19);
	for (const char *const *user = (const char *const[]){"nobody", "plain", "late", "nologin",
		     "super", "airlock", "airlock_gateway", "hashed", NULL};
		*user != NULL; user++) {
		assert_int_equal(verifier_of(w, *user)->code, ERR_OK);
		assert_false(w->heard.has_verifier);
	}
	run_in("airlock", "REVOKE EXECUTE ON FUNCTION airlock_dba.verifier FROM airlock_gateway");
	assert_int_equal(verifier_of(w, "app")->code, ERR_RIGHTS);
	assert_non_null(strstr(w->heard.msg, "pg_authid"));
	run_in("airlock", "GRANT EXECUTE ON FUNCTION airlock_dba.verifier TO airlock_gateway");
}

static void sessions_are_named_by_their_pid(void **state)
{
	struct world *w = *state;
	struct err err = ERR_INIT;
	PG_AUTO shop = open_in("shop");
	PG_AUTO elsewhere = open_in("postgres");
	int32_t pids[] = {pg_backend_pid(shop), pg_backend_pid(elsewhere), 1};

	assert_int_equal(
		pg_exec(shop, soon(), "BEGIN; SELECT 'in the way'", 0, NULL, NULL, &err), 0);
	doors_sessions(w->doors, CONTROL_OLD, pids, 3, note_sessions, &w->heard);
	wait_for(w, 1);
	assert_int_equal(w->heard.code, ERR_OK);
	assert_int_equal(w->heard.sessions, 1);
	assert_int_equal(w->heard.session.pid, pids[0]);
	assert_string_equal(w->heard.session.user, "postgres");
	assert_string_equal(w->heard.session.application, "airlock");
	assert_string_equal(w->heard.session.state, "idle in transaction");
	assert_non_null(strstr(w->heard.session.text, "in the way"));
}

static void a_lost_connection_is_made_again(void **state)
{
	struct world *w = *state;
	int64_t first;

	look_at(w, CONTROL_OLD);
	first = gateway_backend();
	run_in("airlock", "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
			  " WHERE application_name = 'airlock-gateway'");
	w->heard = (struct heard){0};
	doors_read(w->doors, CONTROL_OLD, note_view, &w->heard);
	wait_for(w, 1);
	if (w->heard.code != ERR_OK)
		assert_int_equal(w->heard.code, ERR_UNREACHABLE);
	assert_true(look_at(w, CONTROL_OLD)->open);
	assert_int_not_equal(gateway_backend(), first);
}

static void a_locked_register_is_not_waited_for(void **state)
{
	struct world *w = *state;
	struct err err = ERR_INIT;
	PG_AUTO other = open_in("airlock");

	seal("0");
	assert_int_equal(pg_exec(other, soon(), "BEGIN; SELECT FROM airlock.register FOR UPDATE", 0,
				 NULL, NULL, &err),
		0);
	doors_abort_if_expired(w->doors, CONTROL_OLD, 7, note_moved, &w->heard);
	wait_for(w, 1);
	assert_int_equal(w->heard.code, ERR_BLOCKED);
	assert_int_equal(pg_exec(other, soon(), "ROLLBACK", 0, NULL, NULL, &err), 0);
	assert_true(abort_attempt(w, 7));
}

static void a_server_that_stops_is_given_up_at_the_deadline(void **state)
{
	struct world *w = *state;
	int64_t begun;
	pid_t frozen;

	look_at(w, CONTROL_OLD);
	frozen = (pid_t)gateway_backend();
	assert_int_equal(kill(frozen, SIGSTOP), 0);
	w->heard = (struct heard){0};
	begun = clock_now_ms();
	doors_read(w->doors, CONTROL_OLD, note_view, &w->heard);
	wait_for(w, 1);
	assert_int_equal(kill(frozen, SIGCONT), 0);
	assert_int_equal(w->heard.code, ERR_TIMEOUT);
	assert_in_range(clock_now_ms() - begun, ANSWER_MS, 2 * ANSWER_MS);
	assert_true(look_at(w, CONTROL_OLD)->open);
}

static void a_server_that_is_not_there_is_said_at_once(void **state)
{
	struct world *w = *state;
	struct doors *nowhere = doors_to(w, "host=127.0.0.1 port=1 dbname=x user=y");
	int64_t begun = clock_now_ms();
	bool closed = false;

	doors_read(nowhere, CONTROL_NEW, note_view, &w->heard);
	doors_verifier(nowhere, CONTROL_NEW, "app", note_verifier, &w->heard);
	wait_for(w, 2);
	assert_int_equal(w->heard.code, ERR_UNREACHABLE);
	assert_false(w->heard.view.open);
	assert_in_range(clock_now_ms() - begun, 0, ANSWER_MS - 1);
	/* One is open when it closes: it is answered all the same. */
	doors_read(nowhere, CONTROL_NEW, note_view, &w->heard);
	doors_close(nowhere, note_closed, &closed);
	wait_for(w, 3);
	assert_int_equal(w->heard.code, ERR_UNREACHABLE);
	while (!closed)
		uv_run(&w->loop, UV_RUN_ONCE);
}

static void who_waits_for_a_first_look_is_answered_at_the_end_too(void **state)
{
	struct world *w = *state;
	struct doors *doors = doors_to(w, getenv("AIRLOCK_TEST_CONNINFO"));
	bool closed = false;

	doors_read(doors, CONTROL_OLD, note_view, &w->heard);
	doors_read(doors, CONTROL_NEW, note_view, &w->heard);
	doors_close(doors, note_closed, &closed);
	while (!closed)
		uv_run(&w->loop, UV_RUN_ONCE);
	assert_int_equal(w->heard.answers, 2);
	assert_int_equal(w->heard.code, ERR_UNREACHABLE);
	assert_false(w->heard.view.open);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_an_active_register_is_an_open_door),
		TEST(without_any_register_nothing_is_moved_and_old_is_open),
		TEST(an_epoch_below_the_highest_known_is_not_open),
		TEST(a_side_from_the_past_is_not_believed_by_who_has_just_begun),
		TEST(a_side_that_never_answers_is_waited_for_once),
		TEST(who_waits_for_a_first_look_is_answered_at_the_end_too),
		TEST(readers_that_wait_together_share_a_statement),
		TEST(a_hold_is_aborted_once_its_deadline_has_passed),
		TEST(from_committing_on_nobody_but_a_controller_decides),
		TEST(verifiers_are_of_client_roles_only),
		TEST(sessions_are_named_by_their_pid),
		TEST(a_lost_connection_is_made_again),
		TEST(a_locked_register_is_not_waited_for),
		TEST(a_server_that_stops_is_given_up_at_the_deadline),
		TEST(a_server_that_is_not_there_is_said_at_once),
	};

	return cmocka_run_group_tests(tests, make_database, NULL);
}
