/* Capture and replay against a private server: what is made again is what was there. */
#include "../testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/capture.h"
#include "gateway/packet.h"
#include "gateway/replay.h"
#include "talker.h"

#define TEXT_OID 25
#define INT4_OID 23

static const char *const app_names[] = {"app.tenant", "app.never", "work_mem", "app.\"odd"};

static struct capture_options options_of(const struct talker *t)
{
	static uint64_t nonce = 41;

	return (struct capture_options){.nonce = ++nonce,
		.user = t->user,
		.names = app_names,
		.names_count = sizeof app_names / sizeof app_names[0]};
}

static void capture(struct talker *t, struct session_state *state)
{
	struct capture_options options = options_of(t);
	char why[200];

	*state = SESSION_STATE_INIT;
	if (talker_capture(t, &options, state, why) != CAPTURE_DONE)
		fail_msg("%s", why);
}

static void replay(struct talker *t, const struct session_state *state)
{
	char why[200];

	if (talker_replay(t, state, why) != REPLAY_DONE)
		fail_msg("%s", why);
}

static const char *setting_of(const struct session_state *state, const char *name)
{
	for (const struct state_setting *s = state->settings; s != NULL; s = s->next)
		if (strcmp(s->name, name) == 0)
			return s->value;
	return NULL;
}

