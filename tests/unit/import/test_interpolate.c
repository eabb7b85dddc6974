#include "fixture.h"

#include <stdio.h>

#include "import/interpolate.h"

static void set(struct fixture *f, struct node *variables, const char *name, const char *value)
{
	struct place at = {.file = ".env", .line = 1};

	node_put(&f->arena, variables, name, at, node_text(&f->arena, value, at));
}

static struct interpolation make(struct fixture *f)
{
	struct node *variables = node_new(&f->arena, NODE_MAP, (struct place){0});

	set(f, variables, "A", "alpha");
	set(f, variables, "EMPTY", "");
	set(f, variables, "DOLLAR", "${A}");
	return (struct interpolation){.variables = variables, .notes = &f->notes};
}

/* Compose specification, "Interpolation". */
static void each_form_gives_what_compose_gives(void **state)
{
	static const struct {
		const char *text, *wanted;
		bool blank;
	} rows[] = {
		{"plain", "plain", false},
		{"$A", "alpha", false},
		{"${A}", "alpha", false},
		{"<${A}>-$A.", "<alpha>-alpha.", false},
		{"$Ab", "", true},
		{"${NONE}", "", true},
		{"x${NONE}y", "xy", true},
		{"${NONE:-d}", "d", false},
		{"${EMPTY:-d}", "d", false},
		{"${EMPTY-d}", "", false},
		{"${NONE-d}", "d", false},
		{"${NONE-}", "", false},
		{"${A:+set}", "set", false},
		{"${EMPTY:+set}", "", false},
		{"${EMPTY+set}", "set", false},
		{"${NONE+set}", "", false},
		{"${A:?needed}", "alpha", false},
		{"${NONE:?needed}", "", true},
		{"${EMPTY?needed}", "", false},
		{"${EMPTY:?needed}", "", true},
		{"${NONE:-${EMPTY:-${A}}}", "alpha", false},
		{"${NONE:-a}b}", "ab}", false},
		{"${NONE:-postgres://u@h:5432/d?x=1}", "postgres://u@h:5432/d?x=1", false},
		{"$$A", "$A", false},
		{"$$$A", "$alpha", false},
		{"$${A}", "${A}", false},
		{"${NONE:-$$}", "$", false},
		{"100$", "100$", false},
		{"$(shell) $1 $-", "$(shell) $1 $-", false},
		{"${DOLLAR}", "${A}", false}, /* what a variable holds is not read again */
		{"${", "${", true},
		{"${A", "${A", true},
		{"${}", "${}", true},
		{"${1x}", "${1x}", true},
		{"${A!x}", "${A!x}", true},
	};
	FIXTURE f;

	(void)state;
	fixture_init(&f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct interpolation ip = make(&f);
		bool blank;

		assert_string_equal(
			interpolate(&ip, rows[i].text, (struct place){0}, &blank), rows[i].wanted);
		assert_int_equal(blank, rows[i].blank);
	}
}

static void a_missing_variable_is_told_once_and_a_password_never(void **state)
{
	FIXTURE f;
	struct interpolation ip;
	bool blank;

	(void)state;
	fixture_init(&f);
	ip = make(&f);
	interpolate(
		&ip, "${HOST_OF_DB} ${HOST_OF_DB}", (struct place){.file = "a", .line = 1}, &blank);
	interpolate(&ip, "${HOST_OF_DB}", (struct place){.file = "a", .line = 2}, &blank);
	interpolate(&ip, "${DB_PASSWORD}", (struct place){.file = "a", .line = 3}, &blank);
	assert_true(blank);
	interpolate_tell(&ip);
	assert_int_equal(f.notes.count, 1);
	assert_true(fixture_noted(&f, "HOST_OF_DB"));
}

