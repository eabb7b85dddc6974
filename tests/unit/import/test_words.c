/* test_words.c - what single words say: schedules, images, names that only read. */
#include "fixture.h"

#include "import/connections.h"
#include "import/images.h"
#include "import/schedule.h"

static void schedules_become_five_fields(void **state)
{
	static const char *const rows[][2] = {
		{"15 2 * * *", "15 2 * * *"},
		{"  15  2 * * *", "15 2 * * *"},
		{"@daily", "0 0 * * *"},
		{"@Midnight", "0 0 * * *"},
		{"@weekly", "0 0 * * 0"},
		{"0 15 2 * * *", "15 2 * * *"},
		{"0 0/5 * * * ?", "*/5 * * * *"}, /* Quartz */
		{"0 */5 * ? * MON-FRI *", "*/5 * * * 1-5"},
		{"0 0 * JAN,jul FRI-SUN", "0 0 * 1,7 5-7"},
		{"@every 10m", "*/10 * * * *"},
		{"@every 1h", "0 * * * *"},
		{"@every 1h30m", NULL},
		{"@every 7m", NULL},
		{"@every 90s", NULL},
		{"@every 24h", "0 0 * * *"},
		{"@every 6h", "0 */6 * * *"},
		{"CRON_TZ=Europe/Berlin 0 6 * * *", "0 6 * * *"},
		{"cron(15 2 ? * MON-FRI *)", "15 2 * * 1-5"},
		{"cron(0 8 ? * 2 *)", "0 8 * * 1"}, /* AWS counts from Sunday = 1 */
		{"rate(5 minutes)", "*/5 * * * *"},
		{"rate(1 day)", "0 0 * * *"},
		{"at(2026-01-01T00:00:00)", NULL},
		{"daily", NULL},
		{"61 * * * *", NULL},
		{"", NULL},
		{"@every ", NULL},
		{"@every 99999999999999999999h", NULL},
	};
	FIXTURE f;

	(void)state;
	fixture_init(&f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *cron = schedule_as_cron(rows[i][0], &f.arena);

		if (!rows[i][1])
			assert_null(cron);
		else
			assert_string_equal(cron ? cron : "(none)", rows[i][1]);
	}
}

static void images_are_known_by_their_names(void **state)
{
	static const struct {
		const char *image;
		enum image_role role;
		const char *word;
	} rows[] = {
		{"postgres", IMAGE_STORE, "postgresql"},
		{"postgres:16-alpine", IMAGE_STORE, "postgresql"},
		{"docker.io/library/postgres@sha256:0123", IMAGE_STORE, "postgresql"},
		{"registry.example.com:5000/Library/Postgres:16@sha256:00", IMAGE_STORE,
			"postgresql"},
		{"bitnami/postgresql-repmgr", IMAGE_STORE, "postgresql"},
		{"postgis/postgis:16", IMAGE_STORE, "postgresql"},
		{"timescale/timescaledb-ha:pg16", IMAGE_STORE, "postgresql"},
		{"pgvector/pgvector:pg16", IMAGE_STORE, "postgresql"},
		{"supabase/postgres:15", IMAGE_STORE, "postgresql"},
		{"tensorchord/pgvecto-rs", IMAGE_STORE, "postgresql"},
		{"percona/percona-server", IMAGE_STORE, "mariadb"},
		{"mysql:8", IMAGE_STORE, "mariadb"},
		{"redis/redis-stack", IMAGE_STORE, "redis"},
		{"valkey/valkey", IMAGE_STORE, "redis"},
		{"eqalpha/keydb", IMAGE_STORE, "redis"},
		{"rabbitmq:3-management", IMAGE_STORE, "rabbitmq"},
		{"mcr.microsoft.com/mssql/server:2022-latest", IMAGE_STORE, "sqlserver"},
		{"confluentinc/cp-kafka", IMAGE_STORE, "kafka"},
		{"quay.io/prometheuscommunity/postgres-exporter", IMAGE_TOOL, "monitoring"},
		{"prom/mysqld-exporter", IMAGE_TOOL, "monitoring"},
		{"oliver006/redis_exporter", IMAGE_TOOL, "monitoring"},
		{"temporalio/auto-setup", IMAGE_PLAIN, NULL},
		{"temporal", IMAGE_PLAIN, NULL},
		{"vaultwarden/vaultwarden", IMAGE_PLAIN, NULL},
		{"oraclelinux:9", IMAGE_PLAIN, NULL},
		{"percona/percona-server-mongodb", IMAGE_STORE, "mongodb"},
		{"dpage/pgadmin4", IMAGE_TOOL, "admin"},
		{"prodrigestivill/postgres-backup-local", IMAGE_TOOL, "backup"},
		{"edoburu/pgbouncer", IMAGE_POOLER, "pooler"},
		{"gcr.io/cloud-sql-connectors/cloud-sql-proxy:2", IMAGE_POOLER, "proxy"},
		{"quay.io/keycloak/keycloak", IMAGE_SUPPORT, "identity"},
		{"mcuadros/ofelia", IMAGE_SCHEDULER, "scheduler"},
		{"nginx:alpine", IMAGE_PROXY, "web server"},
		{"postgrest/postgrest", IMAGE_PLAIN, "API"},
		{"example/web", IMAGE_PLAIN, NULL},
		{"", IMAGE_PLAIN, NULL},
		{NULL, IMAGE_PLAIN, NULL},
	};
	FIXTURE f;

	(void)state;
	fixture_init(&f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct image image = image_look(rows[i].image, &f.arena);

		assert_int_equal(image.role, rows[i].role);
		assert_string_equal(
			image.word ? image.word : "-", rows[i].word ? rows[i].word : "-");
	}
}

static void names_say_who_only_reads(void **state)
{
	static const char *const yes[] = {"db-replica", "DATABASE_REPLICA_URL", "pg-ro",
		"orders.cluster-ro-abc.rds.amazonaws.com", "app_readonly", "postgres-read",
		"standby"};
	static const char *const no[] = {
		"db", "orders", "proxy", "read-model-db", "thread", "rollup", "pro", "replicator"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		assert_true(connections_says_reads(yes[i]));
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_false(connections_says_reads(no[i]));
	assert_false(connections_says_reads(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schedules_become_five_fields),
		cmocka_unit_test(images_are_known_by_their_names),
		cmocka_unit_test(names_say_who_only_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
