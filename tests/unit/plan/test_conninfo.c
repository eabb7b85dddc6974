#include "fixture.h"

#include "plan/conninfo.h"

static const char *canonical(struct arena *arena, const char *text)
{
	struct conninfo info;
	struct conninfo_error error;

	if (!conninfo_parse(text, arena, &info, &error))
		fail_msg("'%s' is refused: %s", text, error.message);
	return conninfo_canonical(&info, arena);
}

static void all_spellings_are_one(void **state)
{
	ARENA_AUTO arena = ARENA_INIT;
	const char *want = "dbname='sh op' host='h' port='5433' sslmode='require' user='o\\'b'";
	const char *const same[] = {
		"host=h port=5433 dbname='sh op' user=o\\'b sslmode=require",
		"  user = 'o\\'b' sslmode= require host =h port=5433 dbname=sh\\ op ",
		"postgresql://o'b@h:5433/sh%20op?sslmode=require",
		"postgres://o%27b@h:5433/sh%20op?ssl=true",
		"postgresql:///sh%20op?host=h&port=5433&user=o'b&sslmode=require",
	};

	(void)state;
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(canonical(&arena, same[i]), want);
}

static void uris_are_taken_apart(void **state)
{
	ARENA_AUTO arena = ARENA_INIT;

	(void)state;
	assert_string_equal(canonical(&arena, "postgresql://[::1]:5433,b/d"),
		"dbname='d' host='::1,b' port='5433,'");
	assert_string_equal(
		canonical(&arena, "postgresql://%2Frun%2Fpg/d"), "dbname='d' host='/run/pg'");
	assert_string_equal(canonical(&arena, "service=shop"), "service='shop'");
}

static void refused(const char *text, size_t start, const char *message)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct conninfo info;
	struct conninfo_error error;

	if (conninfo_parse(text, &arena, &info, &error))
		fail_msg("'%s' is accepted", text);
	assert_contains(error.message, message);
	assert_int_equal(error.start, start);
	assert_true(error.start + error.len <= strlen(text) + 1);
}

static void mistakes_have_a_place(void **state)
{
	(void)state;
	refused("host=h dbnam=d", 7, "did you mean 'dbname'");
	refused("host=h dbname", 7, "'=' is missing");
	refused("host=h =d", 7, "'=' is missing");
	refused("host=h dbname='d", 14, "not closed");
	refused("host=h dbname=d host=i", 16, "given twice");
	refused("host=h dbname=d port=x", 16, "1 to 65535");
	refused("host=h dbname=d port=70000", 16, "1 to 65535");
	refused("dbname=d", 0, "no host");
	refused("host=h", 0, "no dbname");
	refused("", 0, "no host");
	refused("mysql://h/d", 0, "not a PostgreSQL URI");
	refused("postgresql://[::1/d", 13, "not closed");
	refused("postgresql://[::1]x/d", 18, "after ']'");
	refused("postgresql://h%zz/d", 14, "hexadecimal");
	refused("postgresql://h/d%00", 16, "hexadecimal");
	refused("postgresql://h/d?sslmode", 17, "'=' is missing");
	refused("postgresql://h/d?ssl_mode=x", 17, "did you mean 'sslmode'");
	refused("host=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q dbname=d", 0, "more than 16");
}

/* A word may be a piece of a badly quoted password. */
static void pieces_of_secrets_are_not_told(void **state)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct conninfo info;
	struct conninfo_error error;

	(void)state;
	assert_false(
		conninfo_parse("password=correct horse=battery host=h", &arena, &info, &error));
	assert_null(strstr(error.message, "horse"));
}

static bool same(const char *one, const char *two)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct conninfo a, b;
	struct conninfo_error error;

	assert_true(conninfo_parse(one, &arena, &a, &error));
	assert_true(conninfo_parse(two, &arena, &b, &error));
	assert_int_equal(conninfo_same(&a, &b), conninfo_same(&b, &a));
	return conninfo_same(&a, &b);
}

static void one_server_is_recognised(void **state)
{
	(void)state;
	assert_true(same("host=h dbname=d", "postgresql://H:5432/d"));
	assert_true(same("host=localhost dbname=d", "host=127.0.0.1 dbname=d user=x"));
	assert_true(same("host=a,b dbname=d", "host=c,b dbname=d"));
	assert_true(same("host=x hostaddr=10.0.0.1 dbname=d", "host=y hostaddr=10.0.0.1 dbname=d"));
	assert_true(same("service=s", "service=s"));
	assert_false(same("host=h dbname=d", "host=h dbname=e"));
	assert_false(same("host=h dbname=d", "host=h port=5433 dbname=d"));
	assert_false(same("host=a,b port=1,2 dbname=d", "host=a,b port=2,1 dbname=d"));
	assert_false(same("service=s", "service=t"));
	assert_false(same("service=s", "host=h dbname=d"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_spellings_are_one),
		cmocka_unit_test(uris_are_taken_apart),
		cmocka_unit_test(mistakes_have_a_place),
		cmocka_unit_test(pieces_of_secrets_are_not_told),
		cmocka_unit_test(one_server_is_recognised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