/* A file that wants its .env has dozens: one note says so. */
static void many_missing_variables_are_one_note(void **state)
{
	FIXTURE f;
	struct interpolation ip;
	char text[16];
	bool blank;

	(void)state;
	fixture_init(&f);
	ip = make(&f);
	interpolate_tell(&ip);
	assert_int_equal(f.notes.count, 0);
	for (int i = 0; i < INTERPOLATE_NAMED_MAX + 1; i++) {
		snprintf(text, sizeof text, "${NONE_%d}", i);
		interpolate(&ip, text, (struct place){.file = "a", .line = 1 + i}, &blank);
	}
	interpolate(&ip, "${MUST:?here}", (struct place){.file = "a", .line = 99}, &blank);
	interpolate_tell(&ip);
	assert_int_equal(f.notes.count, 2);
	assert_true(fixture_noted(&f, "13 variables have no value and no default (NONE_0, "));
	assert_true(fixture_noted(&f, "NONE_11, ...): pass"));
	assert_true(fixture_noted(&f, "MUST is required"));
}

/* 2^20 would come out of 20 levels; a nested default is read once, and no deeper than the limit. */
static void hostile_texts_stay_small(void **state)
{
	FIXTURE f;
	struct interpolation ip;
	BUF_AUTO deep = BUF_INIT;
	BUF_AUTO wide = BUF_INIT;
	bool blank;

	(void)state;
	fixture_init(&f);
	ip = make(&f);
	for (int i = 0; i < 10000; i++)
		buf_puts(&deep, "${X:-");
	interpolate(&ip, buf_str(&deep), (struct place){0}, &blank);
	assert_true(blank);
	for (int i = 0; i < 10000; i++)
		buf_puts(&deep, "}");
	assert_string_equal(
		interpolate(&ip, buf_str(&deep), (struct place){0}, &blank), buf_str(&deep));
	for (int i = 0; i < 30000; i++)
		buf_puts(&wide, "${A}");
	assert_ptr_equal(
		interpolate(&ip, buf_str(&wide), (struct place){0}, &blank), buf_str(&wide));
	assert_true(blank);
}

static void dotenv_lines_are_read_as_compose_reads_them(void **state)
{
	static const char text[] = "# comment\n"
				   "PLAIN=value\n"
				   "export EXPORTED=yes\r\n"
				   "  SPACED = around \n"
				   "COMMENTED=a # b\n"
				   "HASH=a#b\n"
				   "SINGLE='${PLAIN} # kept'\n"
				   "DOUBLE=\"${PLAIN}\\n\\$x \\\"q\\\"\" # comment\n"
				   "MULTI=\"one\ntwo\"\n"
				   "REF=${PLAIN}-$PLAIN\n"
				   "DEFAULT=${NONE:-d}\n"
				   "YAML: style\n"
				   "ALONE\n"
				   "EMPTY=\n"
				   "no line of that form\n"
				   "LAST=x=y";
	static const char *const wanted[][2] = {{"PLAIN", "value"}, {"EXPORTED", "yes"},
		{"SPACED", "around"}, {"COMMENTED", "a"}, {"HASH", "a#b"},
		{"SINGLE", "${PLAIN} # kept"}, {"DOUBLE", "value\n$x \"q\""}, {"MULTI", "one\ntwo"},
		{"REF", "value-value"}, {"DEFAULT", "d"}, {"YAML", "style"}, {"ALONE", ""},
		{"EMPTY", ""}, {"LAST", "x=y"}};
	FIXTURE f;
	struct node *variables;
	struct interpolation ip;

	(void)state;
	fixture_init(&f);
	variables = node_new(&f.arena, NODE_MAP, (struct place){0});
	ip = (struct interpolation){.variables = variables, .notes = &f.notes};
	dotenv_read(&ip, ".env", text, strlen(text), variables);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		assert_non_null(node_get_text(variables, wanted[i][0]));
		assert_string_equal(node_get_text(variables, wanted[i][0]), wanted[i][1]);
	}
	assert_true(node_get(variables, "ALONE")->blank);
	assert_int_equal(node_get(variables, "LAST")->at.line, 17);
	assert_int_equal(f.notes.count, 1);
	assert_int_equal(f.notes.rows[0].at.line, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_gives_what_compose_gives),
		cmocka_unit_test(a_missing_variable_is_told_once_and_a_password_never),
		cmocka_unit_test(many_missing_variables_are_one_note),
		cmocka_unit_test(hostile_texts_stay_small),
		cmocka_unit_test(dotenv_lines_are_read_as_compose_reads_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