static const struct state_statement *statement_of(
	const struct session_state *state, const char *name)
{
	for (const struct state_statement *s = state->statements; s != NULL; s = s->next)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

static bool is_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void assert_same_state(const struct session_state *a, const struct session_state *b)
{
	size_t settings = 0, statements = 0;

	for (const struct state_setting *s = a->settings; s != NULL; s = s->next, settings++)
		if (!is_text(setting_of(b, s->name), s->value))
			fail_msg("%s = %s", s->name, s->value);
	for (const struct state_setting *s = b->settings; s != NULL; s = s->next)
		settings--;
	assert_int_equal(settings, 0);
	assert_true(is_text(a->role, b->role));
	assert_true(is_text(a->authorization, b->authorization));
	assert_true(is_text(a->encoding, b->encoding));
	for (const struct state_statement *s = a->statements; s != NULL;
		s = s->next, statements++) {
		const struct state_statement *other = statement_of(b, s->name);

		assert_non_null(other);
		assert_true(is_text(s->sql, other->sql));
		assert_int_equal(s->from_sql, other->from_sql);
		assert_int_equal(s->types_count, other->types_count);
		assert_true(s->shape == other->shape);
	}
	for (const struct state_statement *s = b->statements; s != NULL; s = s->next)
		statements--;
	assert_int_equal(statements, 0);
}

static int make_roles(void **state)
{
	struct talker t;

	(void)state;
	talker_open(&t, "postgres", "postgres", NULL);
	talker_query(&t,
		"CREATE ROLE app LOGIN; CREATE ROLE other; GRANT other TO app;"
		"CREATE ROLE boxed LOGIN NOINHERIT; CREATE ROLE owner; GRANT owner TO boxed;"
		"CREATE SCHEMA closed AUTHORIZATION owner; CREATE TABLE closed.t (a int);"
		"ALTER TABLE closed.t OWNER TO owner;"
		"CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE TABLE people (id int, m mood);"
		"GRANT ALL ON people TO app, other; GRANT CREATE ON SCHEMA public TO app;"
		"INSERT INTO people VALUES (1, 'glad'); CREATE SEQUENCE counter;"
		"GRANT ALL ON SEQUENCE counter TO app");
	talker_close(&t);
	return 0;
}

/* ---- carried --------------------------------------------------------------------------------- */

static void a_fresh_session_has_nothing(void **unused)
{
	const char *const more[] = {"application_name", "here", "options", "-c work_mem=9MB", NULL};
	struct talker t;
	struct session_state state;

	(void)unused;
	talker_open(&t, "app", "postgres", more);
	capture(&t, &state);
	assert_null(state.settings);
	assert_null(state.statements);
	assert_null(state.role);
	assert_null(state.authorization);
	assert_int_equal(state.lost, 0);
	assert_true(replay_is_empty(&state));
	session_state_fini(&state);
	talker_close(&t);
}

static void everything_is_made_again(void **unused)
{
	struct talker a, b;
	struct session_state before, after;

	(void)unused;
	talker_open(&a, "app", "postgres", NULL);
	talker_query(&a,
		"SET work_mem = '1537kB'; SET DateStyle = 'German, DMY';"
		"SET TIME ZONE INTERVAL '+02:30' HOUR TO MINUTE; SET application_name = 'it''s \\ "
		"me';"
		"SET search_path = \"odd \"\" path\", public; SET statement_timeout = '61s';"
		"SELECT set_config('app.tenant', E'7 \\\\ \" '' x', false);"
		"SET default_transaction_isolation = 'serializable'; SET "
		"standard_conforming_strings = off;"
		"SET ROLE other");
	talker_query(&a, "PREPARE by_sql (int) AS SELECT id, m FROM people WHERE id = $1");
	talker_parse(&a, "typed", "SELECT $1, m FROM people", TEXT_OID);
	talker_parse(&a, "inferred", "SELECT id FROM people WHERE m = $1", 0);
	talker_parse(&a, "nothing", "DELETE FROM people WHERE id = 99", 0);
	talker_parse(&a, "", "SELECT 'unnamed'", 0);
	capture(&a, &before);
	assert_string_equal(before.role, "other");
	assert_string_equal(setting_of(&before, "app.tenant"), "7 \\ \" ' x");
	assert_null(setting_of(&before, "app.never"));
	assert_true(statement_of(&before, "by_sql")->from_sql);
	assert_int_equal(statement_of(&before, "typed")->types[0], TEXT_OID);
	assert_int_equal(
		statement_of(&before, "inferred")->types[0], 0); /* an enum of this server */
	assert_null(statement_of(&before, ""));			 /* nobody told of it */
	assert_int_equal(before.lost, 0);
	talker_open(&b, "app", "postgres", NULL);
	replay(&b, &before);
	capture(&b, &after);
	assert_same_state(&before, &after);
	assert_string_equal(
		talker_value(&b, "SELECT current_user || ' ' || current_setting('app.tenant')"),
		"other 7 \\ \" ' x");
	assert_string_equal(talker_value(&b, "EXECUTE by_sql(1)"), "1");
	assert_string_equal(talker_value(&b, "SHOW search_path"), "\"odd \"\" path\", public");
	/* And once more from there, as an abort after a flip would. */
	session_state_fini(&before);
	talker_close(&a);
	talker_open(&a, "app", "postgres", NULL);
	replay(&a, &after);
	capture(&a, &before);
	assert_same_state(&before, &after);
	session_state_fini(&before);
	session_state_fini(&after);
	talker_close(&a);
	talker_close(&b);
}

static void the_unnamed_statement_survives_and_is_carried(void **unused)
{
	struct talker a, b;
	struct session_state state = SESSION_STATE_INIT;
	struct capture_options options;
	struct buf parse = BUF_INIT;
	char why[200];

	(void)unused;
	talker_open(&a, "app", "postgres", NULL);
	talker_query(&a, "SET statement_timeout = '1h'");
	talker_parse(&a, "", "SELECT 'unnamed'", 0);
	packet_parse(&parse, "", "SELECT 'unnamed'", NULL, 0);
	options = options_of(&a);
	options.unnamed = (const uint8_t *)parse.data;
	options.unnamed_len = parse.len;
	assert_int_equal(talker_capture(&a, &options, &state, why), CAPTURE_DONE);
	assert_non_null(statement_of(&state, ""));
	assert_string_equal(talker_execute(&a, ""), "unnamed");
	talker_open(&b, "app", "postgres", NULL);
	replay(&b, &state);
	assert_string_equal(talker_execute(&b, ""), "unnamed");
	session_state_fini(&state);
	/* A Query has ended it, whatever the relay remembers. */
	talker_query(&a, "SELECT 1");
	assert_int_equal(talker_capture(&a, &options, &state, why), CAPTURE_DONE);
	assert_null(statement_of(&state, ""));
	session_state_fini(&state);
	buf_fini(&parse);
	talker_close(&a);
	talker_close(&b);
}

static void a_statement_that_is_broken_stays_broken_and_is_no_error(void **unused)
{
	struct talker a, b;
	struct session_state state;

	(void)unused;
	talker_open(&a, "app", "postgres", NULL);
	talker_query(&a, "CREATE TABLE doomed (a int); CREATE TABLE grows (a int)");
	talker_parse(&a, "gone", "SELECT a FROM doomed", 0);
	talker_parse(&a, "grown", "SELECT * FROM grows", 0);
	talker_parse(&a, "fine", "SELECT 5", 0);
	talker_query(&a, "DROP TABLE doomed; ALTER TABLE grows ADD b int");
	assert_string_equal(talker_execute(&a, "gone"), "42P01");
	assert_string_equal(talker_execute(&a, "grown"), "0A000");
	capture(&a, &state);
	assert_true(statement_of(&state, "gone")->broken);
	assert_true(statement_of(&state, "grown")->broken);
	assert_false(statement_of(&state, "fine")->broken);
	talker_open(&b, "app", "postgres", NULL);
	replay(&b, &state);
	assert_string_equal(talker_execute(&b, "gone"), "26000");
	assert_string_equal(talker_execute(&b, "grown"), "26000");
	assert_string_equal(talker_execute(&b, "fine"), "5");
	talker_query(&a, "DROP TABLE grows");
	session_state_fini(&state);
	talker_close(&a);
	talker_close(&b);
}

/* A login that can see nothing until it takes its role: statements are parsed with it. */
static void the_role_comes_before_the_statements(void **unused)
{
	struct talker a, b;
	struct session_state state;

	(void)unused;
	talker_open(&a, "boxed", "postgres", NULL);
	talker_query(&a, "SET ROLE owner; SET search_path = closed");
	talker_parse(&a, "q", "SELECT count(*) FROM t", 0);
	capture(&a, &state);
	talker_open(&b, "boxed", "postgres", NULL);
	replay(&b, &state);
	assert_string_equal(talker_execute(&b, "q"), "0");
	session_state_fini(&state);
	talker_close(&a);
	talker_close(&b);
}

static void a_superuser_keeps_its_authorization(void **unused)
{
	struct talker a, b;
	struct session_state state;

	(void)unused;
	talker_open(&a, "postgres", "postgres", NULL);
	talker_query(&a, "SET SESSION AUTHORIZATION app; SET ROLE other");
	capture(&a, &state);
	assert_string_equal(state.authorization, "app");
	talker_open(&b, "postgres", "postgres", NULL);
	replay(&b, &state);
	assert_string_equal(
		talker_value(&b, "SELECT session_user || '/' || current_user"), "app/other");
	session_state_fini(&state);
	talker_close(&a);
	talker_close(&b);
}

static void texts_keep_the_encoding_of_the_session(void **unused)
{
	struct talker a, b;
	struct session_state state;

	(void)unused;
	talker_open(&a, "app", "postgres", NULL);
	talker_query(&a, "SET client_encoding = 'LATIN1'");
	talker_query(&a, "SET search_path = \"caf\xe9\", public");
	talker_parse(&a, "caf\xe9", "SELECT 'th\xe9'", 0);
	capture(&a, &state);
	assert_string_equal(state.encoding, "LATIN1");
	assert_string_equal(setting_of(&state, "search_path"), "\"caf\xe9\", public");
	talker_open(&b, "app", "postgres", NULL);
	replay(&b, &state);
	assert_string_equal(talker_execute(&b, "caf\xe9"), "th\xe9");
	assert_string_equal(
		talker_value(&b, "SELECT octet_length(current_setting('search_path'))"), "15");
	session_state_fini(&state);
	talker_close(&a);
	talker_close(&b);
}

static void more_settings_and_statements_than_one_message_takes(void **unused)
{
	struct talker a, b;
	struct session_state before, after;
	char text[100];

	(void)unused;
	talker_open(&a, "app", "postgres", NULL);
	talker_query(&a, "SELECT count(set_config(name, setting, false)) FROM pg_settings WHERE "
			 "context = 'user'"
			 " AND name NOT IN ('client_encoding', 'session_authorization', 'role')"
			 " AND name NOT LIKE 'transaction%'");
	for (int i = 0; i < 400; i++) {
		snprintf(text, sizeof text, "p%d", i);
		talker_parse(&a, text, "SELECT m, $1 + 1 FROM people", INT4_OID);
	}
	capture(&a, &before);
	talker_open(&b, "app", "postgres", NULL);
	replay(&b, &before);
	capture(&b, &after);
	assert_same_state(&before, &after);
	session_state_fini(&before);
	session_state_fini(&after);
	talker_close(&a);
	talker_close(&b);
}

static bool has_name(const struct session_state *state, const char *name)
{
	for (const struct state_name *n = state->names; n != NULL; n = n->next)
		if (strcmp(n->name, name) == 0)
			return true;
	return false;
}

/* Whatever reads a setting of an application's in this database makes its name known. */
static void settings_that_the_database_reads_are_found(void **unused)
{
	static const char *const names[] = {"f.plain", "f.atomic", "p.using", "p.check", "v.view",
		"d.column", "c.check", "t.when", "s.own"};
	struct capture_options options;
	struct session_state state = SESSION_STATE_INIT, after;
	struct talker dba, a, b;
	char why[200], sql[100];

	(void)unused;
	talker_open(&dba, "postgres", "postgres", NULL);
	talker_query(&dba,
		"CREATE TABLE tenants (a text DEFAULT current_setting('d.column', true)"
		" CHECK (a <> current_setting('c.check', true)));"
		"CREATE FUNCTION f1() RETURNS text LANGUAGE plpgsql AS"
		" 'BEGIN RETURN Current_Setting( ''f.plain'', true); END';"
		"CREATE FUNCTION f2() RETURNS text BEGIN ATOMIC"
		" SELECT current_setting('f.atomic', true); END;"
		"CREATE POLICY p ON tenants USING (a = current_setting('p.using'))"
		" WITH CHECK (a = current_setting('p.check'));"
		"CREATE VIEW v AS SELECT current_setting('v.view');"
		"CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
		"CREATE TRIGGER t BEFORE INSERT ON tenants FOR EACH ROW"
		" WHEN (NEW.a = current_setting('t.when')) EXECUTE FUNCTION t()");
	talker_open(&a, "app", "postgres", NULL);
	talker_parse(&a, "own", "SELECT current_setting('s.own')", 0);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(sql, sizeof sql, "SELECT set_config('%s', 'v%zu', false)", names[i], i);
		talker_query(&a, sql);
	}
	options = options_of(&a);
	options.find = true;
	assert_int_equal(talker_capture(&a, &options, &state, why), CAPTURE_DONE);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (setting_of(&state, names[i]) == NULL)
			fail_msg("%s was not found", names[i]);
	assert_true(has_name(&state, "f.plain"));
	assert_true(has_name(&state, "app.tenant")); /* was asked for */
	assert_false(has_name(&state, "s.own"));     /* is this session's affair */
	talker_open(&b, "app", "postgres", NULL);
	replay(&b, &state);
	capture(&b, &after); /* knows none of the names but its own statement's */
	assert_non_null(setting_of(&after, "s.own"));
	assert_string_equal(talker_value(&b, "SELECT f1() || f2()"), "v0v1");
	session_state_fini(&state);
	session_state_fini(&after);
	talker_query(&dba, "DROP TABLE tenants; DROP FUNCTION f1, f2, t; DROP VIEW v");
	talker_close(&a);
	talker_close(&b);
	talker_close(&dba);
}

