#include "../testing.h"

#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "discover/classify.h"

static const struct {
	const char *text;
	enum sql_class cls;
	const char *verb, *calls; /* the first call */
} cases[] = {
	{"SELECT 1", SQL_READS, "", ""},
	{"SELECT public.bump(1), now()", SQL_READS, "", "bump"},
	{"SELECT * FROM t FOR UPDATE", SQL_READS, "", ""},
	{"BEGIN; SET x = 1; COMMIT", SQL_READS, "", ""},
	{"COPY (SELECT 1) TO STDOUT", SQL_READS, "", ""},
	{"CREATE TEMP TABLE x AS SELECT 1", SQL_READS, "", ""},
	{"SELECT 1 INTO TEMP x", SQL_READS, "", ""},
	{"EXPLAIN SELECT 1", SQL_READS, "", ""},
	{"SELECT 'delete from x'", SQL_READS, "", ""},
	{"INSERT INTO t VALUES ($1)", SQL_WRITES, "INSERT", ""},
	{"SELECT 1; UPDATE t SET a = 1", SQL_WRITES, "UPDATE", ""},
	{"WITH x AS (DELETE FROM t RETURNING 1) SELECT * FROM x", SQL_WRITES, "DELETE", ""},
	{"EXPLAIN ANALYZE UPDATE t SET a = 1", SQL_WRITES, "UPDATE", ""},
	{"PREPARE p AS INSERT INTO t VALUES (1)", SQL_WRITES, "INSERT", ""},
	{"MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", SQL_WRITES, "MERGE", ""},
	{"COPY t FROM STDIN", SQL_WRITES, "COPY FROM", ""},
	{"CALL p(1)", SQL_WRITES, "CALL", "p"},
	{"DO 'BEGIN END'", SQL_WRITES, "DO", ""},
	{"TRUNCATE t", SQL_WRITES, "TRUNCATE", ""},
	{"SELECT 1 INTO x", SQL_WRITES, "SELECT INTO", ""},
	{"CREATE TABLE x AS SELECT 1", SQL_WRITES, "CREATE TABLE AS", ""},
	{"ALTER TABLE t ADD a int", SQL_WRITES, "DDL", ""},
	{"EXECUTE p(1)", SQL_MAY_WRITE, "EXECUTE", ""},
	{"SELECT cut off in the mid dle of", SQL_MAY_WRITE, "not understood", ""},
	{"", SQL_READS, "", ""},
};

static void statements(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sql_verdict v;

		classify_sql(cases[i].text, strlen(cases[i].text), &v);
		if (v.cls != cases[i].cls || strcmp(v.verb, cases[i].verb) != 0 ||
			strcmp(v.calls_count ? v.calls[0] : "", cases[i].calls) != 0)
			fail_msg("%s: %s, '%s', calls %s", cases[i].text, sql_class_name(v.cls),
				v.verb, v.calls_count ? v.calls[0] : "nothing");
	}
}

#define FUNCTION(body)                                                                             \
	"CREATE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql AS $f$ DECLARE x int; BEGIN " body  \
	" RETURN x; END $f$"

static const struct {
	const char *text;
	enum sql_class cls;
	const char *calls;
} functions[] = {
	{FUNCTION("x := 1 + g(2);"), SQL_READS, "g"},
	{FUNCTION("PERFORM g(a);"), SQL_READS, "g"},
	{FUNCTION("IF a > 1 THEN UPDATE t SET b = a; END IF;"), SQL_WRITES, ""},
	{FUNCTION("FOR x IN SELECT 1 LOOP INSERT INTO t VALUES (x); END LOOP;"), SQL_WRITES, ""},
	{FUNCTION("EXECUTE 'SELECT 1';"), SQL_MAY_WRITE, ""},
	{FUNCTION("EXECUTE 'SELECT 1'; DELETE FROM t;"), SQL_WRITES, ""},
	{"CREATE FUNCTION nonsense", SQL_MAY_WRITE, ""},
};

static void functions_of_plpgsql(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		struct sql_verdict v;

		classify_plpgsql(functions[i].text, strlen(functions[i].text), &v);
		if (v.cls != functions[i].cls ||
			strcmp(v.calls_count ? v.calls[0] : "", functions[i].calls) != 0)
			fail_msg("%s: %s, '%s', calls %s", functions[i].text, sql_class_name(v.cls),
				v.verb, v.calls_count ? v.calls[0] : "");
	}
}

/* 200 KB of this overflow the parser's stack of 8 MB; the limit keeps it away, and what is just
 * below the limit is read. */
static void nothing_overflows(void **state)
{
	BUF_AUTO text = BUF_INIT;
	struct sql_verdict v;

	(void)state;
	buf_puts(&text, "SELECT 1");
	while (text.len < CLASSIFY_BYTES_MAX - 2)
		buf_puts(&text, "+1");
	classify_sql(buf_str(&text), text.len, &v);
	assert_int_not_equal(v.cls, SQL_WRITES);
	while (text.len < 400000)
		buf_puts(&text, "+1");
	classify_sql(buf_str(&text), text.len, &v);
	assert_int_equal(v.cls, SQL_MAY_WRITE);
	assert_string_equal(v.verb, "too long to be read");
	buf_clear(&text);
	while (text.len < CLASSIFY_BYTES_MAX - 8)
		buf_puts(&text, "(");
	classify_sql(buf_str(&text), text.len, &v);
	assert_int_equal(v.cls, SQL_MAY_WRITE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements),
		cmocka_unit_test(functions_of_plpgsql),
		cmocka_unit_test(nothing_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
