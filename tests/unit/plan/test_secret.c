#include "../testing.h"

#include <string.h>

#include "plan/secret.h"

static void finds(const char *text, const char *secret)
{
	size_t start = 0, len = 0;

	if (!secret_find(text, strlen(text), &start, &len))
		fail_msg("no secret found in '%s'", text);
	assert_int_equal(len, strlen(secret));
	assert_memory_equal(text + start, secret, len);
}

static void finds_nothing(const char *text)
{
	size_t start, len;

	if (secret_find(text, strlen(text), &start, &len))
		fail_msg("a secret found in '%s'", text);
}

static void assignments_are_found(void **state)
{
	(void)state;
	finds("host=a password=hunter2 user=b", "hunter2");
	finds("password = 'a b'", "'a b'");
	finds("password='it\\'s' x", "'it\\'s'");
	finds("sslpassword=x", "x");
	finds("PGPASSWORD=x psql", "x");
	finds("--api-user=u&token=abc&x=1", "abc");
	finds("--client_secret=abc", "abc");
	finds("postgresql://h/d?password=abc&sslmode=prefer", "abc");
}

static void userinfo_is_found(void **state)
{
	(void)state;
	finds("postgresql://u:pw@h/d", "pw");
	finds("amqps://u:p:w@h", "p:w");
	finds("see postgresql://u:pw@h and more", "pw");
}

static void what_is_no_secret_is_left_alone(void **state)
{
	(void)state;
	finds_nothing("host=a passfile=/x user=b");
	finds_nothing("password=");
	finds_nothing("password=''");
	finds_nothing("postgresql://u@h:5432/d");
	finds_nothing("postgresql://u:@h/d");
	finds_nothing("http://h:9093/path@x");
	finds_nothing("passwords come from .pgpass");
	finds_nothing("");
}

static void keys_are_known_by_their_end(void **state)
{
	(void)state;
	assert_true(secret_key("password"));
	assert_true(secret_key("DB_PASSWORD"));
	assert_true(secret_key("token"));
	assert_false(secret_key("passfile"));
	assert_false(secret_key("key"));
	assert_false(secret_key(""));
}

static void suspicion_is_broader(void **state)
{
	const char *const texts[] = {"  password: hunter2", "old: \"host=x password=hunt",
		"{\"password\": \"x\"}", "# postgresql://u:p/w@h/d"};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_true(secret_suspected(texts[i], strlen(texts[i])));
	assert_false(secret_suspected("old: host=a user=b", 18));
	assert_false(secret_suspected("alertmanager: http://am:9093", 28));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(assignments_are_found),
		cmocka_unit_test(userinfo_is_found),
		cmocka_unit_test(what_is_no_secret_is_left_alone),
		cmocka_unit_test(keys_are_known_by_their_end),
		cmocka_unit_test(suspicion_is_broader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