/* ---- not carried ------------------------------------------------------------------------------
 */

struct loss {
	const char *sql, *name, *example, *undo;
};

static void what_cannot_be_carried_is_named(void **unused)
{
	static const struct loss losses[] = {
		{"CREATE TEMP TABLE scratch (a int)", "temp", "scratch", "DROP TABLE scratch"},
		{"CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "temp", "f",
			"DROP FUNCTION pg_temp.f()"},
		{"SELECT pg_advisory_lock(77)", "advisory", "0,77",
			"SELECT pg_advisory_unlock(77)"},
		{"BEGIN; DECLARE held CURSOR WITH HOLD FOR SELECT 1; COMMIT", "cursor", "held",
			"CLOSE held"},
		{"LISTEN news", "listen", "news", "UNLISTEN news"},
		{"PREPARE c AS SELECT currval('counter')", "currval",
			"PREPARE c AS SELECT currval('counter')", "DEALLOCATE c"},
		{"PREPARE one AS SELECT 1; INSERT INTO people VALUES (2)", "statement", "one",
			"DEALLOCATE one"},
		{"CREATE TEMP SEQUENCE s; LISTEN news", "temp", "s",
			"DROP SEQUENCE s; UNLISTEN news"},
		{"SELECT nextval('counter')", "lastval", "", "DISCARD SEQUENCES"},
	};
	struct talker t;
	struct session_state state;

	(void)unused;
	talker_open(&t, "app", "postgres", NULL);
	for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
		talker_query(&t, losses[i].sql);
		capture(&t, &state);
		assert_string_equal(state_lost_name(state.lost), losses[i].name);
		assert_string_equal(state_example(&state, state.lost), losses[i].example);
		session_state_fini(&state);
		talker_query(&t, losses[i].undo);
		capture(&t, &state);
		if (state.lost != 0)
			fail_msg("%s: still %s", losses[i].undo, state_lost_name(state.lost));
		session_state_fini(&state);
	}
	talker_close(&t);
}

