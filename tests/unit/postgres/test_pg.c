/* Runs beside a private server: tests/tools/with-server. */
#include "../testing.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "store/postgres/pg.h"

static int64_t soon(void)
{
	return clock_now_ms() + 10000;
}

static const char *conninfo(void)
{
	const char *info = getenv("AIRLOCK_TEST_CONNINFO");

	assert_non_null(info);
	return info;
}

static struct pg *open_as(const struct pg_target *target)
{
	struct err err = ERR_INIT;
	struct pg *pg = NULL;

	if (pg_open(&pg, target, soon(), &err) != 0)
		fail_msg("%s", err.msg);
	return pg;
}

static struct pg *open_plain(void)
{
	return open_as(&(struct pg_target){.conninfo = conninfo()});
}

static void run(struct pg *pg, const char *sql)
{
	struct err err = ERR_INIT;

	if (pg_exec(pg, soon(), sql, 0, NULL, NULL, &err) != 0)
		fail_msg("%s", err.msg);
}

/* The one value of a query. */
static void assert_value(struct pg *pg, const char *sql, const char *want)
{
	struct err err = ERR_INIT;
	PG_ROWS_AUTO rows = PG_ROWS_INIT;

	if (pg_exec(pg, soon(), sql, 0, NULL, &rows, &err) != 0)
		fail_msg("%s", err.msg);
	assert_int_equal(rows.rows, 1);
	assert_string_equal(pg_text(&rows, 0, 0), want);
}

static void session_is_pinned(void **state)
{
	PG_AUTO pg = open_plain();

	(void)state;
	assert_value(pg, "show search_path", "pg_catalog");
	assert_value(pg, "show timezone", "UTC");
	assert_value(pg, "show datestyle", "ISO, YMD");
	assert_value(pg, "show application_name", "airlock");
	assert_value(pg, "show client_encoding", "UTF8");
	assert_value(pg, "show default_transaction_isolation", "read committed");
	assert_value(pg, "select 1.5::float8 || ' ' || timestamptz 'epoch'",
		"1.5 1970-01-01 00:00:00+00");
	assert_true(pg_server_version(pg) >= 130000);
}

/* What a DBA set for the role or the database must not end our statements or shut a register. */
static void role_settings_are_overridden(void **state)
{
	PG_AUTO pg = open_plain();
	PG_AUTO other = NULL;

	(void)state;
	run(pg, "create role strict superuser login;"
		"alter role strict set statement_timeout = '1ms';"
		"alter role strict set default_transaction_read_only = on;"
		"alter role strict set search_path = public");
	other = open_as(&(struct pg_target){.conninfo = conninfo(), .user = "strict"});
	assert_value(other, "show statement_timeout", "0");
	assert_value(other, "show search_path", "pg_catalog");
	run(other, "create temp table t (a int)");
}

static void target_overrides_conninfo(void **state)
{
	PG_AUTO pg = open_plain();
	PG_AUTO other = NULL;
	BUF_AUTO uri = BUF_INIT;

	(void)state;
	run(pg, "create role other login");
	run(pg, "create database \"od=d db\"");
	other = open_as(
		&(struct pg_target){.conninfo = conninfo(), .dbname = "od=d db", .user = "other"});
	assert_value(other, "select current_database() || '/' || current_user", "od=d db/other");
	pg_close(other);
	buf_printf(&uri,
		"postgresql://postgres@/postgres?host=%s&port=%s&options=-c%%20work_mem%%3D7MB",
		getenv("PGHOST"), getenv("PGPORT"));
	other = open_as(&(struct pg_target){.conninfo = buf_str(&uri), .user = "other"});
	assert_value(other, "select current_user || current_setting('work_mem')", "other7MB");
}

static void parameters_and_rows(void **state)
{
	PG_AUTO pg = open_plain();
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct err err = ERR_INIT;
	const char *params[] = {"41", NULL, "it's"};

	(void)state;
	assert_int_equal(
		pg_exec(pg, soon(), "select $1::bigint + 1, $2::text, $3::text, $1::int > 40", 3,
			params, &rows, &err),
		0);
	assert_int_equal(rows.columns, 4);
	assert_int_equal(pg_int(&rows, 0, 0), 42);
	assert_true(pg_is_null(&rows, 0, 1));
	assert_null(pg_text(&rows, 0, 1));
	assert_string_equal(pg_text(&rows, 0, 2), "it's");
	assert_true(pg_bool(&rows, 0, 3));
}

