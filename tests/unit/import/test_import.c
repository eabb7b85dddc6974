/* test_import.c - whole imports: what must never happen, and that hostile files end soon. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "import/import.h"

#define SOON_MS 10000 /* of the processor, and generous: sanitizers may be at work */

struct imported {
	struct arena arena;
	struct import_result result;
	struct err err;
	int failed;
};

static void imported_fini(struct imported *i)
{
	arena_fini(&i->arena);
}

#define IMPORTED __attribute__((cleanup(imported_fini))) struct imported

static void import_text(struct imported *i, enum import_from from, const char *text, size_t len)
{
	int fd = memfd_create("source", MFD_CLOEXEC);
	char path[64];
	const char *source = path;
	struct import_request request = {.from = from, .sources = &source, .sources_count = 1};

	*i = (struct imported){.err = ERR_INIT};
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	i->failed = import_run(&request, &i->arena, &i->result, &i->err);
	close(fd);
}

static bool noted(const struct imported *i, const char *words)
{
	for (size_t k = 0; k < i->result.notes.count; k++)
		if (strstr(i->result.notes.rows[k].text, words))
			return true;
	return false;
}

static void the_kind_is_guessed(void **state)
{
	static const struct {
		const char *text;
		enum import_from from;
	} rows[] = {
		{"services: {a: {image: x}}", IMPORT_COMPOSE},
		{"a:\n  image: x\nb:\n  image: postgres\n", IMPORT_COMPOSE}, /* the first format */
		{"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{image: x}]}",
			IMPORT_K8S},
		{"{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"a\"}, "
		 "\"spec\": {\"containers\": [{\"image\": \"x\"}]}}",
			IMPORT_K8S},
		{"{\"values\": {\"root_module\": {\"resources\": [{\"address\": \"a.b\", \"type\": "
		 "\"aws_lambda_function\", \"name\": \"b\", \"values\": {}}]}}}",
			IMPORT_TERRAFORM},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		IMPORTED got;

		import_text(&got, IMPORT_GUESS, rows[i].text, strlen(rows[i].text));
		assert_int_equal(got.failed, 0);
		assert_int_equal(got.result.from, rows[i].from);
	}
}

static void nothing_understood_is_an_error(void **state)
{
	static const char *const rows[] = {
		"", "a: 1", "[]", "services: {}", "services: [a]", "{", "\xff"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		IMPORTED got;

		import_text(&got, IMPORT_GUESS, rows[i], strlen(rows[i]));
		assert_int_equal(got.failed, -1);
		assert_int_equal(got.err.code, ERR_USAGE);
	}
}

static void one_database_is_one_store(void **state)
{
	static const char text[] = "services:\n"
				   "  db: {image: postgres, environment: {POSTGRES_DB: main}}\n"
				   "  a: {image: a, environment: {U: postgres://a@db/one}}\n"
				   "  b: {image: b, environment: {U: postgres://b@db/two}}\n"
				   "  c: {image: c, environment: {PGHOST: db}}\n";
	IMPORTED got;

	(void)state;
	import_text(&got, IMPORT_COMPOSE, text, strlen(text));
	assert_int_equal(got.failed, 0);
	assert_int_equal(got.result.written.stores, 3); /* c uses what the server has anyhow */
	assert_non_null(strstr(got.result.plan, "writes: [db-main]"));
}

static void a_circle_of_calls_makes_a_plan_all_the_same(void **state)
{
	static const char text[] =
		"services:\n"
		"  a: {image: a, environment: {B: 'http://b:1'}}\n"
		"  b: {image: b, environment: {C: 'http://c:1'}}\n"
		"  c: {image: c, environment: {A: 'http://a:1', SELF: 'http://c:1'}}\n";
	IMPORTED got;

	(void)state;
	import_text(&got, IMPORT_COMPOSE, text, strlen(text));
	assert_int_equal(got.failed, 0);
	assert_true(noted(&got, "need each other"));
	assert_false(noted(&got, "will refuse"));
	assert_null(strstr(got.result.plan, "needs: [c, a]"));
}

static void the_empty_profile_is_that_of_who_asks_for_none(void **state)
{
	static const char text[] = "services:\n"
				   "  a: {image: a, profiles: ['', x]}\n"
				   "  b: {image: b, profiles: [x]}\n";
	IMPORTED got;

	(void)state;
	import_text(&got, IMPORT_COMPOSE, text, strlen(text));
	assert_int_equal(got.failed, 0);
	assert_int_equal(got.result.written.services, 1);
	assert_int_equal(got.result.notes.total[NOTE_LEFT_OUT], 1);
}