/* They run here, because they were parsed when it was otherwise; nowhere can they be parsed now. */
static void a_statement_that_could_not_be_made_again_is_named(void **unused)
{
	struct talker t;
	struct session_state state;

	(void)unused;
	talker_open(&t, "boxed", "postgres", NULL);
	talker_query(&t, "SET ROLE owner; GRANT SELECT ON closed.t TO boxed");
	talker_parse(
		&t, "rights", "SELECT 'ran' FROM closed.t RIGHT JOIN (SELECT 1) x ON false", 0);
	capture(&t, &state);
	assert_int_equal(state.lost, 0);
	session_state_fini(&state);
	talker_query(&t, "RESET ROLE"); /* who may read the table, but not enter its schema */
	assert_string_equal(talker_execute(&t, "rights"), "ran");
	capture(&t, &state);
	assert_string_equal(state_lost_name(state.lost), "statement");
	assert_string_equal(state_example(&state, STATE_STATEMENT), "rights");
	assert_string_equal(talker_execute(&t, "rights"), "ran");
	session_state_fini(&state);
	talker_query(&t, "DEALLOCATE rights");
	capture(&t, &state);
	assert_int_equal(state.lost, 0);
	session_state_fini(&state);
	talker_close(&t);
}

/* A lock, a cursor or a table of another session's is not this one's. */
static void the_losses_of_others_are_not_ours(void **unused)
{
	struct talker a, b;
	struct session_state state;

	(void)unused;
	talker_open(&a, "app", "postgres", NULL);
	talker_open(&b, "app", "postgres", NULL);
	talker_query(&a, "SELECT pg_advisory_lock(78); CREATE TEMP TABLE scratch (a int);"
			 "LISTEN news; SELECT nextval('counter'); PREPARE x AS SELECT 1");
	capture(&b, &state);
	assert_int_equal(state.lost, 0);
	assert_true(replay_is_empty(&state));
	session_state_fini(&state);
	talker_close(&a);
	talker_close(&b);
}

