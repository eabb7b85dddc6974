#include "fixture.h"

static void said(const char *text, int line, int column, const char *message, const char *help)
{
	FIXTURE_AUTO f = fixture_parse(text);
	const struct problem *p = fixture_only(&f, "P-SYNTAX", line, column);

	assert_contains(p->message, message);
	if (help)
		assert_contains(p->help, help);
}

static void syntax_is_told_in_words(void **state)
{
	(void)state;
	said("name: a: b\n", 1, 8, "':' where no key can be", "quotes");
	said("a: 1\nbcd\ne: 2\n", 3, 1, "without ':'", "key: value");
	said("a: {b: 1\nc: 2\n", 2, 2, "',' or '}' is missing", "opened in line 1");
	said("a: [b\nc: 2\n", 2, 2, "',' or ']' is missing", NULL);
	said("a: 'b\n", 1, 4, "quote is not closed", NULL);
	said("a: \"\\q\"\n", 1, 5, "escape", "single quotes");
	said("a:\n  b: 1\n c: 2\n", 3, 2, "does not fit", "neighbours");
	said("a: @b\n", 1, 4, "can not begin a value", "quotes");
}

/* Where the text is broken no value is known, so the look of the line must do. */
static void a_broken_line_with_a_password_is_not_shown(void **state)
{
	FIXTURE_AUTO f = fixture_parse("old: \"host=h password=hunter2\nnew: x\n");
	BUF_AUTO out = BUF_INIT;

	(void)state;
	problems_print(&f.problems, false, &out);
	assert_contains(buf_str(&out), "P-SYNTAX");
	assert_null(strstr(buf_str(&out), "hunter2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(syntax_is_told_in_words),
		cmocka_unit_test(a_broken_line_with_a_password_is_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