static void prepared_statements(void **state)
{
	PG_AUTO pg = open_plain();
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct err err = ERR_INIT;
	const char *params[] = {"20"};

	(void)state;
	assert_int_equal(pg_prepare(pg, soon(), "twice", "select 2 * $1::int", &err), 0);
	assert_int_equal(pg_exec_prepared(pg, soon(), "twice", 1, params, &rows, &err), 0);
	assert_int_equal(pg_int(&rows, 0, 0), 40);
}

static void kept_statements_are_prepared_once_and_planned_before_their_first_use(void **state)
{
	static const char counted[] = "select count(*) from pg_prepared_statements where name = $1";
	static const char effect[] = "select nextval('public.kept_seq') where $1 = 'go'";
	const char *name[] = {"kept_0"}, *go[] = {"go"};
	PG_AUTO pg = open_plain();
	struct err err = ERR_INIT;

	(void)state;
	run(pg, "create sequence public.kept_seq");
	assert_int_equal(pg_keep(pg, soon(), effect, 1, &err), 0);
	assert_value(pg, "select is_called from public.kept_seq", "f"); /* it was not executed */
	assert_value(pg, "select generic_plans from pg_prepared_statements", "1");
	for (int i = 0; i < 2; i++)
		assert_int_equal(pg_exec_kept(pg, soon(), effect, 1, go, NULL, &err), 0);
	assert_value(pg, "select last_value from public.kept_seq", "2");
	assert_value(pg, "select generic_plans || ' ' || custom_plans from pg_prepared_statements",
		"3 0");
	for (int i = 0; i < 2; i++) {
		PG_ROWS_AUTO rows = PG_ROWS_INIT;

		assert_int_equal(pg_exec_kept(pg, soon(), counted, 1, name, &rows, &err), 0);
		assert_int_equal(pg_int(&rows, 0, 0), 1);
	}
	assert_value(pg, "select count(*) from pg_prepared_statements", "2");
}

/* ---- logins in two halves -------------------------------------------------------------------- */

#define PARKED_PASSWORD "it is only a test"

/* A role that has to log in by SCRAM: with-server's pg_hba.conf names it, and trusts all others. */
static struct pg_target scram_role(struct pg *admin, const char *name)
{
	static char info[512];
	BUF_AUTO sql = BUF_INIT;

	buf_printf(&sql, "create role %s login password '" PARKED_PASSWORD "'", name);
	run(admin, buf_str(&sql));
	snprintf(info, sizeof info, "%s password='" PARKED_PASSWORD "'", conninfo());
	return (struct pg_target){.conninfo = info, .user = name};
}

static void parked_login_becomes_a_session(void **state)
{
	PG_AUTO admin = open_plain();
	struct pg_target target = scram_role(admin, "scram_comes");
	struct err err = ERR_INIT;
	PG_AUTO pg = NULL;

	(void)state;
	assert_int_equal(pg_park(&pg, &target, soon(), &err), 0);
	assert_non_null(pg);
	assert_value(
		admin, "select count(*) from pg_stat_activity where usename = 'scram_comes'", "0");
	assert_int_equal(pg_unpark(pg, soon(), &err), 0);
	assert_value(pg, "select session_user", "scram_comes");
}

/* What the proof relies on: the right to enter is looked at when the login is finished. */
static void parked_login_meets_the_door_as_it_is_then(void **state)
{
	PG_AUTO admin = open_plain();
	struct pg_target target = scram_role(admin, "scram_stays_out");
	struct err err = ERR_INIT;
	PG_AUTO pg = NULL;

	(void)state;
	run(admin, "create database closing");
	target.dbname = "closing";
	assert_int_equal(pg_park(&pg, &target, soon(), &err), 0);
	assert_non_null(pg);
	run(admin, "revoke connect on database closing from public");
	assert_int_equal(pg_unpark(pg, soon(), &err), -1);
	assert_string_equal(err.sqlstate, "42501");
}

static void login_without_scram_is_not_parked(void **state)
{
	const struct pg_target target = {.conninfo = conninfo()};
	struct err err = ERR_INIT;
	PG_AUTO pg = NULL;

	(void)state;
	assert_int_equal(pg_park(&pg, &target, soon(), &err), 0);
	assert_null(pg);
	assert_int_equal(err.code, ERR_OK);
}

static void several_statements_are_one_transaction(void **state)
{
	PG_AUTO pg = open_plain();
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(
		pg_exec(pg, soon(), "create table public.half (a int); select 1/0; select 1", 0,
			NULL, NULL, &err),
		-1);
	assert_int_equal(err.code, ERR_SQL);
	assert_string_equal(err.sqlstate, "22012");
	assert_false(pg_is_broken(pg));
	assert_value(pg, "select count(*) from pg_class where relname = 'half'", "0");
}

