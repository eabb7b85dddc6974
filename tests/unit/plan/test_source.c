#include "fixture.h"

#include "plan/source.h"

static struct plan_pos pos(const struct source *src, size_t chr)
{
	return source_pos(src, chr);
}

static void places_count_characters_and_lines(void **state)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct source src;
	/* characters: e-acute, a, LF | b, CR LF | CR | c */
	const char *text = "\xc3\xa9"
			   "a\nb\r\n\rc";

	(void)state;
	source_init(&src, &arena, "f", text, strlen(text));
	assert_int_equal(src.chars, 8);
	assert_int_equal(src.lines_count, 4);
	assert_int_equal(pos(&src, 1).column, 2);
	assert_int_equal(pos(&src, 3).line, 2);
	assert_int_equal(pos(&src, 3).column, 1);
	assert_int_equal(pos(&src, 7).line, 4);
	assert_int_equal(pos(&src, 99).line, 4);
	assert_int_equal(pos(&src, 99).column, 2);
	assert_int_equal(source_byte(&src, 1), 2);
	assert_int_equal(source_byte(&src, 99), strlen(text));
	for (size_t chr = 0; chr < src.chars; chr++)
		assert_int_equal(source_chr(&src, source_byte(&src, chr)), chr);
}

static void report(const char *text, size_t start, size_t end, bool hide, struct problems *ps)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct source src;

	source_init(&src, &arena, "f", text, strlen(text));
	if (hide)
		source_hide(&src, (struct span){start, end});
	source_report(&src, ps, "P-X", PROBLEM_ERROR, (struct span){start, end}, NULL, "m %d", 1);
}

static void reports_show_their_line(void **state)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct problems ps;

	(void)state;
	problems_init(&ps, &arena);
	report("a: 1\nbb: \x1b\tx\r\nc: 2\n", 5, 40, false, &ps);
	assert_string_equal(ps.rows[0].source, "bb: \xe2\x90\x9b x");
	assert_int_equal(ps.rows[0].width, 7);
	assert_string_equal(ps.rows[0].message, "m 1");
	report("", 0, 0, false, &ps);
	assert_int_equal(ps.rows[1].line, 1);
	assert_int_equal(ps.rows[1].width, 1);
}

static void secrets_are_not_shown(void **state)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct problems ps;

	(void)state;
	problems_init(&ps, &arena);
	report("a: |\n  one\n  two\nb: 1\n", 6, 14, true, &ps);
	assert_null(ps.rows[0].source);
	report("a: 1 # password: x\n", 0, 1, false, &ps);
	assert_null(ps.rows[1].source);
	report("a: 1 # fine\n", 0, 1, false, &ps);
	assert_string_equal(ps.rows[2].source, "a: 1 # fine");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_count_characters_and_lines),
		cmocka_unit_test(reports_show_their_line),
		cmocka_unit_test(secrets_are_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
