#include "program.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

#define WORDS_MAX 12

struct bad {
	const char *place, *remedy;
	const char *words[WORDS_MAX];
};

static const struct bad lines[] = {
#define BAD(place, remedy, ...) {place, remedy, {__VA_ARGS__}},
#include "bad_command_lines.def"
#undef BAD
};

static int setup(void **state)
{
	static struct program p;

	program_make(&p);
	program_file(&p, "broken.yaml", "airlock: 1\nnaem: x\n");
	*state = &p;
	return 0;
}

static int teardown(void **state)
{
	program_remove(*state);
	return 0;
}

static bool is_clean(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < 0x20 && *text != '\n') || *text == 0x7f)
			return false;
	return true;
}

static const char *fault_of(const struct bad *bad, const struct ran *ran)
{
	const char *said = buf_str(&ran->err);

	if (ran->exit_code != 2)
		return "wrong exit code";
	if (ran->out.len)
		return "something on standard output";
	if (!strstr(said, bad->place))
		return "the place is not named";
	if (!strstr(said, bad->remedy))
		return "the remedy is not named";
	if (!strstr(said, "airlock: ") || !strstr(said, "help: "))
		return "not the form of our messages";
	return is_clean(said) ? NULL : "control characters";
}

static void each_is_answered_with_place_and_remedy(void **state)
{
	struct program *p = *state;
	char path[120];
	int bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		RAN_AUTO ran = program_run(p, lines[i].words);
		const char *fault = fault_of(&lines[i], &ran);

		if (fault) {
			bad++;
			print_error("line %zu (%s, %s): %s: exit code %d\n%s\n", i, lines[i].place,
				lines[i].remedy, fault, ran.exit_code, buf_str(&ran.err));
		}
	}
	assert_int_equal(bad, 0);
	snprintf(path, sizeof path, "%s/.airlock", p->dir);
	assert_int_not_equal(access(path, F_OK), 0); /* nothing was touched */
}

static void there_are_enough_of_them(void **state)
{
	(void)state;
	assert_true(ARRAY_LEN(lines) >= 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_answered_with_place_and_remedy),
		cmocka_unit_test(there_are_enough_of_them),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