/* Values can hold anything: none may break out of its comment, its quotes or its line. */
static void strange_words_stay_where_they_are(void **state)
{
	static const char text[] =
		"services:\n"
		"  \"a\\nb: {tier: entry}\": {image: \"x\\ny: z # \\e[31m\"}\n"
		"  db: {image: postgres, environment: {POSTGRES_DB: \"o'x \\\\ \\\" y\"}}\n"
		"  null: {image: n, environment: {U: \"postgres://u'%22{x@db/o\"}}\n";
	IMPORTED got;

	(void)state;
	import_text(&got, IMPORT_COMPOSE, text, strlen(text));
	assert_int_equal(got.failed, 0);
	assert_false(noted(&got, "will refuse"));
	assert_null(strchr(got.result.plan, '\033'));
	assert_null(strstr(got.result.plan, "\nb: {tier"));
}

static void no_password_comes_through(void **state)
{
	static const char text[] =
		"services:\n"
		"  db: {image: 'postgres:s3cr3t@x', environment: {POSTGRES_PASSWORD: s3cr3t}}\n"
		"  a:\n"
		"    image: a\n"
		"    command: psql postgres://u:s3cr3t@db/one\n"
		"    environment:\n"
		"      A: postgres://u:s3cr3t@db/one\n"
		"      B: 'postgres://u:s3cr3t@'\n"
		"      C: 'host=db password=s3cr3t dbname=x'\n"
		"      D: 'http://u:s3cr3t@db:80'\n"
		"      E: '${X:?s3cr3t}'\n"
		"      F: '${X!s3cr3t'\n"
		"      password=s3cr3t: 1\n"
		"    labels: {job.x.schedule: 's3cr3t', backup.y.schedule: 'password=s3cr3t'}\n"
		"    unknown: s3cr3t\n";
	IMPORTED got;

	(void)state;
	import_text(&got, IMPORT_COMPOSE, text, strlen(text));
	assert_int_equal(got.failed, 0);
	/* An image's tag and a label are no secrets; whatever looks like one is. */
	assert_null(strstr(got.result.plan, ":s3cr3t@db"));
	assert_null(strstr(got.result.plan, "password=s3cr3t"));
	for (size_t i = 0; i < got.result.notes.count; i++)
		assert_null(strstr(got.result.notes.rows[i].text, "s3cr3t"));
}

/* ---- hostile ---- */

static void ends_soon(enum import_from from, const struct buf *text)
{
	IMPORTED got;
	clock_t start = clock();

	import_text(&got, from, buf_str(text), text->len);
	assert_true((clock() - start) / (CLOCKS_PER_SEC / 1000) < SOON_MS);
	assert_true(got.failed == 0 || got.err.code == ERR_USAGE);
}

static void many_services_that_call_all_others(void **state)
{
	BUF_AUTO text = BUF_INIT;

	(void)state;
	buf_puts(&text, "x-all: &all\n");
	for (int i = 0; i < 1000; i++)
		buf_printf(&text, "  V%d: http://s%d:1\n", i, i);
	buf_puts(&text, "services:\n");
	for (int i = 0; i < 1000; i++)
		buf_printf(&text, "  s%d: {image: x, environment: *all}\n", i);
	ends_soon(IMPORT_COMPOSE, &text);
}

static void a_chain_of_extends(void **state)
{
	BUF_AUTO text = BUF_INIT;

	(void)state;
	buf_puts(&text, "services:\n  s0: {image: x, dns: [a]}\n");
	for (int i = 1; i < 20000; i++)
		buf_printf(&text, "  s%d: {extends: s%d, dns: [a], environment: {V%d: 1}}\n", i,
			i - 1, i);
	ends_soon(IMPORT_COMPOSE, &text);
}

static void a_service_with_a_hundred_thousand_variables(void **state)
{
	BUF_AUTO text = BUF_INIT;

	(void)state;
	buf_puts(&text, "services:\n  a:\n    image: x\n    environment:\n");
	for (int i = 0; i < 45000; i++)
		buf_printf(&text, "      V%d_DB_HOST: h%d\n", i, i);
	ends_soon(IMPORT_COMPOSE, &text);
}

static void documents_full_of_aliases(void **state)
{
	BUF_AUTO text = BUF_INIT;

	(void)state;
	for (int i = 0; i < 200; i++) {
		buf_puts(&text,
			"---\na: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
			"c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n");
	}
	ends_soon(IMPORT_K8S, &text);
}

