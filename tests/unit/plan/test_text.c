#include "../testing.h"

#include <string.h>

#include "plan/text.h"

static void times_need_units(void **state)
{
	int64_t ms = -7;

	(void)state;
	assert_int_equal(text_time_ms("250ms", &ms), TEXT_OK);
	assert_int_equal(ms, 250);
	assert_int_equal(text_time_ms("14d", &ms), TEXT_OK);
	assert_int_equal(ms, 14 * 86400000LL);
	ms = -7;
	assert_int_equal(text_time_ms("1", &ms), TEXT_NO_UNIT);
	assert_int_equal(text_time_ms("1 s", &ms), TEXT_BAD_UNIT);
	assert_int_equal(text_time_ms("1S", &ms), TEXT_BAD_UNIT);
	assert_int_equal(text_time_ms("-1s", &ms), TEXT_NOT_A_NUMBER);
	assert_int_equal(text_time_ms("", &ms), TEXT_NOT_A_NUMBER);
	assert_int_equal(text_time_ms("99999999999999999999s", &ms), TEXT_OVERFLOW);
	assert_int_equal(text_time_ms("9999999999999999d", &ms), TEXT_OVERFLOW);
	assert_int_equal(ms, -7);
}

static void sizes_are_powers_of_1024(void **state)
{
	int64_t bytes;

	(void)state;
	assert_int_equal(text_size_bytes("1kB", &bytes), TEXT_OK);
	assert_int_equal(bytes, 1024);
	assert_int_equal(text_size_bytes("3TB", &bytes), TEXT_OK);
	assert_int_equal(bytes, 3LL << 40);
	assert_int_equal(text_size_bytes("1mb", &bytes), TEXT_BAD_UNIT);
	assert_int_equal(text_size_bytes("1", &bytes), TEXT_NO_UNIT);
}

static void print_takes_the_largest_exact_unit(void **state)
{
	char out[TEXT_NUMBER_BYTES];

	(void)state;
	assert_string_equal(text_time_print(250, out), "250ms");
	assert_string_equal(text_time_print(90000, out), "90s");
	assert_string_equal(text_time_print(86400000, out), "1d");
	assert_string_equal(text_time_print(0, out), "0ms");
	assert_string_equal(text_size_print(1536, out), "1536B");
	assert_string_equal(text_size_print(16 << 20, out), "16MB");
}

static const char *nearest(const char *word)
{
	static const char *const words[] = {"replica-promotion", "shadow-write", "sync", "name"};
	struct text_nearest near = TEXT_NEAREST(word);

	for (size_t i = 0; i < 4; i++)
		text_nearest_try(&near, words[i]);
	return near.best;
}

static void near_words_are_found(void **state)
{
	char longest[200];

	(void)state;
	assert_string_equal(nearest("replica_promotion"), "replica-promotion");
	assert_string_equal(nearest("Shadow-Wirte"), "shadow-write");
	assert_string_equal(nearest("nmae"), "name");
	assert_string_equal(nearest("sycn"), "sync");
	assert_null(nearest("x"));
	assert_null(nearest(""));
	assert_null(nearest("colour"));
	memset(longest, 'n', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_null(nearest(longest));
}

static void names_are_plain(void **state)
{
	char name[TEXT_NAME_MAX + 2];

	(void)state;
	assert_true(text_is_name("shop-dc1_2"));
	assert_true(text_is_name("2nd"));
	assert_false(text_is_name(""));
	assert_false(text_is_name("-x"));
	assert_false(text_is_name("a.b"));
	assert_false(text_is_name("a b"));
	assert_false(text_is_name("caf\xc3\xa9"));
	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_false(text_is_name(name));
	name[TEXT_NAME_MAX] = '\0';
	assert_true(text_is_name(name));
}

static void quoting_defuses_and_cuts(void **state)
{
	char out[TEXT_QUOTE_BYTES], big[1000];

	(void)state;
	assert_string_equal(text_quote("a\x1b[31mb", 7, out), "'a\xe2\x90\x9b[31mb'");
	assert_string_equal(text_quote("a\tb\x7f", 4, out), "'a b\xe2\x90\xa1'");
	/* U+202E turns the direction of writing. */
	assert_string_equal(text_quote("x\xe2\x80\xaey", 5, out), "'x\xef\xbf\xbdy'");
	assert_string_equal(text_quote("\xff", 1, out), "'\xef\xbf\xbd'");
	assert_string_equal(text_quote("password=hunter2", 16, out), "(hidden)");
	memset(big, 'z', sizeof big);
	big[999] = '\0';
	text_quote(big, 999, out);
	assert_int_equal(strlen(out), 1 + 60 + 3 + 1);
	for (size_t i = 0; i + 4 < sizeof big; i += 4)
		memcpy(big + i, "\xf0\x9f\x98\x80", 4);
	text_quote(big, 996, out);
	assert_int_equal(strlen(out), 1 + 60 * 4 + 3 + 1);
}

static void cut_characters_are_taken_away(void **state)
{
	char whole[] = "a\xc3\xa9", cut[] = "a\xe2\x80", first[] = "\xf0", none[] = "";

	(void)state;
	text_trim(whole);
	assert_string_equal(whole, "a\xc3\xa9");
	text_trim(cut);
	assert_string_equal(cut, "a");
	text_trim(first);
	assert_string_equal(first, "");
	text_trim(none);
	assert_string_equal(none, "");
}

static void cron_has_five_fields_in_range(void **state)
{
	(void)state;
	assert_true(text_is_cron("15 2 * * *"));
	assert_true(text_is_cron("*/5 0-6,22 1,15 1-12/3 0"));
	assert_false(text_is_cron("15 2 * *"));
	assert_false(text_is_cron("15 2 * * * *"));
	assert_false(text_is_cron("61 2 * * *"));
	assert_false(text_is_cron("15 2 * * mon"));
	assert_false(text_is_cron("5-1 2 * * *"));
	assert_false(text_is_cron("*/0 2 * * *"));
	assert_false(text_is_cron(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_need_units),
		cmocka_unit_test(sizes_are_powers_of_1024),
		cmocka_unit_test(print_takes_the_largest_exact_unit),
		cmocka_unit_test(near_words_are_found),
		cmocka_unit_test(names_are_plain),
		cmocka_unit_test(quoting_defuses_and_cuts),
		cmocka_unit_test(cut_characters_are_taken_away),
		cmocka_unit_test(cron_has_five_fields_in_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