static void refusals_are_told_apart(void **state)
{
	PG_AUTO pg = open_plain();
	PG_AUTO poor = NULL;
	struct err err = ERR_INIT;

	(void)state;
	run(pg, "create role poor login; create table public.locked (a int)");
	poor = open_as(&(struct pg_target){.conninfo = conninfo(), .user = "poor"});
	assert_int_equal(
		pg_exec(poor, soon(), "select * from public.locked", 0, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_RIGHTS);
	assert_string_equal(err.sqlstate, "42501");
	run(pg, "grant select on public.locked to poor; begin; lock public.locked");
	assert_int_equal(
		pg_exec(poor, soon(), "set lock_timeout = '10ms'; select * from public.locked", 0,
			NULL, NULL, &err),
		-1);
	assert_int_equal(err.code, ERR_BLOCKED);
	run(pg, "rollback");
	assert_int_equal(
		pg_exec(pg, soon(), "copy public.locked to stdout", 0, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_INTERNAL);
	assert_true(pg_is_broken(pg));
}

/* A message that a value of the application went into could carry it into a log. */
static void data_stays_out_of_messages(void **state)
{
	PG_AUTO pg = open_plain();
	struct err err = ERR_INIT;

	(void)state;
	run(pg, "create temp table t (a text primary key); insert into t values ('4711-secret')");
	assert_int_equal(
		pg_exec(pg, soon(), "insert into t values ('4711-secret')", 0, NULL, NULL, &err),
		-1);
	assert_string_equal(err.sqlstate, "23505");
	assert_null(strstr(err.msg, "4711-secret"));
}

static void refused_connections_have_a_reason(void **state)
{
	PG_AUTO pg = open_plain();
	struct pg *none = NULL;
	struct err err = ERR_INIT;
	BUF_AUTO info = BUF_INIT;

	(void)state;
	run(pg, "create role outsider login");
	run(pg, "create database shut");
	run(pg, "revoke connect on database shut from public");
	assert_int_equal(
		pg_open(&none,
			&(struct pg_target){
				.conninfo = conninfo(), .user = "outsider", .dbname = "shut"},
			soon(), &err),
		-1);
	assert_int_equal(err.code, ERR_RIGHTS);
	assert_string_equal(err.sqlstate, "42501");
	assert_int_equal(
		pg_open(&none, &(struct pg_target){.conninfo = conninfo(), .dbname = "absent"},
			soon(), &err),
		-1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_string_equal(err.sqlstate, "3D000");
	assert_non_null(strstr(err.msg, "airlock init-roles"));
	buf_printf(&info, "host=%s port=1 password=hunter2secret", getenv("PGHOST"));
	assert_int_equal(
		pg_open(&none, &(struct pg_target){.conninfo = buf_str(&info)}, soon(), &err), -1);
	assert_int_equal(err.code, ERR_UNREACHABLE);
	assert_null(strstr(err.msg, "hunter2secret"));
	assert_int_equal(pg_open(&none, &(struct pg_target){.conninfo = "host=x hunter2secret"},
				 soon(), &err),
		-1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_null(strstr(err.msg, "hunter2secret"));
	assert_null(none);
}

static void frozen_backend_times_out(void **state)
{
	PG_AUTO pg = open_plain();
	struct err err = ERR_INIT;
	pid_t pid = pg_backend_pid(pg);
	int64_t start = clock_now_ms();

	(void)state;
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(pg_exec(pg, start + 200, "select 1", 0, NULL, NULL, &err), -1);
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_in_range(clock_now_ms() - start, 200, 8000);
	assert_true(pg_is_broken(pg));
	assert_int_equal(pg_exec(pg, soon(), "select 1", 0, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_UNREACHABLE);
}

/* A statement too big for the socket's buffer while nobody reads: the send has a deadline too. */
static void frozen_backend_times_out_while_sending(void **state)
{
	PG_AUTO pg = open_plain();
	struct err err = ERR_INIT;
	pid_t pid = pg_backend_pid(pg);
	BUF_AUTO sql = BUF_INIT;

	(void)state;
	buf_puts(&sql, "select '");
	for (int i = 0; i < 1 << 16; i++)
		buf_puts(&sql, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	buf_puts(&sql, "'");
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(pg_exec(pg, clock_now_ms() + 200, buf_str(&sql), 0, NULL, NULL, &err), -1);
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_non_null(strstr(err.msg, "sending"));
}

static void passed_deadline_gives_the_transaction_up(void **state)
{
	PG_AUTO pg = open_plain();
	struct err err = ERR_INIT;

	(void)state;
	run(pg, "begin");
	assert_int_equal(pg_exec(pg, clock_now_ms() - 1, "select 1", 0, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_true(pg_is_broken(pg));
}

static void terminated_backend_is_unreachable(void **state)
{
	PG_AUTO pg = open_plain();
	PG_AUTO victim = open_plain();
	struct err err = ERR_INIT;
	BUF_AUTO sql = BUF_INIT;

	(void)state;
	buf_printf(&sql, "select pg_terminate_backend(%d, 5000)", pg_backend_pid(victim));
	assert_value(pg, buf_str(&sql), "t");
	assert_int_equal(pg_exec(victim, soon(), "select 1", 0, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_UNREACHABLE);
	assert_true(pg_is_broken(victim));
}

static void *terminate(void *arg)
{
	PG_AUTO pg = open_plain();
	BUF_AUTO sql = BUF_INIT;

	/* Only once it waits, so that the end comes in the middle of its statement. */
	buf_printf(&sql,
		"do $$ begin while not exists (select from pg_locks where not granted and pid = %d)"
		" loop perform pg_sleep(0.005); end loop;"
		" perform pg_terminate_backend(%d); end $$",
		*(int *)arg, *(int *)arg);
	run(pg, buf_str(&sql));
	return NULL;
}

static void end_amid_a_statement_says_why(void **state)
{
	PG_AUTO holder = open_plain();
	PG_AUTO victim = open_plain();
	struct err err = ERR_INIT;
	int pid = pg_backend_pid(victim);
	pthread_t thread;

	(void)state;
	run(holder, "begin; select pg_advisory_xact_lock(1)");
	assert_int_equal(pthread_create(&thread, NULL, terminate, &pid), 0);
	assert_int_equal(
		pg_exec(victim, soon(), "select pg_advisory_lock(1)", 0, NULL, NULL, &err), -1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(err.code, ERR_UNREACHABLE);
	assert_string_equal(err.sqlstate, "57P01");
	assert_true(pg_is_broken(victim));
}

static void replication_session(void **state)
{
	PG_AUTO pg = open_as(&(struct pg_target){.conninfo = conninfo(), .replication = true});
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(pg_exec(pg, soon(), "IDENTIFY_SYSTEM", 0, NULL, &rows, &err), 0);
	assert_int_equal(rows.columns, 4);
	assert_string_equal(pg_text(&rows, 0, 3), "postgres");
	assert_value(pg, "select 1 + 1", "2");
}

static void quoting(void **state)
{
	PG_AUTO pg = open_plain();
	BUF_AUTO sql = BUF_INIT;

	(void)state;
	buf_puts(&sql, "select ");
	pg_quote_literal(&sql, "it's \\ \"x\"");
	buf_puts(&sql, " as ");
	pg_quote_ident(&sql, "a \"b\" 'c'");
	assert_string_equal(buf_str(&sql), "select 'it''s \\ \"x\"' as \"a \"\"b\"\" 'c'\"");
	assert_value(pg, buf_str(&sql), "it's \\ \"x\"");
}

/* Last: a backend killed the hard way takes every session of the server with it. */
static void killed_backend_is_unreachable(void **state)
{
	PG_AUTO pg = open_plain();
	PG_AUTO bystander = open_plain();
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(kill(pg_backend_pid(pg), SIGKILL), 0);
	assert_int_equal(pg_exec(pg, soon(), "select 1", 0, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_UNREACHABLE);
	assert_int_equal(pg_exec(bystander, soon(), "select pg_sleep(5)", 0, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_UNREACHABLE);
	assert_true(pg_is_broken(bystander));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_is_pinned),
		cmocka_unit_test(role_settings_are_overridden),
		cmocka_unit_test(target_overrides_conninfo),
		cmocka_unit_test(parameters_and_rows),
		cmocka_unit_test(prepared_statements),
		cmocka_unit_test(
			kept_statements_are_prepared_once_and_planned_before_their_first_use),
		cmocka_unit_test(parked_login_becomes_a_session),
		cmocka_unit_test(parked_login_meets_the_door_as_it_is_then),
		cmocka_unit_test(login_without_scram_is_not_parked),
		cmocka_unit_test(several_statements_are_one_transaction),
		cmocka_unit_test(refusals_are_told_apart),
		cmocka_unit_test(data_stays_out_of_messages),
		cmocka_unit_test(refused_connections_have_a_reason),
		cmocka_unit_test(frozen_backend_times_out),
		cmocka_unit_test(frozen_backend_times_out_while_sending),
		cmocka_unit_test(passed_deadline_gives_the_transaction_up),
		cmocka_unit_test(terminated_backend_is_unreachable),
		cmocka_unit_test(end_amid_a_statement_says_why),
		cmocka_unit_test(replication_session),
		cmocka_unit_test(quoting),
		cmocka_unit_test(killed_backend_is_unreachable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
