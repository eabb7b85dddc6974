#include "../testing.h"

#include <string.h>

#include "journal/chain.h"

static struct journal_row sample(void)
{
	return (struct journal_row){.seq = 1,
		.at = "2026-11-25T01:30:26.123Z",
		.who = "alice@ops1 pid 4711: airlock run",
		.entry = {.run = "r1",
			.wave = 2,
			.attempt = 3,
			.store = "orders",
			.kind = "intent",
			.key = "",
			.text = "seal old",
			.detail = "{}"}};
}

static void hash_of(const struct journal_row *row, char ret_hex[JOURNAL_HASH_BYTES])
{
	struct chain_hash root, hash;

	chain_root("00112233445566778899aabbccddeeff", &root);
	chain_next(&root, row, &hash);
	chain_hex(&hash, ret_hex);
}

/* Computed by another program from the description in chain.h: journals outlive versions. */
static void the_encoding_is_the_described_one(void **state)
{
	struct journal_row row = sample();
	char hex[JOURNAL_HASH_BYTES];

	(void)state;
	hash_of(&row, hex);
	assert_string_equal(
		hex, "182512780a6c52aad0668b6120a1185e4d46c596eb5da3f1ad507c05717d57ac");
}

static void each_field_counts(void **state)
{
	char was[JOURNAL_HASH_BYTES], now[JOURNAL_HASH_BYTES];

	(void)state;
	for (int field = 0; field < 11; field++) {
		struct journal_row row = sample();

		hash_of(&row, was);
		switch (field) {
		case 0:
			row.seq = 2;
			break;
		case 1:
			row.at = "2026-11-25T01:30:26.124Z";
			break;
		case 2:
			row.who = "mallory@ops1 pid 4711: airlock run";
			break;
		case 3:
			row.entry.run = "r2";
			break;
		case 4:
			row.entry.wave = -2;
			break;
		case 5:
			row.entry.attempt = 4;
			break;
		case 6:
			row.entry.store = "order";
			break;
		case 7:
			row.entry.kind = "intenu";
			break;
		case 8:
			row.entry.key = "k";
			break;
		case 9:
			row.entry.text = "seal new";
			break;
		default:
			row.entry.detail = "{} ";
			break;
		}
		hash_of(&row, now);
		assert_string_not_equal(was, now);
	}
}

static void a_byte_cannot_move_between_fields(void **state)
{
	struct journal_row one = sample(), other = sample();
	char a[JOURNAL_HASH_BYTES], b[JOURNAL_HASH_BYTES];

	(void)state;
	one.entry.store = "ab";
	one.entry.kind = "c";
	other.entry.store = "a";
	other.entry.kind = "bc";
	hash_of(&one, a);
	hash_of(&other, b);
	assert_string_not_equal(a, b);
}

static void hex_goes_both_ways(void **state)
{
	struct chain_hash hash, back;
	char hex[JOURNAL_HASH_BYTES];

	(void)state;
	chain_root("x", &hash);
	chain_hex(&hash, hex);
	assert_true(chain_unhex(hex, &back));
	assert_memory_equal(&hash, &back, sizeof hash);
	hex[5] = 'G';
	assert_false(chain_unhex(hex, &back));
	hex[5] = 'A'; /* we write lower case only */
	assert_false(chain_unhex(hex, &back));
	assert_false(chain_unhex("abcd", &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_encoding_is_the_described_one),
		cmocka_unit_test(each_field_counts),
		cmocka_unit_test(a_byte_cannot_move_between_fields),
		cmocka_unit_test(hex_goes_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
