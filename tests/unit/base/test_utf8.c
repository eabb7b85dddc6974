#include "../testing.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/utf8.h"

static const struct {
	const char *bytes;
	size_t len; /* 0: no character */
	uint32_t value;
} cases[] = {
	{"", 1, 0},
	{"a", 1, 'a'},
	{"\x7f", 1, 0x7f},
	{"\xc2\x80", 2, 0x80},
	{"\xdf\xbf", 2, 0x7ff},
	{"\xe0\xa0\x80", 3, 0x800},
	{"\xed\x9f\xbf", 3, 0xd7ff},
	{"\xee\x80\x80", 3, 0xe000},
	{"\xef\xbf\xbf", 3, 0xffff},
	{"\xf0\x90\x80\x80", 4, 0x10000},
	{"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
	{"\x80", 0, 0},		    /* continues nothing */
	{"\xc1\xbf", 0, 0},	    /* longer than needed */
	{"\xe0\x9f\xbf", 0, 0},	    /* longer than needed */
	{"\xf0\x8f\xbf\xbf", 0, 0}, /* longer than needed */
	{"\xed\xa0\x80", 0, 0},	    /* a surrogate */
	{"\xf4\x90\x80\x80", 0, 0}, /* beyond Unicode */
	{"\xf8\x88\x80\x80\x80", 0, 0},
	{"\xff", 0, 0},
	{"\xe2\x82", 0, 0}, /* ends too early */
	{"\xf0\x9f\x9a", 0, 0},
};

static void characters_are_measured(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t value = 0;

		assert_int_equal(utf8_next(cases[i].bytes, &value), cases[i].len);
		if (cases[i].len)
			assert_int_equal(value, cases[i].value);
	}
}

static void what_is_no_character_is_replaced_byte_by_byte(void **state)
{
	BUF_AUTO out = BUF_INIT;

	(void)state;
	utf8_clean(&out, "a\xff\xe2\x82z\xc3\xa9");
	assert_string_equal(buf_str(&out), "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xc3\xa9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_are_measured),
		cmocka_unit_test(what_is_no_character_is_replaced_byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
