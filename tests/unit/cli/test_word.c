#include "../testing.h"

#include "base/check.h"
#include "cli/word.h"

static const struct {
	enum word_kind kind;
	const char *spec, *word;
	int ok;
} cases[] = {
	{KIND_NUMBER, "N", "1", 1},
	{KIND_NUMBER, "N", "1000000", 1},
	{KIND_NUMBER, "N", "1000001", 0},
	{KIND_NUMBER, "N", "01", 0},
	{KIND_NUMBER, "N", "+1", 0},
	{KIND_NUMBER, "N", "", 0},
	{KIND_TIME, "TIME", "30s", 1},
	{KIND_TIME, "TIME", "1500ms", 1},
	{KIND_TIME, "TIME", "30", 0},
	{KIND_TIME, "TIME", "s", 0},
	{KIND_TIME, "TIME", "-5s", 0},
	{KIND_HASH, "HASH", "0123abcd", 1},
	{KIND_HASH, "HASH", "0123abc", 0},
	{KIND_HASH, "HASH", "0123abcg", 0},
	{KIND_HASH, "HASH", "0123456789012345678901234567890123456789012345678901234567890123", 1},
	{KIND_HASH, "HASH", "01234567890123456789012345678901234567890123456789012345678901234", 0},
	{KIND_NAME, "ID", "clock", 1},
	{KIND_NAME, "ID", "A_b-9", 1},
	{KIND_NAME, "ID", "-a", 0},
	{KIND_NAME, "ID", "a b", 0},
	{KIND_NAME, "ID", "caf\xc3\xa9", 0},
	{KIND_NAME, "ID", "a123456789012345678901234567890123456789012345678901234567890123", 0},
	{KIND_SIDE, "SIDE", "old", 1},
	{KIND_SIDE, "SIDE", "orders.new", 1},
	{KIND_SIDE, "SIDE", ".new", 0},
	{KIND_SIDE, "SIDE", "orders.", 0},
	{KIND_SIDE, "SIDE", "a.b.old", 0},
	{KIND_SIDE, "SIDE", "OLD", 0},
	{KIND_WORD, "lost", "lost", 1},
	{KIND_WORD, "lost", "Lost", 0},
	{KIND_CHOICE, "list|verify", "list", 1},
	{KIND_CHOICE, "list|verify", "list|verify", 0},
	{KIND_CHOICE, "list|verify", "", 0},
	{KIND_TEXT, "TEXT", "x", 1},
	{KIND_TEXT, "TEXT", "", 0},
	{KIND_PATH, "FILE", "a b", 1},
	{KIND_PATH, "FILE", "", 0},
};

static void kinds_know_their_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		int rc = word_check(cases[i].kind, cases[i].spec, cases[i].word, &err);

		if ((rc == 0) != cases[i].ok)
			fail_msg("'%s': %s", cases[i].word, err.msg);
		assert_int_equal(err.code, rc ? ERR_USAGE : ERR_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(kinds_know_their_words)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
