#include "../testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/out.h"
#include "cli/wrap.h"

static const struct {
	const char *text, *shown;
} cases[] = {
	{"", ""},
	{"plain caf\xc3\xa9 \xe2\x86\x92 \xf0\x9f\x9a\xaa",
		"plain caf\xc3\xa9 \xe2\x86\x92 \xf0\x9f\x9a\xaa"},
	{"a\nb\tc\rd", "a\\nb\\tc\\x0dd"},
	{"\033[2J\033]0;title\a", "\\x1b[2J\\x1b]0;title\\x07"},
	{"\x7f", "\\x7f"},
	{"\xc2\x9b"
	 "31m",
		"\\x9b31m"}, /* CSI in one character */
	{"\xe2\x80\xae"
	 "evil",
		"\\u202eevil"},	     /* right-to-left override */
	{"\xe2\x80\x8b", "\\u200b"}, /* no width */
	{"\xef\xbb\xbf", "\\ufeff"},
	{"\xf3\xa0\x81\x81", "\\ue0041"},    /* an invisible letter */
	{"\xff\xc3", "\\xff\\xc3"},	     /* no UTF-8 */
	{"\xc0\xaf", "\\xc0\\xaf"},	     /* too long a form */
	{"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* a surrogate */
	{"a\\x1b", "a\\x1b"},
};

static void nothing_that_acts_on_a_terminal_gets_through(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		BUF_AUTO out = BUF_INIT;

		out_safe(&out, cases[i].text);
		assert_string_equal(buf_str(&out), cases[i].shown);
	}
	for (int c = 1; c < 256; c++) {
		char text[2] = {(char)c, '\0'};
		BUF_AUTO out = BUF_INIT;

		out_safe(&out, text);
		for (size_t i = 0; i < out.len; i++)
			assert_in_range((unsigned char)out.data[i], 0x20, 0x7e);
	}
}

struct captured {
	char *data, *messages;
	size_t data_len, messages_len;
	struct out out;
};

static void capture(struct captured *c)
{
	FILE *data = open_memstream(&c->data, &c->data_len);
	FILE *messages = open_memstream(&c->messages, &c->messages_len);

	assert_non_null(data);
	assert_non_null(messages);
	out_init(&c->out, data, messages, false);
}

static void capture_end(struct captured *c)
{
	fclose(c->out.data);
	fclose(c->out.messages);
}

static void messages_are_safe_and_apart_from_data(void **state)
{
	struct captured c;

	(void)state;
	capture(&c);
	out_data(&c.out, "data\n");
	out_error(&c.out, "bad \033[31m", "do \a");
	out_warn(&c.out, "%s", "w\r");
	out_detail(&c.out, "unseen");
	capture_end(&c);
	assert_string_equal(c.data, "data\n");
	assert_string_equal(
		c.messages, "airlock: bad \\x1b[31m\nhelp: do \\x07\nairlock: warning: w\\x0d\n");
	free(c.data);
	free(c.messages);
}

static void quiet_leaves_errors_only(void **state)
{
	struct captured c;

	(void)state;
	capture(&c);
	c.out.quiet = true;
	out_note(&c.out, "note");
	out_warn(&c.out, "warning");
	out_error(&c.out, "error", NULL);
	capture_end(&c);
	assert_string_equal(c.messages, "airlock: error\n");
	free(c.data);
	free(c.messages);
}

static void json_is_one_document_of_ascii(void **state)
{
	struct captured c;
	json_t *doc;

	(void)state;
	capture(&c);
	out_json(&c.out, json_pack("{s:o, s:o}", "text", out_json_string("\xff\xc2\x9b\033"),
				 "none", out_json_string(NULL)));
	capture_end(&c);
	for (size_t i = 0; i < c.data_len; i++)
		assert_true((unsigned char)c.data[i] < 0x7f);
	doc = json_loads(c.data, JSON_REJECT_DUPLICATES, NULL);
	assert_string_equal(
		json_string_value(json_object_get(doc, "text")), "\xef\xbf\xbd\xc2\x9b\033");
	assert_true(json_is_null(json_object_get(doc, "none")));
	json_decref(doc);
	free(c.data);
	free(c.messages);
}

static void what_could_not_be_written_is_an_error(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct err err = ERR_INIT;
	struct out out;

	(void)state;
	assert_non_null(full);
	out_init(&out, full, stderr, true);
	out_data(&out, "lost");
	assert_int_equal(out_finish(&out, &err), -1);
	assert_int_equal(err.code, ERR_IO);
	fclose(full);
}

static void words_flow_between_the_columns(void **state)
{
	BUF_AUTO out = BUF_INIT;
	char text[400] = "";

	(void)state;
	for (int i = 0; i < 30; i++)
		strcat(text, i % 7 ? "word\033 " : "a\nb ");
	wrap_text(&out, text, 3, 10);
	assert_int_equal(strncmp(buf_str(&out), "       a b word\\x1b", 18), 0);
	for (const char *line = buf_str(&out); *line; line = strchr(line, '\n') + 1) {
		size_t len = strcspn(line, "\n");

		assert_in_range(len, 1, WRAP_COLUMNS);
		assert_true(line == buf_str(&out) || !strncmp(line, "          ", 10));
		assert_int_not_equal(line[len - 1], ' ');
	}
	buf_clear(&out);
	wrap_text(&out, "One.\nTwo\nthree:\nfour", 0, 2);
	assert_string_equal(buf_str(&out), "  One.\n  Two three:\n  four\n");
	buf_clear(&out);
	wrap_text(&out, "", 0, 0);
	assert_string_equal(buf_str(&out), "\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_that_acts_on_a_terminal_gets_through),
		cmocka_unit_test(messages_are_safe_and_apart_from_data),
		cmocka_unit_test(quiet_leaves_errors_only),
		cmocka_unit_test(json_is_one_document_of_ascii),
		cmocka_unit_test(what_could_not_be_written_is_an_error),
		cmocka_unit_test(words_flow_between_the_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
