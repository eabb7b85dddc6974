#include "../testing.h"

#include <string.h>

#include "base/check.h"
#include "pgwire/tag.h"

static bool wrote(const char *text, bool copy_in, struct tag *ret)
{
	return tag_wrote((const uint8_t *)text, strlen(text) + 1, copy_in, ret);
}

static void what_wrote_rows_says_how_many(void **state)
{
	static const struct {
		const char *text, *verb;
		bool copy_in;
		uint64_t rows;
	} cases[] = {
		{"INSERT 0 5", "INSERT", false, 5},
		{"UPDATE 3", "UPDATE", false, 3},
		{"DELETE 12", "DELETE", false, 12},
		{"MERGE 1", "MERGE", false, 1},
		{"COPY 30000", "COPY FROM", true, 30000},
		{"UPDATE 9223372036854775807", "UPDATE", false, INT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tag tag = {.rows = 0};

		assert_true(wrote(cases[i].text, cases[i].copy_in, &tag));
		assert_string_equal(tag.verb, cases[i].verb);
		assert_int_equal(tag.rows, cases[i].rows);
	}
}

/* Nothing written, nothing of rows, or not as a server says it. */
static void everything_else_has_not(void **state)
{
	static const char *const texts[] = {"UPDATE 0", "INSERT 0 0", "SELECT 7", "COPY 5",
		"CREATE TABLE", "BEGIN", "", "INSERT", "INSERT ", "INSERT 5", "UPDATE 0 5",
		"UPDATE -1", "UPDATE 5x", "UPDATE 99999999999999999999", "UPDATES 5"};
	struct tag tag;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_false(wrote(texts[i], false, &tag));
	assert_false(tag_wrote((const uint8_t *)"UPDATE 5", 8, false, &tag)); /* no NUL */
	assert_false(tag_wrote((const uint8_t *)"", 0, false, &tag));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_wrote_rows_says_how_many),
		cmocka_unit_test(everything_else_has_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
