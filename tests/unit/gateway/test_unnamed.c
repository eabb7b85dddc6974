/* Which unnamed statement the server has, from messages in the order in which they come by: upper
 * case from the client (p = a Parse of the unnamed one, L = a long one, P = of a named one), the
 * rest from the server. */
#include "../testing.h"

#include <string.h>

#include "gateway/unnamed.h"
#include "pgwire/track.h"
#include "pgwire/wire.h"

/* Parses are told apart by a byte: the first is 'a', the second 'b', ... */
struct talk {
	struct track track;
	struct unnamed unnamed;
	uint8_t next;
};

static void client(struct talk *t, char what)
{
	uint8_t type = what == 'p' || what == 'L' ? 'P' : (uint8_t)what;
	uint32_t body = what == 'L' ? UNNAMED_MAX + 1 : 1;

	track_client(&t->track, type);
	unnamed_client(&t->unnamed, (const uint8_t *)"P\0\0\0\5", type, body,
		what == 'p' || what == 'L' ? 0 : 'x', track_units_owed(&t->track));
	if (t->unnamed.keeping)
		unnamed_more(&t->unnamed, &t->next, 1);
	t->unnamed.keeping = false;
	t->next += what == 'p';
}

static void server(struct talk *t, uint8_t type)
{
	unnamed_server(&t->unnamed, type, track_units_owed(&t->track));
	track_server(&t->track, type, 'I');
}

/* Messages of the client's, then '|' and the server's, and so on. */
static struct unnamed after(const char *talk)
{
	struct talk t = {.next = 'a'};
	bool from_client = true;

	track_init(&t.track);
	for (; *talk; talk++) {
		if (*talk == '|')
			from_client = !from_client;
		else if (from_client)
			client(&t, *talk);
		else
			server(&t, (uint8_t)*talk);
	}
	assert_true(track_is_safe(&t.track));
	assert_int_equal(t.unnamed.entries.len, 0); /* nothing stays under way */
	assert_int_equal(t.unnamed.bytes.len, 0);
	return t.unnamed;
}

#define NONE '-'
#define LOST '?'

static void assert_after(const char *talk, char has)
{
	struct unnamed u = after(talk);
	char got = u.lost ? LOST : u.parse.len > 0 ? u.parse.data[u.parse.len - 1] : NONE;

	unnamed_fini(&u);
	if (got != has)
		fail_msg("%s: %c, not %c", talk, got, has);
}

static void what_was_parsed_is_known(void **state)
{
	(void)state;
	assert_after("pBDES|12TDCZ", 'a');
	assert_after("pS|1Z|BES|2CZ", 'a');
	assert_after("pS|1Z|BES|EZ", 'a'); /* its execution failed, it is there */
	assert_after("pBES|12EZ", 'a');
	assert_after("PpBESpBES|112CZ12CZ", 'b');
	assert_after("Q|CZ", NONE);
	assert_after("pS|1Z|Q|CZ", NONE);
	assert_after("Qp|CZ|S|1Z", 'a');
	assert_after("pBES|12G|dcS|CZ", 'a'); /* a copy: one ReadyForQuery for two Syncs */
	assert_after("pBES|12G|dcS|CZ|pS|1Z", 'b');
}

static void an_error_leaves_the_one_of_before(void **state)
{
	(void)state;
	assert_after("pBEpBES|12EZ", 'a'); /* the second was thrown away */
	assert_after("pBEpBEpBES|12C12EZ", 'b');
	assert_after("pBE|12E|pBES|Z", 'a'); /* so is what is sent behind the error */
	assert_after("pS|1Z|PBEpS|EZ", 'a');
	assert_after("pBESpBESpBES|12CZ12EZEZ", 'b'); /* all of them under way at once */
	assert_after("PBESpBES|EZ12CZ", 'a');
	assert_after("pBESPBES|12CZEZ", 'a');
	assert_after("QpS|EZ1Z", 'a');
	assert_after("pBEpBES|12EZ|pS|1Z", 'c');
}

/* What may have ended it is not followed: the statement is named, and the server is asked. */
static void what_may_have_ended_it_is_asked_for(void **state)
{
	(void)state;
	assert_after("pS|EZ", NONE);
	assert_after("pS|1Z|pS|EZ", 'a');	 /* the Parse that failed ended it */
	assert_after("pSQ|1ZCZ", 'a');		 /* so did the Query */
	assert_after("pS|1Z|PQS|EZ", 'a');	 /* this one was thrown away */
	assert_after("pBEpBES|12EZ|Q|CZ", NONE); /* and this one surely was not */
}

static void one_that_is_too_long_is_lost_until_the_next(void **state)
{
	(void)state;
	assert_after("LS|1Z", LOST);
	assert_after("pS|1Z|LS|1Z", LOST);
	assert_after("pS|1Z|LS|EZ", 'a');
	assert_after("LS|1Z|pS|1Z", 'a');
	assert_after("LS|1Z|Q|CZ", NONE);
}

/* An error of its unit comes while its text is still on the way. */
static void one_that_is_thrown_away_before_its_end_is_not_kept(void **state)
{
	struct unnamed u = {0};

	(void)state;
	unnamed_client(&u, (const uint8_t *)"B\0\0\0\5", 'B', 1, 'x', 0);
	unnamed_client(&u, (const uint8_t *)"P\0\0\0\6", 'P', 2, '\0', 0);
	assert_true(u.keeping);
	unnamed_more(&u, (const uint8_t *)"", 1);
	unnamed_server(&u, 'E', 0);
	assert_false(u.keeping);
	assert_int_equal(u.bytes.len, 0);
	unnamed_fini(&u);
}

/* A pipeline is answered while it is sent; what was answered is not kept. */
static void a_long_pipeline_is_followed(void **state)
{
	struct talk t = {.next = 'a'};

	(void)state;
	track_init(&t.track);
	for (int i = 0; i < 10000; i++) {
		client(&t, 'p');
		client(&t, 'S');
		if (i < 3)
			continue;
		server(&t, '1');
		server(&t, 'Z');
		assert_int_equal(t.unnamed.parse.data[WIRE_HEAD_BYTES], (char)('a' + i - 3));
		assert_in_range(t.unnamed.bytes.len, 1, 64);
	}
	unnamed_fini(&t.unnamed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_parsed_is_known),
		cmocka_unit_test(an_error_leaves_the_one_of_before),
		cmocka_unit_test(what_may_have_ended_it_is_asked_for),
		cmocka_unit_test(one_that_is_too_long_is_lost_until_the_next),
		cmocka_unit_test(one_that_is_thrown_away_before_its_end_is_not_kept),
		cmocka_unit_test(a_long_pipeline_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