static void too_much_state_is_said(void **unused)
{
	struct talker t;
	struct session_state state;
	BUF_AUTO sql = BUF_INIT;

	(void)unused;
	buf_printf(&sql, "SELECT '%01000000d'", 1);
	talker_open(&t, "app", "postgres", NULL);
	for (int i = 0; i < 5; i++) {
		char name[8];

		snprintf(name, sizeof name, "b%d", i);
		talker_parse(&t, name, buf_str(&sql), 0);
	}
	capture(&t, &state);
	assert_string_equal(state_lost_name(state.lost), "size");
	session_state_fini(&state);
	talker_close(&t);
}

/* ---- the probe leaves no trace, and fails as data ----------------------------------------------
 */

static void the_probe_leaves_no_trace(void **unused)
{
	static const char look[] =
		"SELECT count(*) || ' ' || (SELECT count(*) FROM pg_cursors) || ' ' ||"
		" coalesce(pg_current_xact_id_if_assigned()::text, '-')"
		" FROM pg_prepared_statements";
	struct talker t;
	struct session_state state;
	char before[100];

	(void)unused;
	talker_open(&t, "app", "postgres", NULL);
	talker_query(&t, "SELECT nextval('counter'); SET client_min_messages = error");
	talker_parse(&t, "mine", "SELECT 1", 0);
	snprintf(before, sizeof before, "%s", talker_value(&t, look));
	capture(&t, &state);
	assert_int_equal(state.lost, STATE_LASTVAL); /* though notices are off */
	assert_string_equal(talker_value(&t, look), before);
	session_state_fini(&state);
	talker_close(&t);
}

