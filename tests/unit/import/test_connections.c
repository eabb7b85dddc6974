#include "fixture.h"

#include <stdio.h>

#include "import/connections.h"

static bool is_host(const void *world, const struct part *part, const char *word)
{
	(void)world;
	(void)part;
	return strcmp(word, "db") == 0 || strcmp(word, "kafka-1") == 0 || strcmp(word, "api") == 0;
}

/* What variables say: "engine user@host:port/database reads" for each, in the order found. */
static const char *found(struct fixture *f, const char *const *variables)
{
	struct model model;
	struct part *part;
	struct connections all;
	struct connections_asked asked = {.arena = &f->arena, .is_host = is_host};
	BUF_AUTO out = BUF_INIT;

	model_init(&model, &f->arena, &f->notes);
	part = model_part(&model, "web", "service", (struct place){0});
	for (; *variables; variables += 2)
		facts_set(&model, &part->env, variables[0], variables[1], false, (struct place){0});
	connections_find(&asked, part, &all);
	for (size_t i = 0; i < all.count; i++) {
		const struct connection *c = &all.rows[i];

		buf_printf(&out, "%s%s %s@%s:%u/%s%s", i ? "; " : "", c->engine ? c->engine : "-",
			c->user ? c->user : "", c->host ? c->host : "", c->port,
			c->database ? c->database : "", c->reads ? " reads" : "");
	}
	return arena_strdup(&f->arena, buf_str(&out));
}

#define FOUND(...) found(&f, (const char *const[]){__VA_ARGS__, NULL})

static void whole_strings_of_every_form(void **state)
{
	FIXTURE f;

	(void)state;
	fixture_init(&f);
	assert_string_equal(
		FOUND("DATABASE_URL", "postgres://u:secret@db:5433/shop?sslmode=require"),
		"postgresql u@db:5433/shop");
	assert_string_equal(
		FOUND("X", "host=db dbname=shop user=u password=secret"), "postgresql u@db:0/shop");
	assert_string_equal(FOUND("SPRING_DATASOURCE_URL", "jdbc:postgresql://db/shop?user=u"),
		"postgresql u@db:0/shop");
	assert_string_equal(FOUND("ConnectionStrings__Main",
				    "Host=db;Database=shop;Username=u;Password=secret"),
		"postgresql u@db:0/shop");
	assert_string_equal(
		FOUND("SONAR_JDBC_USERNAME", "s", "SONAR_JDBC_URL", "jdbc:postgresql://db/sonar"),
		"postgresql s@db:0/sonar");
	assert_string_equal(FOUND("REDIS_URL", "redis://:secret@db:6379/3"), "redis @db:6379/3");
	assert_string_equal(FOUND("DATABASE_REPLICA_URL", "postgres://u@db/shop"),
		"postgresql u@db:0/shop reads");
	assert_string_equal(
		FOUND("DATABASE_READ_URL", "postgres://u@db/shop"), "postgresql u@db:0/shop reads");
}

static void variables_that_belong_together(void **state)
{
	FIXTURE f;

	(void)state;
	fixture_init(&f);
	assert_string_equal(FOUND("DB_HOST", "db", "DB_PORT", "5433", "DB_NAME", "shop", "DB_USER",
				    "u", "DB_PASS", "secret"),
		"postgresql u@db:5433/shop");
	assert_string_equal(FOUND("PGHOST", "pg.example.com", "PGDATABASE", "shop", "PGUSER", "u"),
		"postgresql u@pg.example.com:0/shop");
	assert_string_equal(
		FOUND("SENTRY_POSTGRES_HOST", "db", "SENTRY_DB_NAME", "s", "SENTRY_DB_USER", "u"),
		"postgresql u@db:0/s");
	assert_string_equal(
		FOUND("DB_CONNECTION", "mysql", "DB_HOST", "my.example.com", "DB_DATABASE", "shop"),
		"mariadb @my.example.com:0/shop");
	assert_string_equal(FOUND("WORDPRESS_DB_HOST", "db:3306", "WORDPRESS_DB_NAME", "w"),
		"mariadb @db:3306/w");
	assert_string_equal(FOUND("PAPERS_DBHOST", "pg.example.com", "PAPERS_DBNAME", "p",
				    "PAPERS_DBUSER", "u"),
		"postgresql u@pg.example.com:0/p");
	assert_string_equal(FOUND("DB_SCHEME", "postgresql", "DB_HOST", "db", "OM_DATABASE", "om"),
		"postgresql @db:0/om");
	assert_string_equal(FOUND("DB_HOST", "db", "APP_NAME", "shop"), "postgresql @db:0/");
	/* Two connections of one service do not mix. */
	assert_string_equal(
		FOUND("A_DB_HOST", "db", "A_DB_NAME", "a", "B_DB_HOST", "db", "B_DB_NAME", "b"),
		"postgresql @db:0/a; postgresql @db:0/b");
}

static void hosts_that_are_known_and_nothing_else(void **state)
{
	FIXTURE f;

	(void)state;
	fixture_init(&f);
	assert_string_equal(FOUND("API_URL", "http://api:8080/x"), "- @api:0/");
	assert_string_equal(FOUND("BROKERS", "kafka-1:9092,kafka-2:9092"), "- @kafka-1:0/");
	assert_string_equal(FOUND("UPSTREAM_ADDR", "api"), "- @api:0/");
	assert_string_equal(FOUND("MESSAGE", "call the api now"), "");
	assert_string_equal(FOUND("CACHE_DRIVER", "db"), "");
	assert_string_equal(FOUND("SMTP_HOST", "mail.example.com"), "");
	assert_string_equal(FOUND("APP_NAME", "db", "LOG_SERVER", "log.example.com"), "");
	assert_string_equal(
		FOUND("SENTRY_DSN", "https://0123456789abcdef@sentry.example.com/1"), "");
}

static void what_is_kept_holds_no_password(void **state)
{
	static const char *const values[] = {"postgres://u:s3cr3t@db/x", "host=db password=s3cr3t",
		"host=db password='s3cr3t'", "Server=db;Password=s3cr3t;Database=x",
		"jdbc:postgresql://db/x?user=u&password=s3cr3t", "amqp://g:s3cr3t@db",
		"redis://:s3cr3t@db", "postgres://u:s3cr3t@@db/x", "mysql://u:s3/cr3t@db/x"};
	FIXTURE f;

	(void)state;
	fixture_init(&f);
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		assert_null(strstr(FOUND("URL", values[i]), "cr3t"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_strings_of_every_form),
		cmocka_unit_test(variables_that_belong_together),
		cmocka_unit_test(hosts_that_are_known_and_nothing_else),
		cmocka_unit_test(what_is_kept_holds_no_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
