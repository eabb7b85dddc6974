/* What a session has set that no server shows: doubt counts as more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/sets.h"

static bool shown_after(uint8_t type, const char *text, bool whole, const struct session_state *state)
{
	struct sets sets = {0};

	sets_head(&sets, type);
	sets_bytes(&sets, (const uint8_t *)text, strlen(text), whole);
	return sets_are_shown(&sets, state);
}

static void the_function_is_found_in_any_spelling(void **ctx)
{
	static const char *const texts[] = {"SELECT set_config('a.b', 'c', false)", "SET_CONFIG",
		"a_b, pg_catalog.Set_Config(", "__set_config"};
	struct session_state none = SESSION_STATE_INIT;

	(void)ctx;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		assert_false(shown_after('Q', texts[i], true, &none));
		assert_false(shown_after('P', texts[i], true, &none));
		assert_true(shown_after('B', texts[i], true, &none)); /* a value */
	}
}

static void others_are_not_taken_for_it(void **ctx)
{
	static const char *const texts[] = {"SELECT 1", "_", "t_config", "set_confi", "set_", "offset_con_fig",
		"SELECT current_setting('a.b')"};
	struct session_state none = SESSION_STATE_INIT;

	(void)ctx;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_true(shown_after('Q', texts[i], true, &none));
	assert_false(shown_after('Q', "SELECT 1", false, &none)); /* a piece: the rest may name it */
}

static void say(struct sets *sets, const char *tag, bool last)
{
	sets_tag(sets, (const uint8_t *)tag, strlen(tag) + 1, last);
}

static void every_set_is_accounted_for(void **ctx)
{
	struct state_setting second = {.name = "timezone"};
	struct state_setting first = {.next = &second, .name = "work_mem"};
	struct session_state state = SESSION_STATE_INIT;
	struct sets sets = {0};

	(void)ctx;
	state.settings = &first;
	say(&sets, "SET", true);
	say(&sets, "SET", true);
	say(&sets, "SELECT 1", true);
	assert_true(sets_are_shown(&sets, &state));
	say(&sets, "SET", true);
	assert_false(sets_are_shown(&sets, &state));
	state.role = "somebody";
	assert_true(sets_are_shown(&sets, &state));
}

static void one_command_for_transactions_sets_several(void **ctx)
{
	struct state_setting second = {.name = "default_transaction_read_only"};
	struct state_setting first = {.next = &second, .name = "default_transaction_isolation"};
	struct session_state state = SESSION_STATE_INIT;
	struct sets sets = {0};

	(void)ctx;
	state.settings = &first;
	say(&sets, "SET", true);
	assert_true(sets_are_shown(&sets, &state));
	say(&sets, "SET", true); /* which is not shown */
	assert_false(sets_are_shown(&sets, &state));
}

static void discarding_all_begins_anew_but_not_for_what_follows(void **ctx)
{
	struct session_state none = SESSION_STATE_INIT;
	struct sets sets = {.more = true};

	(void)ctx;
	say(&sets, "SET", true);
	say(&sets, "DISCARD ALL", false);
	assert_false(sets_are_shown(&sets, &none));
	say(&sets, "DISCARD ALL", true);
	assert_true(sets_are_shown(&sets, &none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_function_is_found_in_any_spelling),
		cmocka_unit_test(others_are_not_taken_for_it),
		cmocka_unit_test(every_set_is_accounted_for),
		cmocka_unit_test(one_command_for_transactions_sets_several),
		cmocka_unit_test(discarding_all_begins_anew_but_not_for_what_follows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