static const char statements_sql[] = "SELECT count(*)::text FROM pg_prepared_statements";

struct second {
	const char *sql; /* between the two captures */
	bool serves;
	const char *work_mem, *tenant;
};

/* With `keep` the probe alone stays, until the capture that uses it, finds it gone or replaces it.
 */
static void a_probe_that_is_kept_serves_once_more(void **unused)
{
	static const struct second seconds[] = {
		{"SET app.tenant = '8'; SET work_mem = '5MB'", true, "5MB", "8"},
		{"DEALLOCATE ALL; RESET ALL; SET work_mem = '6MB'", true, "6MB", ""},
		{"SET app.tenant = '9'; SET work_mem = '7MB'", false, "7MB", "9"},
		{"SET search_path = nowhere; SET work_mem = '8MB'", true, "8MB", "9"},
	};
	struct talker t;

	(void)unused;
	talker_open(&t, "app", "postgres", NULL);
	for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
		struct capture_options options = options_of(&t);
		struct session_state state = SESSION_STATE_INIT;
		char why[200];

		options.keep = true;
		assert_int_equal(talker_capture(&t, &options, &state, why), CAPTURE_DONE);
		assert_null(state.statements);
		assert_string_equal(talker_value(&t, statements_sql), "1");
		session_state_fini(&state);
		talker_query(&t, seconds[i].sql);
		state = SESSION_STATE_INIT;
		options.kept = options.nonce;
		options.nonce = options_of(&t).nonce;
		options.keep = false;
		options.kept_serves = seconds[i].serves;
		assert_int_equal(talker_capture(&t, &options, &state, why), CAPTURE_DONE);
		assert_null(state.statements);
		assert_string_equal(setting_of(&state, "work_mem"), seconds[i].work_mem);
		assert_string_equal(setting_of(&state, "app.tenant"), seconds[i].tenant);
		assert_string_equal(talker_value(&t, statements_sql), "0");
		session_state_fini(&state);
	}
	talker_close(&t);
}

