#include "../testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "journal/journal.h"
#include "journal/redact.h"

/* The canary stands in every one of them and must not come out. */
#define C "c4n4ry"

static const char *const secrets[] = {
	"host=db password=" C " dbname=x",
	"host=db password = '" C "' dbname=x",
	"host=db password='it\\'s " C "' dbname=x",
	"host=db password=a\\ " C " dbname=x",
	"host=db password=a\"" C " dbname=x",
	"host=db PASSWORD=" C,
	"host=db sslpassword=" C " sslmode=verify-full",
	"postgresql://app:" C "@db:5432/orders",
	"postgresql://app:" C "@a:1,b:2/orders?sslmode=require",
	"postgresql://app:a/" C "@db/orders",
	"postgresql://app:a@" C "@db/orders",
	"postgresql://app:a?" C "@db/orders",
	"postgresql://app:%63" C "@db/orders",
	"postgresql://db/orders?password=" C "&user=app",
	"postgresql://db/orders?user=app&password=" C,
	"postgresql://db/orders?user=app&%70assword=" C,
	"postgresql://db/orders?user=app&pass%77ord=" C,
	"connection \"postgres://u:" C "@h/d\" failed",
	"redis://:" C "@cache:6379/0",
	"amqps://u:" C "@mq/v and http://x/",
	"PGPASSWORD=" C " psql",
	"export DB_PASSWORD=\"" C "\"",
	"db-password: " C,
	"MYSQL_PWD=" C,
	"{\"password\":\"" C "\"}",
	"{\"password\": \"a\\\"" C "\"}",
	"{'passwd': '" C "'}",
	"ALTER ROLE app PASSWORD '" C "'",
	"ALTER ROLE app ENCRYPTED PASSWORD 'a''" C "' VALID UNTIL 'infinity'",
	"ALTER ROLE app PASSWORD E'\\'" C "'",
	"ALTER ROLE app PASSWORD U&'" C "'",
	"ALTER ROLE app PASSWORD $$" C "$$",
	"ALTER ROLE app PASSWORD $t$a$" C "$t$",
	"ALTER ROLE app PASSWORD '" C, /* cut in the middle */
	"CREATE USER x IDENTIFIED BY '" C "'",
	"CREATE USER x IDENTIFIED BY PASSWORD '" C "'",
	"set secret_key => '" C "'",
	"Authorization: Bearer " C,
	"api_key=" C,
	"token:=" C,
	"rolpassword SCRAM-SHA-256$4096:" C "$x:y",
	"verifier SCRAM-SHA-256$4096:" C,
	"-----BEGIN PRIVATE KEY-----\n" C "\n-----END PRIVATE KEY-----",
	"-----BEGIN RSA PRIVATE KEY-----\n" C,
};

static const char *const harmless[] = {
	"",
	"host=db user=app dbname=orders sslmode=verify-full passfile=/etc/airlock/pgpass",
	"postgresql://app@db:5432/orders?sslmode=require",
	"postgresql://[::1]:5432/orders",
	"FATAL: password authentication failed for user \"app\"",
	"seal old: CONNECT revoked from 3 roles, attempt 7",
	"http://am.dc2:9093/api/v2/alerts",
	"md5 of the table",
	"3 gates pass, 1 does not",
	"by alice: because",
	"identified 3 sessions",
	"tokens outlive the window",
	"100% of rows",
	"caf\xc3\xa9",
};

static void no_canary_gets_through(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		BUF_AUTO out = BUF_INIT;

		journal_redact(&out, secrets[i]);
		if (strstr(buf_str(&out), C) || !strstr(buf_str(&out), "***"))
			fail_msg("%s\n  became %s", secrets[i], buf_str(&out));
	}
}

static void a_verifier_of_md5_is_known_by_its_form(void **state)
{
	BUF_AUTO out = BUF_INIT;

	(void)state;
	journal_redact(&out, "rol md5d41d8cd98f00b204e9800998ecf8427e, md5sum");
	assert_string_equal(buf_str(&out), "rol ***, md5sum");
}

static void what_is_no_secret_stays(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(harmless); i++) {
		BUF_AUTO out = BUF_INIT;

		journal_redact(&out, harmless[i]);
		assert_string_equal(buf_str(&out), harmless[i]);
	}
}

static void what_stands_around_a_secret_stays(void **state)
{
	BUF_AUTO out = BUF_INIT;

	(void)state;
	journal_redact(&out, "host=db password='" C "' dbname=x");
	assert_string_equal(buf_str(&out), "host=db password=*** dbname=x");
	buf_clear(&out);
	journal_redact(&out, "postgresql://app:" C "@db:5432/orders");
	assert_string_equal(buf_str(&out), "postgresql://app:***@db:5432/orders");
}

static void json_is_searched_to_the_leaves(void **state)
{
	json_t *doc = json_loads("{\"a\":[{\"Password\":\"" C "\",\"n\":1},\"password=" C "\"],"
				 "\"token\":{\"x\":\"" C "\"},\"secret\":12345,\"password\":null,"
				 "\"dsn\":\"host=h password='" C " x' user=u\",\"pass\":true}",
		0, NULL);
	char *text;

	(void)state;
	assert_non_null(doc);
	redact_json(doc);
	text = json_dumps(doc, JSON_COMPACT);
	assert_string_equal(text, "{\"a\":[{\"Password\":\"***\",\"n\":1},\"password=***\"],"
				  "\"token\":\"***\",\"secret\":\"***\",\"password\":null,"
				  "\"dsn\":\"host=h password=*** user=u\",\"pass\":true}");
	free(text);
	json_decref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_canary_gets_through),
		cmocka_unit_test(a_verifier_of_md5_is_known_by_its_form),
		cmocka_unit_test(what_is_no_secret_stays),
		cmocka_unit_test(what_stands_around_a_secret_stays),
		cmocka_unit_test(json_is_searched_to_the_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