static void variables_that_double(void **state)
{
	BUF_AUTO text = BUF_INIT;

	(void)state;
	buf_puts(&text, "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - "
			"image: x\n"
			"    env:\n    - {name: V0, value: 0123456789}\n");
	for (int i = 1; i < 200; i++)
		buf_printf(&text, "    - {name: V%d, value: \"$(V%d)$(V%d)\"}\n", i, i - 1, i - 1);
	ends_soon(IMPORT_K8S, &text);
}

static void nested_json(void **state)
{
	BUF_AUTO text = BUF_INIT;

	(void)state;
	buf_puts(&text, "{\"terraform_version\":\"1\",\"values\":{\"root_module\":");
	for (int i = 0; i < 1900; i++)
		buf_puts(&text, "{\"child_modules\":[");
	ends_soon(IMPORT_TERRAFORM, &text);
	for (int i = 0; i < 1900; i++)
		buf_puts(&text, "]}");
	buf_puts(&text, "}}");
	ends_soon(IMPORT_TERRAFORM, &text);
}

/* 200 kB of settings, given to 1500 pods, and could be 40 such files: there is an end. */
static void a_configuration_that_all_mount(void **state)
{
	BUF_AUTO text = BUF_INIT;
	IMPORTED got;

	(void)state;
	buf_puts(&text,
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  a.conf: |\n");
	for (int i = 0; i < 6000; i++)
		buf_printf(&text, "    b%d: {c: [{host: h, x: ${A:-${B}}\n", i);
	for (int i = 0; i < 1500; i++)
		buf_printf(&text,
			"---\napiVersion: v1\nkind: Pod\nmetadata: {name: p%d}\nspec: {containers: "
			"[{image: x, volumeMounts: [{name: v, mountPath: /c}]}], volumes: [{name: "
			"v, "
			"configMap: {name: c}}]}\n",
			i);
	import_text(&got, IMPORT_K8S, buf_str(&text), text.len);
	assert_true(noted(&got, "more than 32 MB"));
}

/* Outputs that are made of each other, asked by many, and long lists of what one refers to. */
static void references_of_references(void **state)
{
	BUF_AUTO text = BUF_INIT;

	(void)state;
	buf_puts(&text, "{\"terraform_version\":\"1\",\"planned_values\":{\"root_module\":{"
			"\"resources\":[{}");
	for (int i = 0; i < 1000; i++)
		buf_printf(&text,
			",{\"address\":\"aws_lambda_function.f[%d]\",\"type\":"
			"\"aws_lambda_function\",\"name\":\"f\",\"values\":{}},{\"address\":"
			"\"aws_db_instance.d[%d]\",\"type\":\"aws_db_instance\",\"name\":\"d\","
			"\"values\":{\"engine\":\"postgres\"}}",
			i, i);
	buf_puts(&text, "]}},\"configuration\":{\"root_module\":{\"resources\":[{\"address\":"
			"\"aws_lambda_function.f\",\"expressions\":{\"x\":{\"references\":["
			"\"module.a.o\",\"module.a.p\"");
	for (int i = 0; i < 5000; i++)
		buf_printf(&text, ",\"aws_db_instance.d[%d]\"", i);
	buf_puts(&text, "]}}}],\"module_calls\":{\"a\":{\"expressions\":{\"v\":{\"references\":["
			"\"module.a.o\",\"module.a.p\"]}},\"module\":{\"outputs\":{");
	for (int i = 0; i < 2; i++)
		buf_printf(&text,
			"%s\"%c\":{\"expression\":{\"references\":[\"var.v\",\"var.v.x\"]}}",
			i ? "," : "", "op"[i]);
	buf_puts(&text, "}}}}}}}");
	ends_soon(IMPORT_TERRAFORM, &text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kind_is_guessed),
		cmocka_unit_test(nothing_understood_is_an_error),
		cmocka_unit_test(one_database_is_one_store),
		cmocka_unit_test(a_circle_of_calls_makes_a_plan_all_the_same),
		cmocka_unit_test(the_empty_profile_is_that_of_who_asks_for_none),
		cmocka_unit_test(strange_words_stay_where_they_are),
		cmocka_unit_test(no_password_comes_through),
		cmocka_unit_test(many_services_that_call_all_others),
		cmocka_unit_test(a_chain_of_extends),
		cmocka_unit_test(a_service_with_a_hundred_thousand_variables),
		cmocka_unit_test(documents_full_of_aliases),
		cmocka_unit_test(variables_that_double),
		cmocka_unit_test(nested_json),
		cmocka_unit_test(a_configuration_that_all_mount),
		cmocka_unit_test(references_of_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