/* Functions and operators that the session's search_path puts before the system's are not used. */
static void a_hostile_search_path_is_of_no_use(void **unused)
{
	struct talker t;
	struct session_state state;

	(void)unused;
	talker_open(&t, "postgres", "postgres", NULL);
	talker_query(&t,
		"CREATE SCHEMA evil; SET search_path = evil, pg_catalog;"
		"CREATE FUNCTION evil.bad() RETURNS text LANGUAGE plpgsql AS"
		" 'BEGIN RAISE EXCEPTION ''caught''; END';"
		"CREATE FUNCTION evil.eq(text, text) RETURNS bool LANGUAGE plpgsql AS"
		" 'BEGIN RAISE EXCEPTION ''caught''; END';"
		"CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.eq);"
		"CREATE OPERATOR evil.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.eq);"
		"CREATE FUNCTION evil.current_setting(text) RETURNS text LANGUAGE sql AS 'SELECT "
		"evil.bad()';"
		"CREATE FUNCTION evil.lastval() RETURNS bigint LANGUAGE sql AS 'SELECT "
		"evil.bad()::bigint';"
		"CREATE VIEW evil.pg_settings AS SELECT evil.bad() AS name");
	capture(&t, &state);
	assert_string_equal(setting_of(&state, "search_path"), "evil, pg_catalog");
	session_state_fini(&state);
	talker_query(
		&t, "SET client_min_messages = error; RESET search_path; DROP SCHEMA evil CASCADE");
	talker_close(&t);
}

static void a_probe_that_is_refused_leaves_the_session_as_it_was(void **unused)
{
	struct capture_options options;
	struct session_state state = SESSION_STATE_INIT;
	struct talker t, dba;
	char why[200];

	(void)unused;
	talker_open(&dba, "postgres", "postgres", NULL);
	talker_query(&dba, "REVOKE EXECUTE ON FUNCTION pg_show_all_settings() FROM PUBLIC");
	talker_open(&t, "app", "postgres", NULL);
	talker_query(&t, "SET work_mem = '3MB'");
	options = options_of(&t);
	assert_int_equal(talker_capture(&t, &options, &state, why), CAPTURE_FAILED);
	assert_non_null(strstr(why, "42501"));
	talker_query(&dba, "GRANT EXECUTE ON FUNCTION pg_show_all_settings() TO PUBLIC");
	assert_string_equal(talker_value(&t, "SHOW work_mem"), "3MB");
	assert_string_equal(talker_value(&t, statements_sql), "0");
	session_state_fini(&state);
	talker_close(&t);
	talker_close(&dba);
}

static void a_transaction_is_no_boundary(void **unused)
{
	struct capture_options options;
	struct session_state state = SESSION_STATE_INIT;
	struct talker t;
	char why[200];

	(void)unused;
	talker_open(&t, "app", "postgres", NULL);
	talker_query(&t, "BEGIN");
	options = options_of(&t);
	assert_int_equal(talker_capture(&t, &options, &state, why), CAPTURE_BROKEN);
	session_state_fini(&state);
	talker_close(&t);
}

/* ---- another server ----------------------------------------------------------------------------
 */

struct difference {
	const char *there, *why;
};

