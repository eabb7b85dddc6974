#include "../testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/prng.h"
#include "dsn/dsn.h"

/* The secret is always "s3cret" with what makes trouble around it; no piece of it may be shown. */
static const struct {
	const char *text;
	const char *shown; /* all of them, " | " between */
} cases[] = {
	/* URLs */
	{"DATABASE_URL=postgres://app:s3cret@pg-old.dc1:5433/shop?sslmode=require",
		"postgresql://app@pg-old.dc1:5433/shop"},
	{"see (postgresql://pg-old.dc1/shop).", "postgresql://pg-old.dc1/shop"},
	{"\"postgresql+psycopg2://app:s3cret@h/shop\"", "postgresql://app@h/shop"},
	{"postgis://h/gis and redis://:s3cret@cache:6380/2",
		"postgresql://h/gis | redis://cache:6380/2"},
	{"amqps://bob:s3cret@mq:5671/vh", "rabbitmq://bob@mq:5671/vh"},
	{"mysql2://root:s3cret@127.0.0.1/x", "mariadb://root@127.0.0.1/x"},
	{"postgres://a:s3cret@[2001:db8::1]:5432/d", "postgresql://a@[2001:db8::1]:5432/d"},
	{"postgres://h1:5432,h2:5433,h3/d", "postgresql://h1:5432,h2:5433,h3/d"},
	{"postgres://a%40b:s3cret@h/sh%20op", "postgresql://a@b@h/sh op"},
	{"postgresql://%2Frun%2Fpg/shop", "postgresql:///run/pg/shop"},
	{"postgresql:///shop?host=h&port=5433&user=u&password=s3cret",
		"postgresql://u@h:5433/shop"},
	{"postgres://${DB_USER}:${DB_PASS}@${DB_HOST}:${DB_PORT}/shop",
		"postgresql://${DB_USER}@${DB_HOST}/shop"},
	/* passwords that nobody encoded */
	{"postgres://app:p@s3cret/x@h/shop", "postgresql://app@h/shop"},
	{"postgres://app:s3cret?x@h/shop", "postgresql://app@h/shop"},
	{"postgres://app:s3cret'x@h/shop", "postgresql://"},
	{"postgres://app:s3cret x@h/shop", "postgresql://"},
	{"https://example.com/postgres", ""},
	{"http://u:s3cret@h/x", ""},
	/* JDBC */
	{"spring.datasource.url=jdbc:postgresql://h:5432/shop?user=u&password=s3cret",
		"postgresql://u@h:5432/shop"},
	{"jdbc:postgresql:shop", "postgresql:///shop"},
	{"url: jdbc:aws-wrapper:postgresql://h/shop", "postgresql://h/shop"},
	{"r2dbc:pool:postgresql://u:s3cret@h/shop", "postgresql://u@h/shop"},
	{"jdbc:mysql:replication://h1,h2:3307/x", "mariadb://h1,h2:3307/x"},
	/* libpq */
	{"host=pg-old.dc1 port=5433 dbname=shop user=app password=s3cret",
		"postgresql://app@pg-old.dc1:5433/shop"},
	{"conn = psycopg.connect(\"host=h dbname=shop user=u password='s3 cret'\")",
		"postgresql://u@h/shop"},
	{"SELECT dblink('host=10.0.0.7 dbname=shop password=''s3 cret'' user=u', 'SELECT 1')",
		"postgresql://u@10.0.0.7/shop"},
	{"PERFORM dblink_exec('dbname=shop port=5433 user=u', q)", "postgresql://u@/shop"},
	{"service=shop user=u", "postgresql://u@?service=shop"},
	{"port=5433,5434 host=a,b dbname=d", "postgresql://a:5433,b:5434/d"},
	{"host=a,b port=5433 dbname=d", "postgresql://a:5433,b:5433/d"},
	{"password=s3cret dbname=d host=h", "postgresql://h/d"},
	{"the host=web1 port=80 answers", ""},
	{"user=bob status=ok", ""},
	/* ADO.NET, ODBC */
	{"\"Host=h;Port=5433;Database=shop;Username=u;Password=s3cret\"",
		"postgresql://u@h:5433/shop"},
	{"connectionString=\"Server=h;Database=shop;User Id=u;Password=s3cret;Pooling=true\" />",
		"postgresql://u@h/shop"},
	{"Driver={PostgreSQL Unicode};Server=h;Port=5432;Database=d;Uid=u;Pwd={s3;cret};",
		"postgresql://u@h:5432/d"},
	{"Driver={MySQL ODBC 8.0};Server=h;Database=d", "mariadb://h/d"},
	{"Data Source=h;Initial Catalog=d;Integrated Security=true", ""},
	/* PDO, Go */
	{"new PDO('pgsql:host=h;port=5433;dbname=shop', $u, $p)", "postgresql://h:5433/shop"},
	{"'mysql:host=h;dbname=x'", "mariadb://h/x"},
	{"u:s3cret@tcp(h:3307)/x?parseTime=true", "mariadb://u@h:3307/x"},
	/* commands */
	{"15 2 * * * root PGPASSWORD=s3cret psql -h pg-old.dc1 -p 5433 -U app shop -c 'VACUUM'",
		"postgresql://app@pg-old.dc1:5433/shop"},
	{"pg_dump --host=h --username u -Fc shop > /b/x", "postgresql://u@h/shop"},
	{"/usr/bin/psql -qXd shop", "postgresql:///shop"},
	{"psql -d shop -f /x.sql", "postgresql:///shop"},
	{"psql -d 'postgres://u:s3cret@h/d'", "postgresql://u@h/d"},
	{"mysql -hh -uroot -ps3cret x", "mariadb://root@h/x"},
	{"redis-cli -h cache -n 3 KEYS", "redis://cache/3"},
	{"psql is the tool -h you want", ""},
};

