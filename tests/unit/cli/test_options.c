#include "../testing.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cli/options.h"

/* argv as the kernel gives it: writable, ended by NULL. */
static int parse(struct options *opt, struct err *err, const char *line)
{
	static char copy[512];
	static char *argv[32];
	int argc = 0;

	snprintf(copy, sizeof copy, "%s", line);
	for (char *save = NULL, *word = strtok_r(copy, " ", &save); word;
		word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	return options_parse(argc, argv, opt, err);
}

static struct options good(const char *line)
{
	struct options opt;
	struct err err = ERR_INIT;

	if (parse(&opt, &err, line))
		fail_msg("%s: %s", line, err.msg);
	return opt;
}

static void globals_stand_anywhere(void **state)
{
	static const char *const lines[] = {
		"airlock -f p.yaml --json run --until 2",
		"airlock run -f p.yaml --until 2 --json",
		"airlock --json run --until=2 -fp.yaml",
		"airlock --plan=p.yaml run --json --until 2",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct options opt = good(lines[i]);

		assert_int_equal(opt.command->id, COMMAND_RUN);
		assert_string_equal(opt_text(&opt, FLAG_GLOBAL_PLAN), "p.yaml");
		assert_true(opt_given(&opt, FLAG_GLOBAL_JSON));
		assert_int_equal(opt_number(&opt, FLAG_RUN_UNTIL, 0), 2);
		assert_int_equal(opt_number(&opt, FLAG_RUN_WAVE, 7), 7);
		assert_false(opt_given(&opt, FLAG_GLOBAL_QUIET));
	}
}

static void flags_and_arguments_mix(void **state)
{
	static const char *const lines[] = {
		"airlock declare orders.old lost --reason fire --by alice",
		"airlock declare --reason fire orders.old --by=alice lost",
		"airlock declare --reason fire --by alice -- orders.old lost",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct options opt = good(lines[i]);

		assert_int_equal(opt.args_count, 2);
		assert_string_equal(opt.args[0], "orders.old");
		assert_string_equal(opt.args[1], "lost");
		assert_string_equal(opt_text(&opt, FLAG_DECLARE_REASON), "fire");
		assert_string_equal(opt_text(&opt, FLAG_DECLARE_BY), "alice");
	}
}

static void short_flags_cluster(void **state)
{
	struct options opt = good("airlock -qf p.yaml plan --no-color");

	(void)state;
	assert_true(opt_given(&opt, FLAG_GLOBAL_QUIET));
	assert_string_equal(opt_text(&opt, FLAG_GLOBAL_PLAN), "p.yaml");
	assert_true(opt_given(&opt, FLAG_GLOBAL_NO_COLOR));
	assert_true(opt_given(&opt, FLAG_GLOBAL_QUIET));
}

static void a_switch_may_be_repeated(void **state)
{
	struct options opt = good("airlock -v run -v --dry-run --dry-run");

	(void)state;
	assert_true(opt_given(&opt, FLAG_RUN_DRY_RUN));
}

static void help_asks_for_nothing_else(void **state)
{
	struct options opt = good("airlock declare --help");

	(void)state;
	assert_int_equal(opt.command->id, COMMAND_DECLARE);
	opt = good("airlock --version");
	assert_null(opt.command);
	opt = good("airlock -h");
	assert_null(opt.command);
	assert_true(opt_given(&opt, FLAG_GLOBAL_HELP));
}

/* A value that looks like a flag is a value. */
static void a_value_may_begin_with_a_dash(void **state)
{
	struct options opt = good("airlock declare new lost --reason --by --by x");

	(void)state;
	assert_string_equal(opt_text(&opt, FLAG_DECLARE_REASON), "--by");
}

static void the_command_is_known_on_failure(void **state)
{
	struct options opt;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(parse(&opt, &err, "airlock run --bogus"), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(opt.command->id, COMMAND_RUN);
	assert_int_equal(parse(&opt, &err, "airlock bogus"), -1);
	assert_null(opt.command);
	assert_int_equal(parse(&opt, &err, "airlock rehearse"), -1);
	assert_int_equal(err.code, ERR_CANNOT);
	assert_int_equal(parse(&opt, &err, ""), -1);
	assert_int_equal(err.code, ERR_USAGE);
}

static const char *const samples[] = {[KIND_TEXT] = "text",
	[KIND_PATH] = "/p",
	[KIND_NUMBER] = "1000000",
	[KIND_TIME] = "30s",
	[KIND_HASH] = "0123456789abcdef",
	[KIND_NAME] = "clock",
	[KIND_CHOICE] = "2",
	[KIND_SIDE] = "old"};

/* What a command wants besides this one flag: its other required flags and arguments. */
static const char *needed(enum command_id id, enum flag_id besides, char ret[128])
{
	size_t len = 0, count;
	const struct arg_row *args = args_of(id, &count);

	ret[0] = '\0';
	for (size_t i = 0; i < count; i++)
		if (args[i].required)
			len += (size_t)snprintf(ret + len, 128 - len, " %s",
				args[i].kind == KIND_WORD ? args[i].name : samples[args[i].kind]);
	for (int i = 0; i < FLAG_COUNT; i++) {
		const struct flag_row *flag = flag_get((enum flag_id)i);

		if (flag->command == id && flag->required && i != (int)besides)
			len += (size_t)snprintf(
				ret + len, 128 - len, " --%s %s", flag->name, samples[flag->kind]);
	}
	return ret;
}

/* Each value flag of the table, with a value of its kind, arrives where it belongs. */
static void every_flag_arrives(void **state)
{
	(void)state;
	for (int i = 0; i < FLAG_COUNT; i++) {
		const struct flag_row *flag = flag_get((enum flag_id)i);
		enum command_id id = flag->command == COMMAND_GLOBAL ? COMMAND_RUN : flag->command;
		char line[256], sample[64], rest[128];
		struct options opt;

		if (flag->kind == KIND_LATER)
			continue;
		snprintf(sample, sizeof sample, "%s", flag->value ? samples[flag->kind] : "");
		if (flag->kind == KIND_CHOICE) /* the first of them */
			snprintf(sample, sizeof sample, "%.*s", (int)strcspn(flag->value, "|"),
				flag->value);
		snprintf(line, sizeof line, "airlock %s%s --%s %s", command_get(id)->name,
			needed(id, (enum flag_id)i, rest), flag->name, sample);
		opt = good(line);
		assert_non_null(opt.values[i]);
		assert_string_equal(opt.values[i], sample);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globals_stand_anywhere),
		cmocka_unit_test(flags_and_arguments_mix),
		cmocka_unit_test(short_flags_cluster),
		cmocka_unit_test(a_switch_may_be_repeated),
		cmocka_unit_test(help_asks_for_nothing_else),
		cmocka_unit_test(a_value_may_begin_with_a_dash),
		cmocka_unit_test(the_command_is_known_on_failure),
		cmocka_unit_test(every_flag_arrives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
