/* test_settings.c - configuration files of every format become settings with their lines, crontabs
 * become jobs; what is secret is not kept. */
#include "fixture.h"

#include "import/crontab.h"
#include "import/mounted.h"
#include "import/settings.h"

struct world_of_one {
	struct fixture f;
	struct model model;
	struct part *part;
};

static void one_init(struct world_of_one *o)
{
	fixture_init(&o->f);
	model_init(&o->model, &o->f.arena, &o->f.notes);
	o->part = model_part(&o->model, "app", "service", (struct place){.file = "c", .line = 1});
	facts_add(&o->model, &o->part->env, "DB_HOST", "from-env", o->part->at);
}

static void one_fini(struct world_of_one *o)
{
	fixture_fini(&o->f);
}

#define ONE __attribute__((cleanup(one_fini))) struct world_of_one

static void mount(struct world_of_one *o, const char *target, const char *text)
{
	mounted_text(&o->model, o->part, "file", target, text,
		(struct place){.file = "file", .line = 1});
}

/* Each: a file's text, a setting of it, its value (NULL: it must not be there) and line. */
static void every_format_has_keys_values_and_lines(void **state)
{
	static const struct {
		const char *text, *name, *value;
		int line;
	} rows[] = {
		{"[database]\nhost = db\n", "database.host", "db", 2},
		{"[a \"b\"]\nschedule = y z\n", "a.b.schedule", "y z", 2},
		{"# host = no\n; host = no\n// host = no\n", "host", NULL, 0},
		{"a:\n  b:\n    host: db\n  c: d\n", "a.b.host", "db", 3},
		{"a:\n  b:\n    host: db\n  c_url: d\n", "a.c_url", "d", 4},
		{"a: &x\n  host: db  # there\n", "a.host", "db", 2},
		{"l:\n  - host: one\n  - host: two\nm:\n  - host: three\n", "l.1.host", "two", 3},
		{"l:\n  - host: one\n  - host: two\nm:\n  - host: three\n", "m.0.host", "three", 5},
		{"{\n  \"a\": {\n    \"host\": \"db\",\n  },\n  \"c\": \"d\"\n}\n", "a.host", "db",
			3},
		{"{\n  \"a\": {\n    \"host\": \"db\",\n  },\n  \"c_url\": \"d\"\n}\n", "c_url",
			"d", 5},
		{"a: {b: {host: db, name: 'x, y'}, c: d}\n", "a.b.name", "x, y", 1},
		{"a: {b: {host: db, name: 'x, y'}, c_host: d}\n", "a.c_host", "d", 1},
		{"D = {\n    'x': {\n        'HOST': 'db',\n    }\n}\n", "D.x.HOST", "db", 3},
		{"$conf['db'][\"host\"] = 'db';\n", "conf.db.host", "db", 1},
		{"'host' => 'db',\n", "host", "db", 1},
		{"spring.datasource.url=jdbc:postgresql://db/x\n", "spring.datasource.url",
			"jdbc:postgresql://db/x", 1},
		{"server {\n  location / {\n    proxy_pass http://web:80;\n  }\n}\n",
			"server.location.proxy_pass", "http://web:80", 3},
		{"backend b\n  server one db-1:5432 check\n", "server", "one db-1:5432 check", 2},
		{"<c>\n  <host>db</host>\n</c>\n", "c.host", "db", 2},
		{"export A_URL=x\n", "A_URL", "x", 1},
		{"host: ${DB_HOST}\n", "host", "from-env", 1},
		{"host: ${OTHER:-else}\n", "host", "else", 1},
		{"host: ${OTHER:else}\n", "host", "else", 1},
		{"'HOST': os.environ.get('DB_HOST', 'else'),\n", "HOST", "from-env", 1},
		{"'HOST': os.environ.get('OTHER', 'else'),\n", "HOST", "else", 1},
		{"host: process.env.DB_HOST || 'else',\n", "host", "from-env", 1},
		{"password = hidden\n", "password", NULL, 0},
		{"[url \"https://u:s3cret@web/\"]\nhost = db\n", "host", "db", 2},
		{"https://u:s3cret@web/ = http://api:80/\n", "https.u.s3cret.web", NULL, 0},
		{"@host = db\n:port\n$name = 'x'\n", "host", "db", 1},
		{"[a]\nx_host = one\n[]\nx_host = two\n", "x_host", "two", 4},
		{"workers = 4\n", "workers", NULL, 0},
		{"colour = red\n", "colour", NULL, 0},
		{"title = all of it\n", "title", NULL, 0},
		{"upstream = web\n", "upstream", "web", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ONE o;
		const struct fact *fact;

		one_init(&o);
		mount(&o, "/etc/app.conf", rows[i].text);
		fact = facts_get(&o.part->settings, rows[i].name);
		assert_string_equal(
			fact ? fact->value : "(none)", rows[i].value ? rows[i].value : "(none)");
		if (fact)
			assert_int_equal(fact->at.line, rows[i].line);
	}
}

static void what_has_no_value_is_blank(void **state)
{
	ONE o;

	(void)state;
	one_init(&o);
	mount(&o, "/etc/app.conf", "url: postgres://app@${NOWHERE}/shop\n");
	assert_true(facts_get(&o.part->settings, "url")->blank);
	assert_string_equal(facts_get(&o.part->settings, "url")->value, "postgres://app@/shop");
}

/* Dashboards are thousands of lines, and lead to nothing. */
static void of_monitoring_only_its_own_store_is_kept(void **state)
{
	ONE o;

	(void)state;
	one_init(&o);
	o.part->image = "grafana/grafana:11";
	mount(&o, "/etc/grafana/grafana.ini",
		"[database]\nhost = db\n[panel]\nexpr = sum(rate(x{job=\"web:80\"}))\n"
		"targets = web:8000\n");
	assert_int_equal(o.part->settings.count, 1);
	assert_string_equal(facts_text(&o.part->settings, "database.host"), "db");
}

/* Two connections of one form in two files, and in one, stay two. */
static void files_are_kept_apart(void **state)
{
	ONE o;
	const struct fact *first;

	(void)state;
	one_init(&o);
	mount(&o, "/etc/a.ini", "host = one\n");
	mounted_text(&o.model, o.part, "other", "/etc/b.ini", "host = two\n", o.part->at);
	first = o.part->settings.first;
	assert_string_equal(first->value, "one");
	assert_string_equal(first->next->value, "two");
	assert_ptr_not_equal(first->file, first->next->file);
}

static void keys_and_lists_of_passwords_are_not_looked_into(void **state)
{
	static const char *const secret[] = {"/etc/tls/site.key", "/etc/x.pem", "/root/.pgpass",
		"/etc/pgbouncer/passwords.txt", "/run/secrets/db", "/a/my-secret.yaml", "id_rsa"};
	static const char *const other[] = {
		"/etc/app.ini", "/etc/keycloak.conf", "/etc/tokens.yml"};
	ONE o;

	(void)state;
	one_init(&o);
	for (size_t i = 0; i < ARRAY_LEN(secret); i++) {
		assert_true(settings_is_secret(secret[i]));
		mount(&o, secret[i], "url = postgres://u@db/x\n");
	}
	assert_int_equal(o.part->settings.count, 0);
	for (size_t i = 0; i < ARRAY_LEN(other); i++)
		assert_false(settings_is_secret(other[i]));
}

static void no_text_and_large_files_are_passed_over(void **state)
{
	ONE o;
	BUF_AUTO large = BUF_INIT;
	struct settings binary = {
		.file = "b", .text = "host = db\0\n", .len = 11, .first = {.file = "b", .line = 1}};

	(void)state;
	one_init(&o);
	settings_read(&o.model, o.part, &binary);
	while (large.len <= SETTINGS_BYTES_MAX)
		buf_puts(&large, "host = db\n");
	mount(&o, "/etc/large.conf", buf_str(&large));
	assert_int_equal(o.part->settings.count, 0);
}

static void one_job_is_the_parts_own_schedule(void **state)
{
	ONE o;

	(void)state;
	one_init(&o);
	mount(&o, "/etc/crontabs/root",
		"# m h\n\n15 2 * * * root /usr/bin/nightly --all\n@reboot x\n");
	crontab_read(&o.model, o.part, "stop");
	assert_string_equal(o.part->schedule, "15 2 * * *");
	assert_int_equal(o.part->schedule_at.line, 3);
	assert_string_equal(o.part->command, "/usr/bin/nightly --all");
	assert_string_equal(o.part->stop, "stop");
	assert_int_equal(o.model.parts_count, 1);
}

static void several_jobs_are_parts(void **state)
{
	ONE o;
	const struct part *first, *last;

	(void)state;
	one_init(&o);
	mount(&o, "/etc/cron.d/app",
		"PGHOST=db\n15 2 * * * cd /srv && php artisan bill\n\t@daily psql -c 'select 1'\n"
		"no line of cron\n61 * * * * never\n*/5 * * * * /app/bin/sync.sh > /dev/null\n");
	crontab_read(&o.model, o.part, NULL);
	assert_null(o.part->schedule);
	assert_true(o.part->starts_jobs);
	assert_int_equal(o.model.parts_count, 4);
	first = o.model.parts[1];
	last = o.model.parts[3];
	assert_string_equal(first->name, "app-bill");
	assert_ptr_equal(first->inside, o.part);
	assert_string_equal(facts_text(&first->settings, "PGHOST"), "db");
	assert_string_equal(last->name, "app-sync");
	assert_string_equal(last->schedule, "*/5 * * * *");
	assert_int_equal(last->schedule_at.line, 6);
}

static void what_a_server_sets_up_is_its_databases(void **state)
{
	ONE o;

	(void)state;
	one_init(&o);
	mount(&o, "/docker-entrypoint-initdb.d/10.sql",
		"-- two\nCREATE DATABASE shop;\ncreate database if not exists \"stock\" owner "
		"x;\n");
	assert_int_equal(o.part->databases.count, 2);
	assert_int_equal(facts_get(&o.part->databases, "shop")->at.line, 2);
	assert_non_null(facts_get(&o.part->databases, "stock"));
	assert_int_equal(o.part->settings.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_format_has_keys_values_and_lines),
		cmocka_unit_test(what_has_no_value_is_blank),
		cmocka_unit_test(of_monitoring_only_its_own_store_is_kept),
		cmocka_unit_test(files_are_kept_apart),
		cmocka_unit_test(keys_and_lists_of_passwords_are_not_looked_into),
		cmocka_unit_test(no_text_and_large_files_are_passed_over),
		cmocka_unit_test(one_job_is_the_parts_own_schedule),
		cmocka_unit_test(several_jobs_are_parts),
		cmocka_unit_test(what_a_server_sets_up_is_its_databases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