/* Database `there` stands for the other side. */
static void a_difference_is_a_mismatch_with_its_reason(void **unused)
{
	static const struct difference differences[] = {
		{"CREATE TABLE d (a int, b text)", ""},
		{"", "statement q: relation \"d\" does not exist"},
		{"CREATE TABLE d (a bigint, b text)", "statement q: its parameters or columns"},
		{"CREATE TABLE d (a int, c text)", "statement q: column \"b\" does not exist"},
		{"CREATE TABLE d (b text, a int)", ""},
	};
	struct talker a, b, dba;
	struct session_state state;
	char why[200];

	(void)unused;
	talker_open(&dba, "postgres", "postgres", NULL);
	talker_open(&a, "app", "postgres", NULL);
	talker_query(&a, "CREATE TABLE d (a int, b text)");
	talker_parse(&a, "q", "SELECT a, b FROM d WHERE a = $1", 0);
	capture(&a, &state);
	for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++) {
		talker_query(&dba, "CREATE DATABASE there");
		talker_open(&b, "postgres", "there", NULL);
		talker_query(&b, differences[i].there);
		if (*differences[i].there != '\0')
			talker_query(&b, "GRANT ALL ON d TO app");
		talker_close(&b);
		talker_open(&b, "app", "there", NULL);
		assert_int_equal(talker_replay(&b, &state, why),
			differences[i].why[0] == '\0' ? REPLAY_DONE : REPLAY_MISMATCH);
		if (strncmp(why, differences[i].why, strlen(differences[i].why)) != 0)
			fail_msg("%s", why);
		talker_close(&b);
		talker_query(&dba, "DROP DATABASE there WITH (FORCE)");
	}
	session_state_fini(&state);
	talker_query(&a, "DROP TABLE d");
	talker_close(&a);
	talker_close(&dba);
}

static void a_right_that_is_missing_there_is_a_mismatch(void **unused)
{
	struct session_state state = SESSION_STATE_INIT;
	struct talker t;
	char why[200];

	(void)unused;
	talker_open(&t, "boxed", "postgres", NULL);
	state.role = "other";
	assert_int_equal(talker_replay(&t, &state, why), REPLAY_MISMATCH);
	assert_string_equal(why, "setting role: permission denied to set role \"other\"");
	state.role = NULL;
	state.settings = arena_alloc(&state.arena, sizeof *state.settings);
	*state.settings = (struct state_setting){.name = "log_statement", .value = "all"};
	assert_int_equal(talker_replay(&t, &state, why), REPLAY_MISMATCH);
	assert_non_null(strstr(why, "permission denied to set parameter"));
	*state.settings = (struct state_setting){.name = "work_mem", .value = "4096"};
	assert_int_equal(talker_replay(&t, &state, why), REPLAY_MISMATCH);
	assert_string_equal(why, "setting work_mem: the server shows another value");
	assert_string_equal(talker_value(&t, "SELECT 'still here'"), "still here");
	session_state_fini(&state);
	talker_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fresh_session_has_nothing),
		cmocka_unit_test(everything_is_made_again),
		cmocka_unit_test(the_unnamed_statement_survives_and_is_carried),
		cmocka_unit_test(a_statement_that_is_broken_stays_broken_and_is_no_error),
		cmocka_unit_test(the_role_comes_before_the_statements),
		cmocka_unit_test(a_superuser_keeps_its_authorization),
		cmocka_unit_test(texts_keep_the_encoding_of_the_session),
		cmocka_unit_test(more_settings_and_statements_than_one_message_takes),
		cmocka_unit_test(settings_that_the_database_reads_are_found),
		cmocka_unit_test(what_cannot_be_carried_is_named),
		cmocka_unit_test(a_statement_that_could_not_be_made_again_is_named),
		cmocka_unit_test(the_losses_of_others_are_not_ours),
		cmocka_unit_test(too_much_state_is_said),
		cmocka_unit_test(the_probe_leaves_no_trace),
		cmocka_unit_test(a_hostile_search_path_is_of_no_use),
		cmocka_unit_test(a_probe_that_is_kept_serves_once_more),
		cmocka_unit_test(a_probe_that_is_refused_leaves_the_session_as_it_was),
		cmocka_unit_test(a_transaction_is_no_boundary),
		cmocka_unit_test(a_difference_is_a_mismatch_with_its_reason),
		cmocka_unit_test(a_right_that_is_missing_there_is_a_mismatch),
	};

	return cmocka_run_group_tests(tests, make_roles, NULL);
}