static void all_shown(const char *text, size_t len, struct buf *out)
{
	struct dsn dsn;

	for (size_t at = 0; dsn_next(text, len, at, &dsn); at = dsn.start + dsn.len) {
		if (out->len > 0)
			buf_puts(out, " | ");
		dsn_show(&dsn, out);
	}
}

static void every_form_is_found_and_shown(void **state)
{
	size_t bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		BUF_AUTO out = BUF_INIT;

		all_shown(cases[i].text, strlen(cases[i].text), &out);
		if (strcmp(buf_str(&out), cases[i].shown) == 0)
			continue;
		print_error("%s\n  gives %s\n  wants %s\n", cases[i].text, buf_str(&out),
			cases[i].shown);
		bad++;
	}
	assert_int_equal(bad, 0);
}

static bool shows_secret(const char *shown)
{
	return strstr(shown, "s3") != NULL || strstr(shown, "cret") != NULL;
}

/* Cut off anywhere: what is shown still holds no byte of the password (but see dsn.h of '@'). */
static void no_cut_shows_a_secret(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t len = strstr(cases[i].text, "p@s3cret") ? 1000 : 0;
			len <= strlen(cases[i].text); len++) {
			BUF_AUTO out = BUF_INIT;
			char *copy = malloc(len + 1); /* its end is watched by ASan */

			memcpy(copy, cases[i].text, len);
			copy[len] = '\0';
			all_shown(copy, len, &out);
			if (shows_secret(buf_str(&out)))
				fail_msg("'%s' shows %s", copy, buf_str(&out));
			free(copy);
		}
}

static void redaction_keeps_the_rest(void **state)
{
	static const char text[] =
		"first: postgres://u:s3cret@h/d, then 'host=h dbname=d password=s3cret'.";
	BUF_AUTO out = BUF_INIT;

	(void)state;
	dsn_redact(text, strlen(text), &out);
	assert_string_equal(buf_str(&out), "first: postgresql://u@h/d, then 'postgresql://h/d'.");
}

