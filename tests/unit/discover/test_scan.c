#include "../testing.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "discover/scan.h"

static const char *const hosts[] = {"pg-old.dc1"};

static void take(void *arg, const struct scan_hit *hit)
{
	struct buf *out = arg;

	if (out->len > 0)
		buf_puts(out, " | ");
	buf_printf(out, "%d:%s", hit->line, hit->comment ? "#" : "");
	if (hit->kind == SCAN_DSN)
		dsn_show(hit->dsn, out);
	else
		buf_printf(out, "%s%s%s", hit->name, hit->kind == SCAN_LIFETIME ? "=" : "",
			hit->kind == SCAN_LIFETIME ? hit->value : "");
}

static const struct {
	const char *file, *text, *found;
} cases[] = {
	{".env", "PGHOST=h\nPGPORT=5433\nPGUSER=u\nPGPASSWORD=s3cret\nPGDATABASE=d\n",
		"1:postgresql://u@h:5433/d"},
	{".env",
		"DB_CONNECTION=pgsql\nDB_HOST=h\nDB_PORT=5433\n\nDB_DATABASE=d\nDB_USERNAME=u\n"
		"DB_PASSWORD=s3cret\n",
		"2:postgresql://u@h:5433/d"},
	{"run.sh", "export PGHOST='h' PGDATABASE=d\npsql -c x", "1:postgresql://h/d"},
	{"job", "PGHOST=h PGPASSWORD=s3cret PGDATABASE=d psql -c 'DELETE FROM x'\n",
		"1:postgresql://h/d"},
	{"run.sh", "export PGHOST=h PGPORT=5433\npsql -U u d -c x\npsql -h o d\n",
		"2:postgresql://u@h:5433/d | 3:postgresql://o:5433/d"},
	{"x.service", "[Service]\nEnvironment=\"PGHOST=h\" \"PGDATABASE=d\"\n",
		"2:postgresql://h/d"},
	{"settings.py",
		"DATABASES = {\n  'default': {\n    'ENGINE': 'django.db.backends.postgresql',\n"
		"    'NAME': 'd',\n    'USER': 'u',\n    'PASSWORD': 's3cret',\n    'HOST': "
		"'h',\n    'PORT': '5433',\n  }\n}\n",
		"7:postgresql://u@h:5433/d"},
	{"database.yml",
		"default: &default\n  adapter: postgresql\nproduction:\n  adapter: "
		"postgresql\n  host: h\n  database: d\n  username: u\n  password: s3cret\n",
		"5:postgresql://u@h/d"},
	{"application.properties",
		"spring.datasource.url=jdbc:postgresql://h:5433/d\n"
		"spring.datasource.username=u\nspring.datasource.password=s3cret\n",
		"1:postgresql://u@h:5433/d"},
	{"database.php",
		"'pgsql' => [\n 'driver' => 'pgsql',\n 'host' => env('DB_HOST', 'h'),\n"
		" 'port' => env('DB_PORT', '5433'),\n 'database' => env('DB_DATABASE', 'd'),\n"
		" 'password' => env('DB_PASSWORD', 's3cret'),\n],\n",
		"3:postgresql://h:5433/d"},
	{"docker.yaml", "  DB_HOST: ${DB_HOST:-h}\n  DB_NAME: d\n", "1:postgresql://h/d"},
	{"pg_service.conf",
		"[shop]\nhost=h\nport=5433\ndbname=d\nuser=u\n\n[other]\nhost=o\ndbname=e\n",
		"2:postgresql://u@h:5433/d | 8:postgresql://o/e"},
	{"odbc.ini",
		"[shop]\nDriver = PostgreSQL\nServername = h\nPort = 5433\nDatabase = d\n"
		"Password = s3cret\n",
		"3:postgresql://h:5433/d"},
	{"/home/u/.pgpass", "# host:port\nh:5433:d:u:s3c\\:ret\n*:*:*:u:s3cret\n",
		"2:postgresql://u@h:5433/d"},
	{"datasource.json",
		"{\"type\": \"postgres\",\n \"url\": \"h:5433\",\n \"database\": \"d\",\n"
		" \"user\": \"u\"}\n",
		"2:postgresql://u@h:5433/d"},
	{"min.json", "{\"host\":\"h\",\"port\":5433,\"database\":\"d\"}",
		"1:postgresql://h:5433/d"},
	{"pgbouncer.ini", "[databases]\nshop = host=h port=5433 dbname=d user=u password=s3cret\n",
		"2:postgresql://u@h:5433/d"},
	{"two.yaml", "redis:\n  host: cache\n  port: 6379\ndb:\n  host: h\n  database: d\n",
		"2:postgresql://cache:6379 | 5:postgresql://h/d"},
	{"x.conf", "# url = postgres://u:s3cret@h/d\n", "1:#postgresql://u@h/d"},
	{"runbook.md", "Log in at pg-old.dc1, not at xpg-old.dc1 or pg-old.dc11.\n",
		"1:pg-old.dc1"},
	{"auth.yaml",
		"jwt_ttl: 3600\ntoken_secret_ttl_key: s3cret\nsession_timeout: 3\n"
		"oauth_token_expires_in: \"12h\"\nnetworkaddress.cache.ttl=60\n",
		"1:jwt_ttl=3600 | 4:oauth_token_expires_in=12h | 5:networkaddress.cache.ttl=60"},
	{"pod.yaml", "metadata:\n  name: web\nspec:\n  host: pg\n", "4:postgresql://pg"},
};

static void every_format(void **state)
{
	size_t bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		BUF_AUTO out = BUF_INIT;
		struct scan scan = {.file = cases[i].file,
			.names = hosts,
			.names_count = 1,
			.hit = take,
			.arg = &out};

		scan_text(&scan, cases[i].text, strlen(cases[i].text));
		assert_null(strstr(buf_str(&out), "s3c"));
		if (strcmp(buf_str(&out), cases[i].found) == 0)
			continue;
		print_error("%s:\n  gives %s\n  wants %s\n", cases[i].file, buf_str(&out),
			cases[i].found);
		bad++;
	}
	assert_int_equal(bad, 0);
}

/* A line of a megabyte is looked at in pieces, and a password that lies across a cut is not shown.
 */
static void long_lines(void **state)
{
	BUF_AUTO text = BUF_INIT;
	BUF_AUTO out = BUF_INIT;
	struct scan scan = {.file = "x.json", .hit = take, .arg = &out};

	(void)state;
	while (text.len < SCAN_LINE_MAX - 20)
		buf_puts(&text, "xxxxxxxxxx");
	buf_puts(&text, "postgres://app:p@s3cret-s3cret-s3cret/x@h/d");
	while (text.len < 1 << 20)
		buf_puts(&text, "yyyyyyyyyy");
	buf_puts(&text, " postgres://u@h/end ");
	scan_text(&scan, buf_str(&text), text.len);
	assert_null(strstr(buf_str(&out), "s3cret"));
	assert_non_null(strstr(buf_str(&out), "postgresql://u@h/end"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_format),
		cmocka_unit_test(long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
