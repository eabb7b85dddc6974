#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

static void load(const char *text, size_t len, enum err_code code, const char *id)
{
	char path[] = "/tmp/airlock-test-plan-XXXXXX";
	int fd = mkstemp(path);
	ARENA_AUTO arena = ARENA_INIT;
	PLAN_AUTO plan = NULL;
	struct problems ps;
	struct err err = ERR_INIT;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
	problems_init(&ps, &arena);
	assert_int_equal(plan_load(path, &plan, &ps, &err), code == ERR_OK ? 0 : -1);
	unlink(path);
	assert_int_equal(err.code, code);
	if (id)
		assert_string_equal(ps.rows[0].id, id);
	if (plan)
		assert_string_equal(plan->path, path);
}

static void files_are_read(void **state)
{
	char *large = calloc(1, PLAN_BYTES_MAX + 1);

	(void)state;
	assert_non_null(large);
	memset(large, '#', PLAN_BYTES_MAX + 1);
	load(HEAD, strlen(HEAD), ERR_OK, NULL);
	load("\xef\xbb\xbf" HEAD, strlen(HEAD) + 3, ERR_OK, NULL);
	load("", 0, ERR_PLAN, "P-EMPTY");
	load("a: \0b\n", 6, ERR_PLAN, "P-CONTROL");
	load("\xff\xfe"
	     "a\0:\0",
		6, ERR_PLAN, "P-UTF8");
	load(large, PLAN_BYTES_MAX, ERR_PLAN, "P-EMPTY");
	load(large, PLAN_BYTES_MAX + 1, ERR_PLAN, "P-TOO-LARGE");
	free(large);
}

static void no_file_is_a_usage_error(void **state)
{
	ARENA_AUTO arena = ARENA_INIT;
	PLAN_AUTO plan = NULL;
	struct problems ps;
	struct err err = ERR_INIT;

	(void)state;
	problems_init(&ps, &arena);
	assert_int_equal(plan_load("/nonexistent/airlock.yaml", &plan, &ps, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_contains(err.msg, "/nonexistent/airlock.yaml");
	assert_int_equal(plan_load("/", &plan, &ps, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_null(plan);
}

static void problems_of_before_do_not_count(void **state)
{
	ARENA_AUTO arena = ARENA_INIT;
	PLAN_AUTO plan = NULL;
	struct problems ps;
	struct err err = ERR_INIT;

	(void)state;
	problems_init(&ps, &arena);
	assert_int_equal(plan_parse("a", "x", 1, &plan, &ps, &err), -1);
	assert_int_equal(err.code, ERR_PLAN);
	assert_int_equal(plan_parse("b", HEAD, strlen(HEAD), &plan, &ps, &err), 0);
	assert_non_null(plan);
}

static void flood(const char *head, const char *item, const char *tail, int count)
{
	BUF_AUTO text = BUF_INIT;

	buf_puts(&text, head);
	for (int i = 0; i < count; i++)
		buf_printf(&text, item, i);
	buf_puts(&text, tail);
	{
		FIXTURE_AUTO f = fixture_parse(buf_str(&text));

		assert_null(f.plan);
		assert_true(f.problems.count <= 200);
	}
}

/* Each of these was quadratic once: 20 to 190 seconds for a megabyte. */
static void floods_end_soon(void **state)
{
	double begin = cpu_seconds();

	(void)state;
	flood("{", "k%d: 1, ", "}", 20000);
	flood("a: [", "!x y%d, ", "]", 20000);
	flood("services: {w: {needs: [", "n%d, ", "]}}", 20000);
	flood("name: \"", ":////%d", "\"", 50000);
	flood("name: \"", "://:%d", "\"", 50000);
	flood("routes: {", "r%d: {kind: none}, ", "}", 10000);
	assert_true(cpu_seconds() - begin < 10);
}

static void lookups(void **state)
{
	FIXTURE_AUTO f = fixture_parse(HEAD "services: {web: {}}\n");
	const struct plan_setting settings[] = {{"a", "1"}, {"b.c", "2"}};

	(void)state;
	assert_string_equal(plan_node_name(f.plan, 0), "orders");
	assert_string_equal(plan_node_name(f.plan, 1), "web");
	assert_int_equal(plan_store_find(f.plan, "web"), PLAN_NONE);
	assert_string_equal(plan_setting_get(settings, 2, "b.c"), "2");
	assert_null(plan_setting_get(settings, 2, "c"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(no_file_is_a_usage_error),
		cmocka_unit_test(problems_of_before_do_not_count),
		cmocka_unit_test(floods_end_soon),
		cmocka_unit_test(lookups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
