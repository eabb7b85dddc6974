#include "../testing.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/utf8.h"
#include "cli/help.h"
#include "cli/wrap.h"

/* The promise to scripts, written down a second time on purpose. */
static void exit_codes_are_the_published_ones(void **state)
{
	static const struct {
		int number;
		const char *name;
	} promised[] = {
		{0, "DONE"},
		{1, "INTERNAL"},
		{2, "USAGE"},
		{3, "REFUSED"},
		{4, "PAUSED"},
		{5, "UNDONE"},
		{6, "UNKNOWN"},
		{7, "DIFFERENT"},
		{8, "TIMED_OUT"},
		{9, "BUSY"},
		{10, "RESERVED"},
		{11, "STALE"},
		{130, "DETACHED"},
	};
	const struct exit_row *rows;
	size_t count;

	(void)state;
	rows = exit_rows(&count);
	assert_int_equal(count, ARRAY_LEN(promised));
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(rows[i].number, promised[i].number);
		assert_string_equal(rows[i].name, promised[i].name);
		assert_true(strlen(rows[i].meaning) > 0);
	}
}

static void every_error_ends_with_a_published_code(void **state)
{
	const struct exit_row *rows;
	size_t count;

	(void)state;
	rows = exit_rows(&count);
	for (int code = 0; code < ERR_CODE_COUNT; code++) {
		size_t i = 0;

		while (i < count && rows[i].number != err_exit_code((enum err_code)code))
			i++;
		assert_true(i < count);
	}
}

/* The commands of the published interface: each is one of ours or known to be absent. */
static void every_published_command_is_known(void **state)
{
	static const char *const published[] = {"init", "import", "init-roles", "discover", "plan",
		"check", "rehearse", "sync", "abandon", "approve", "run", "resume", "rollback",
		"finalize", "verify", "guard", "declare", "status", "watch", "waive", "journal",
		"report", "explain"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(published); i++)
		if (!command_find(published[i]) == !absent_find(published[i]))
			fail_msg("%s is not known, or known twice", published[i]);
}

static bool same_scope(const struct flag_row *a, const struct flag_row *b)
{
	return a->command == b->command || a->command == COMMAND_GLOBAL ||
	       b->command == COMMAND_GLOBAL;
}

static void no_two_flags_of_a_command_are_alike(void **state)
{
	(void)state;
	for (int i = 0; i < FLAG_COUNT; i++)
		for (int k = 0; k < i; k++) {
			const struct flag_row *a = flag_get((enum flag_id)i);
			const struct flag_row *b = flag_get((enum flag_id)k);

			if (!same_scope(a, b))
				continue;
			assert_string_not_equal(a->name, b->name);
			assert_true(!a->letter || a->letter != b->letter);
		}
}

static void rows_fit_together(void **state)
{
	const struct exclude_row *rows;
	size_t count, optional;

	(void)state;
	rows = excludes(&count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(flag_get(rows[i].one)->command, rows[i].command);
		assert_int_equal(flag_get(rows[i].other)->command, rows[i].command);
	}
	for (int i = 0; i < FLAG_COUNT; i++) {
		const struct flag_row *flag = flag_get((enum flag_id)i);
		bool valueless = flag->kind == KIND_SWITCH || flag->kind == KIND_LATER;

		assert_int_equal(valueless, flag->value == NULL);
	}
	for (int c = 0; c < COMMAND_COUNT; c++) {
		const struct arg_row *args = args_of((enum command_id)c, &count);

		optional = 0;
		for (size_t i = 0; i < count; i++) {
			optional += !args[i].required;
			assert_true(
				!args[i].required || optional == 0); /* none after an optional */
		}
	}
}

static void fits(const char *text, const char *what)
{
	while (*text) {
		size_t len = strcspn(text, "\n"), width = 0;

		for (size_t i = 0; i < len; i++)
			width += ((unsigned char)text[i] >> 6) != 2;
		if (width > WRAP_COLUMNS)
			fail_msg("%s: %.*s", what, (int)len, text);
		text += len + (text[len] == '\n');
	}
}

static void help_fits_on_a_terminal(void **state)
{
	char text[16384] = "";

	(void)state;
	for (int c = 0; c <= COMMAND_COUNT; c++) {
		const struct command *command =
			c < COMMAND_COUNT ? command_get((enum command_id)c) : NULL;
		FILE *data = fmemopen(text, sizeof text, "w");
		struct out out;

		assert_non_null(data);
		out_init(&out, data, stderr, true);
		help_print(&out, command);
		assert_int_equal(fclose(data), 0);
		assert_true(strlen(text) > 100);
		fits(text, command ? command->name : "overview");
	}
	for (int c = 0; c < COMMAND_COUNT; c++) /* the overview has them all */
		assert_non_null(strstr(text, command_get((enum command_id)c)->name));
}

static void help_names_every_flag_that_is_there(void **state)
{
	(void)state;
	for (int i = 0; i < FLAG_COUNT; i++) {
		const struct flag_row *flag = flag_get((enum flag_id)i);
		BUF_AUTO synopsis = BUF_INIT;
		BUF_AUTO name = BUF_INIT;

		if (flag->command == COMMAND_GLOBAL)
			continue;
		help_synopsis(command_get(flag->command), &synopsis);
		buf_printf(&name, "--%s", flag->name);
		assert_int_equal(strstr(buf_str(&synopsis), buf_str(&name)) != NULL,
			flag->kind != KIND_LATER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_codes_are_the_published_ones),
		cmocka_unit_test(every_error_ends_with_a_published_code),
		cmocka_unit_test(every_published_command_is_known),
		cmocka_unit_test(no_two_flags_of_a_command_are_alike),
		cmocka_unit_test(rows_fit_together),
		cmocka_unit_test(help_fits_on_a_terminal),
		cmocka_unit_test(help_names_every_flag_that_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
