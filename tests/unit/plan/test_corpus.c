/*
 * Every file of tests/plans: the first line says which problems it has and where, as in
 *   # expect: P-ENUM 9:14, P-UNIT 12:3
 * A file without that line has none.
 */
#include "fixture.h"

#include <dirent.h>
#include <stdio.h>

#include "plan/sequence.h"

#define EXPECTED_MAX 64

struct expected {
	char id[32];
	int line, column;
};

static const char *plans_dir;

static size_t read_expected(const char *path, struct expected ret[EXPECTED_MAX])
{
	static const char head[] = "# expect: ";
	FILE *file = fopen(path, "r");
	char line[4096];
	size_t count = 0;

	assert_non_null(file);
	if (!fgets(line, sizeof line, file) || strncmp(line, head, strlen(head)) != 0)
		line[0] = '\0';
	fclose(file);
	for (char *at = line[0] ? line + strlen(head) : line; *at; count++) {
		struct expected *e = &ret[count];
		int used = 0;

		assert_true(count < EXPECTED_MAX);
		if (sscanf(at, "%31s %d:%d%n", e->id, &e->line, &e->column, &used) != 3)
			fail_msg("%s: unreadable expectation: %s", path, at);
		at += used;
		at += strspn(at, ", \n");
	}
	return count;
}

static bool matches(const struct expected *e, const struct problem *p)
{
	return strcmp(e->id, p->id) == 0 && e->line == p->line && e->column == p->column;
}

/* Each expected problem once, and no other. */
static void compare(const char *path, const struct expected *expected, size_t count,
	struct problems *ps, const char *text)
{
	bool used[EXPECTED_MAX] = {false};

	for (size_t i = 0; i < ps->count; i++) {
		size_t e = 0;

		while (e < count && (used[e] || !matches(&expected[e], &ps->rows[i])))
			e++;
		if (e == count)
			fail_msg("%s: unexpected %s at %d:%d:\n%s", path, ps->rows[i].id,
				ps->rows[i].line, ps->rows[i].column, text);
		used[e] = true;
	}
	if (ps->count != count)
		fail_msg("%s: %zu problems, %zu expected:\n%s", path, ps->count, count, text);
}

static void check_texts(const char *path, const struct problems *ps, const char *text)
{
	for (size_t i = 0; i < ps->count; i++) {
		if (!problem_explain(ps->rows[i].id))
			fail_msg("%s: %s has no explanation", path, ps->rows[i].id);
		assert_string_equal(ps->rows[i].file, path);
	}
	if (strstr(text, "hunter2"))
		fail_msg("%s: a secret is told:\n%s", path, text);
}

static size_t check_file(const char *path)
{
	struct expected expected[EXPECTED_MAX];
	size_t count = read_expected(path, expected), errors;
	ARENA_AUTO arena = ARENA_INIT;
	PLAN_AUTO plan = NULL;
	BUF_AUTO text = BUF_INIT;
	struct problems ps;
	struct sequence q;
	struct err err = ERR_INIT;
	int failed;

	problems_init(&ps, &arena);
	failed = plan_load(path, &plan, &ps, &err);
	errors = ps.errors;
	problems_print(&ps, false, &text);
	compare(path, expected, count, &ps, buf_str(&text));
	check_texts(path, &ps, buf_str(&text));
	assert_int_equal(failed != 0, errors > 0);
	if (failed) {
		assert_int_equal(err.code, ERR_PLAN);
		assert_int_equal(err_exit_code(err.code), 2);
	} else {
		sequence_make(plan, &arena, &q);
		assert_true(q.count > 0);
	}
	return errors;
}

static size_t check_directory(const char *name, size_t *ret_errors)
{
	BUF_AUTO path = BUF_INIT;
	DIR *dir;
	struct dirent *entry;
	size_t files = 0;

	buf_printf(&path, "%s/%s", plans_dir, name);
	dir = opendir(buf_str(&path));
	assert_non_null(dir);
	*ret_errors = 0;
	while ((entry = readdir(dir))) {
		size_t errors;

		if (!strstr(entry->d_name, ".yaml"))
			continue;
		buf_clear(&path);
		buf_printf(&path, "%s/%s/%s", plans_dir, name, entry->d_name);
		errors = check_file(buf_str(&path));
		if (strcmp(name, "bad") == 0 && errors == 0)
			fail_msg("%s is a good plan", buf_str(&path));
		*ret_errors += errors;
		files++;
	}
	closedir(dir);
	return files;
}

static void bad_plans_are_refused_at_their_places(void **state)
{
	size_t errors;
	size_t files = check_directory("bad", &errors);

	(void)state;
	assert_true(files >= 200);
	assert_true(errors > files);
}

static void good_plans_are_accepted(void **state)
{
	size_t errors;

	(void)state;
	assert_true(check_directory("good", &errors) >= 6);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_plans_are_refused_at_their_places),
		cmocka_unit_test(good_plans_are_accepted),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s tests/plans\n", argv[0]);
		return 2;
	}
	plans_dir = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
