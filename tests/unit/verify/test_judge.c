#include "../testing.h"

#include "verify/judge.h"

struct look {
	bool there;
	uint64_t hash, version;
};

static void make(struct listing *ret, struct look look)
{
	*ret = (struct listing){0};
	if (look.there)
		listing_add(ret, "k", 2, (uint64_t[]){look.hash, 0}, look.version);
}

static size_t judge(struct doubts *doubts, struct look before, struct look dst, struct look after)
{
	struct listing a, b, c;
	size_t open;

	make(&a, before);
	make(&b, dst);
	make(&c, after);
	if (doubts->count == 0)
		doubts_find(doubts, &a, &b);
	assert_int_equal(doubts->count, 1);
	open = doubts_round(doubts, &a, &b, &c);
	listing_fini(&a);
	listing_fini(&b);
	listing_fini(&c);
	return open;
}

static const struct look one = {true, 1, 10}, two = {true, 2, 20}, three = {true, 3, 30}, none;

static void different_takes_two_rounds_at_rest(void **state)
{
	struct doubts d = {0};

	(void)state;
	assert_int_equal(judge(&d, one, two, one), 1);
	assert_int_equal(judge(&d, one, two, one), 0);
	assert_int_equal(d.at[0].state, DOUBT_DIFFERENT);
	doubts_fini(&d);
}

/* Somebody may have committed it whom the source does not show yet. */
static void nobody_is_suspect_who_was_pardoned(void **state)
{
	struct doubts d = {0};

	(void)state;
	assert_int_equal(judge(&d, one, two, one), 1);
	assert_true(doubts_any_suspect(&d));
	doubts_suspect_none(&d);
	assert_false(doubts_any_suspect(&d));
	assert_int_equal(judge(&d, one, two, one), 1);
	assert_int_equal(d.at[0].state, DOUBT_OPEN);
	assert_int_equal(judge(&d, one, two, one), 0);
	assert_int_equal(d.at[0].state, DOUBT_DIFFERENT);
	assert_false(doubts_any_suspect(&d));
	doubts_fini(&d);
}

static void missing_and_back_is_equal(void **state)
{
	struct doubts d = {0};

	(void)state;
	assert_int_equal(judge(&d, one, none, one), 1);
	assert_int_equal(judge(&d, one, one, two), 0);
	assert_int_equal(d.at[0].state, DOUBT_EQUAL);
	doubts_fini(&d);
}

static void what_changes_says_nothing(void **state)
{
	const struct look rewritten = {true, 1, 11};
	struct doubts d = {0};

	(void)state;
	assert_int_equal(judge(&d, one, three, two), 1);
	assert_int_equal(judge(&d, one, three, one), 1);	  /* touched since the round before */
	assert_int_equal(judge(&d, one, three, rewritten), 1); /* same content, another version */
	assert_int_equal(d.at[0].state, DOUBT_OPEN);
	doubts_fini(&d);
}

static void columns_by_their_bytes(void **state)
{
	static const struct {
		const char *base, *want;
		bool plain;
	} rows[] = {{"int4", "t.c", true}, {"int8", "int8send(t.c)", true},
		{"numeric", "numeric_send(t.c)", true}, {"text", "textsend(t.c::text)", false},
		{NULL, "textsend(t.c::text)", true}, {"jsonb", "textsend(t.c::text)", true}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		BUF_AUTO out = BUF_INIT;

		shape_expression(&out, "c", rows[i].base, rows[i].plain);
		assert_string_equal(buf_str(&out), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(different_takes_two_rounds_at_rest),
		cmocka_unit_test(nobody_is_suspect_who_was_pardoned),
		cmocka_unit_test(missing_and_back_is_equal),
		cmocka_unit_test(what_changes_says_nothing),
		cmocka_unit_test(columns_by_their_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