static void a_whole_text(void **state)
{
	struct dsn dsn;

	(void)state;
	assert_true(dsn_read(" 'postgres://u:s3cret@h:5433/d' ", &dsn));
	assert_int_equal(dsn.engine, DSN_POSTGRESQL);
	assert_int_equal(dsn.form, DSN_URL);
	assert_true(dsn.has_secret);
	assert_string_equal(dsn.hosts[0].name, "h");
	assert_int_equal(dsn.hosts[0].port, 5433);
	assert_true(dsn_read("host=h dbname=d", &dsn));
	assert_false(dsn.has_secret);
	assert_false(dsn_read("see postgres://h/d", &dsn));
	assert_false(dsn_read("", &dsn));
}

static const struct {
	const char *key;
	enum dsn_role role;
	size_t prefix;
} roles[] = {
	{"PGHOST", DSN_ROLE_HOST, 2},
	{"ORDERS_PGDATABASE", DSN_ROLE_DATABASE, 9},
	{"SPGHOST", DSN_ROLE_NONE, 0},
	{"PGDATABASE", DSN_ROLE_DATABASE, 2},
	{"PGPASSWORD", DSN_ROLE_SECRET, 2},
	{"PGSERVICE", DSN_ROLE_SERVICE, 2},
	{"DB_HOST", DSN_ROLE_HOST, 3},
	{"SHOP_DB_PORT", DSN_ROLE_PORT, 8},
	{"POSTGRES_DB", DSN_ROLE_DATABASE, 9},
	{"spring.datasource.username", DSN_ROLE_USER, 18},
	{"spring.datasource.url", DSN_ROLE_TEXT, 18},
	{"dbHost", DSN_ROLE_HOST, 0},
	{"dbName", DSN_ROLE_DATABASE, 0},
	{"PAPERS_DBHOST", DSN_ROLE_HOST, 7},
	{"PAPERS_DBUSER", DSN_ROLE_USER, 7},
	{"PAPERS_DBPASS", DSN_ROLE_SECRET, 7},
	{"PAPERS_DBPORT", DSN_ROLE_PORT, 7},
	{"HOST", DSN_ROLE_HOST, 0},
	{"NAME", DSN_ROLE_DATABASE, 0},
	{"Servername", DSN_ROLE_HOST, 0},
	{"DB_CONNECTION", DSN_ROLE_ENGINE, 3},
	{"DATABASE_URL", DSN_ROLE_TEXT, 9},
	{"ghost", DSN_ROLE_NONE, 0},
	{"support", DSN_ROLE_NONE, 0},
	{"timeout", DSN_ROLE_NONE, 0},
};

static void keys_have_roles(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		size_t prefix;
		enum dsn_role role = dsn_role_of(roles[i].key, strlen(roles[i].key), &prefix);

		if (role != roles[i].role || (role != DSN_ROLE_NONE && prefix != roles[i].prefix))
			fail_msg("%s: role %d, prefix %zu", roles[i].key, (int)role, prefix);
	}
}

static void any_bytes_may_come(void **state)
{
	static const char bytes[] = "=;:/@?&'\"{}[]() ,%\\-hp$\n\tsjdbc\0\xff";
	struct prng prng = {7};

	(void)state;
	for (int round = 0; round < 20000; round++) {
		const char *text = cases[prng_below(&prng, ARRAY_LEN(cases))].text;
		size_t len = strlen(text);
		char *copy = malloc(len + 1);
		BUF_AUTO out = BUF_INIT;

		memcpy(copy, text, len);
		for (int i = 0; i < 4 && len > 0; i++)
			copy[prng_below(&prng, len)] = bytes[prng_below(&prng, sizeof bytes - 1)];
		all_shown(copy, len, &out);
		for (const char *c = buf_str(&out); *c != '\0'; c++)
			assert_true((unsigned char)*c >= ' ');
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_is_found_and_shown),
		cmocka_unit_test(no_cut_shows_a_secret),
		cmocka_unit_test(redaction_keeps_the_rest),
		cmocka_unit_test(a_whole_text),
		cmocka_unit_test(keys_have_roles),
		cmocka_unit_test(any_bytes_may_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
