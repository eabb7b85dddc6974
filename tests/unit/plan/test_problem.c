#include "fixture.h"

static struct problem row(const char *id, int line, int column)
{
	return (struct problem){.id = id,
		.file = "f.yaml",
		.line = line,
		.column = column,
		.width = 3,
		.message = "wrong"};
}

static void prints_like_a_compiler(void **state)
{
	ARENA_AUTO arena = ARENA_INIT;
	BUF_AUTO out = BUF_INIT;
	struct problems ps;
	struct problem p = row("P-ENUM", 41, 5);

	(void)state;
	problems_init(&ps, &arena);
	p.source = "    abc: x";
	p.help = "do it";
	problems_add(&ps, &p);
	p = row("P-TYPE", 2, 1);
	p.severity = PROBLEM_WARNING;
	problems_add(&ps, &p);
	problems_print(&ps, false, &out);
	assert_string_equal(buf_str(&out), "f.yaml:2:1: warning: wrong\n"
					   "  help: airlock explain P-TYPE\n"
					   "f.yaml:41:5: error: wrong\n"
					   "   41 |     abc: x\n"
					   "      |     ^~~\n"
					   "  help: do it\n"
					   "  help: airlock explain P-ENUM\n");
	assert_int_equal(ps.errors, 1);
}

static void whole_files_have_no_place(void **state)
{
	ARENA_AUTO arena = ARENA_INIT;
	BUF_AUTO out = BUF_INIT;
	struct problems ps;
	struct problem p = row("P-EMPTY", 0, 0);

	(void)state;
	problems_init(&ps, &arena);
	problems_add(&ps, &p);
	problems_print(&ps, true, &out);
	assert_contains(buf_str(&out), "f.yaml: \033[1;31merror:\033[0m wrong\n");
}

static void long_lines_are_cut_around_the_caret(void **state)
{
	ARENA_AUTO arena = ARENA_INIT;
	BUF_AUTO out = BUF_INIT;
	struct problems ps;
	struct problem p = row("P-TYPE", 1, 301);
	char line[501], *caret;

	(void)state;
	memset(line, '.', 500);
	memcpy(line + 300, "here", 5);
	line[304] = '.';
	line[500] = '\0';
	problems_init(&ps, &arena);
	p.source = line;
	problems_add(&ps, &p);
	problems_print(&ps, false, &out);
	caret = strchr(buf_str(&out), '^');
	assert_non_null(caret);
	/* Both lines begin alike; the sign of omission is one character of three bytes. */
	assert_int_equal(caret - strrchr(buf_str(&out), '|'),
		strstr(buf_str(&out), "here") - strchr(buf_str(&out), '|') - 2);
}

static void sorting_keeps_equal_places(void **state)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct problems ps;
	struct problem rows[] = {
		row("P-A", 2, 1), row("P-B", 1, 9), row("P-C", 2, 1), row("P-D", 1, 2)};

	(void)state;
	problems_init(&ps, &arena);
	for (size_t i = 0; i < 4; i++)
		problems_add(&ps, &rows[i]);
	problems_sort(&ps);
	assert_string_equal(ps.rows[0].id, "P-D");
	assert_string_equal(ps.rows[1].id, "P-B");
	assert_string_equal(ps.rows[2].id, "P-A");
	assert_string_equal(ps.rows[3].id, "P-C");
}

static void a_flood_is_only_counted(void **state)
{
	ARENA_AUTO arena = ARENA_INIT;
	BUF_AUTO out = BUF_INIT;
	struct problems ps;
	struct problem p = row("P-A", 1, 1);

	(void)state;
	problems_init(&ps, &arena);
	for (int i = 0; i < 1000; i++)
		problems_add(&ps, &p);
	assert_int_equal(ps.count, 200);
	assert_int_equal(ps.errors, 1000);
	problems_print(&ps, false, &out);
	assert_contains(buf_str(&out), "and 800 more errors\n");
}

static void every_id_is_explained(void **state)
{
	const char *const *ids;
	size_t count = problem_ids(&ids);

	(void)state;
	assert_true(count > 30);
	for (size_t i = 0; i < count; i++) {
		assert_true(strlen(problem_explain(ids[i])) > 40);
		if (i > 0)
			assert_true(strcmp(ids[i - 1], ids[i]) < 0);
	}
	assert_null(problem_explain("P-NO-SUCH"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_like_a_compiler),
		cmocka_unit_test(whole_files_have_no_place),
		cmocka_unit_test(long_lines_are_cut_around_the_caret),
		cmocka_unit_test(sorting_keeps_equal_places),
		cmocka_unit_test(a_flood_is_only_counted),
		cmocka_unit_test(every_id_is_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
