/* Which unnamed statement the server has, from messages in the order in which they come by: upper
 * case from the client (p = a Parse of the unnamed one, P = of a named one), the rest from the
 * server. */
#include "../testing.h"

#include <string.h>

#include "gateway/unnamed.h"
#include "pgwire/track.h"

struct talk {
	struct track track;
	struct unnamed unnamed;
};

static void client(struct talk *t, char what)
{
	uint8_t type = what == 'p' ? 'P' : (uint8_t)what;

	track_client(&t->track, type);
	unnamed_client(&t->unnamed, (const uint8_t *)"P\0\0\0\5", type, 1, what == 'p' ? 0 : 'x');
	if (t->unnamed.keeping)
		unnamed_more(&t->unnamed, (const uint8_t *)"", 1);
	t->unnamed.keeping = false;
}

static void server(struct talk *t, uint8_t type)
{
	unnamed_server(&t->unnamed, type, track_units_owed(&t->track));
	track_server(&t->track, type, 'I');
}

/* Messages of the client's, then '|' and the server's, and so on. */
static struct unnamed after(const char *talk)
{
	struct talk t = {0};
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
	return t.unnamed;
}

enum has { NONE, KNOWN, DOUBT };

static void assert_after(const char *talk, enum has has)
{
	struct unnamed u = after(talk);
	enum has got = u.doubtful ? DOUBT : u.parse.len > 0 ? KNOWN : NONE;

	unnamed_fini(&u);
	if (got != has)
		fail_msg("%s: %d, not %d", talk, got, has);
}

static void what_was_parsed_is_known(void **state)
{
	(void)state;
	assert_after("pBDES|12TDCZ", KNOWN);
	assert_after("pS|1Z|BES|2CZ", KNOWN);
	assert_after("pS|1Z|BES|EZ", KNOWN); /* its execution failed, it is there */
	assert_after("pBES|12EZ", KNOWN);
	assert_after("PpBESpBES|112CZ12CZ", KNOWN);
	assert_after("Q|CZ", NONE);
	assert_after("pS|1Z|Q|CZ", NONE);
	assert_after("pSQ|1ZCZ", NONE);
	assert_after("Qp|CZ|S|1Z", KNOWN);
	assert_after("pBES|12G|dcS|CZ", KNOWN); /* a copy: one ReadyForQuery for two Syncs */
}

static void after_an_error_it_is_asked_for(void **state)
{
	(void)state;
	assert_after("pS|EZ", DOUBT);	     /* there is none now, which the server says */
	assert_after("pBEpBES|12EZ", DOUBT); /* the second was thrown away */
	assert_after("pBE|12E|pBES|Z", DOUBT);
	assert_after("PBEpS|EZ", DOUBT);
	assert_after("pS|1Z|PQS|EZ", DOUBT); /* the Query was thrown away */
}

static void an_error_elsewhere_is_no_doubt(void **state)
{
	(void)state;
	assert_after("PBESpBES|EZ12CZ", KNOWN);
	assert_after("pBESPBES|12CZEZ", KNOWN);
	assert_after("QpS|EZ1Z", KNOWN);
	assert_after("pBEpBES|12EZ|pS|1Z", KNOWN); /* doubt ends with the next */
	assert_after("pBEpBES|12EZ|Q|CZ", DOUBT);  /* asked, and there is none */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_parsed_is_known),
		cmocka_unit_test(after_an_error_it_is_asked_for),
		cmocka_unit_test(an_error_elsewhere_is_no_doubt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
