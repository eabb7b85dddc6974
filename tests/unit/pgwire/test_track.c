/* Every row of the tracker's table as a dialogue, and the dialogues that fooled heuristics. */
#include "../testing.h"

#include "base/prng.h"
#include "pgwire/track.h"

/*
 * Words: ">PBE" what the client sends, "<12G" what the server answers, where Z is followed by its
 * status.  A word that ends in '!' must leave the session safe, one in '?' unsafe.
 */
static void play(struct track *t, const char *dialogue)
{
	bool from_client = false;

	for (const char *at = dialogue; *at; at++) {
		switch (*at) {
		case ' ':
			break;
		case '>':
		case '<':
			from_client = *at == '>';
			break;
		case '!':
			assert_true(track_is_safe(t));
			break;
		case '?':
			assert_false(track_is_safe(t));
			break;
		default:
			if (from_client) {
				track_client(t, (uint8_t)*at);
			} else if (*at == 'Z') {
				assert_int_equal(track_server(t, 'Z', (uint8_t)at[1]), TRACK_READY);
				at++;
			} else {
				track_server(t, (uint8_t)*at, 0);
			}
		}
	}
}

struct row {
	const char *name, *dialogue;
};

static const struct row rows[] = {
	{"a query", ">Q? <TDDC? <ZI!"},
	{"two queries, pipelined", ">QQ? <CZI? <CZI!"},
	{"extended", ">PBDES? <12TDC? <ZI!"},
	{"extended, pipelined", ">PBES PBES? <12C? <ZI? <12CZI!"},
	{"a transaction", ">Q <CZT? >Q <CZT? >Q <CZI!"},
	{"a failed transaction", ">Q <CZT >Q <EZE? >Q <CZI!"},
	{"parse and flush: a transaction is open though the last Z said I", ">PH? <1? >S <ZI!"},
	{"copy in, simple", ">Q? <G? >ddd? >c? <C? <ZI!"},
	{"copy in, extended: two Syncs, one Z", ">PBES <12G? >dc? >S? <C? <ZI!"},
	{"copy in, all pipelined", ">PBESdcSQ? <12GC? <ZI? <CZI!"},
	{"copy in, Sync after the data only", ">PBE <12G >dcS? <CZI!"},
	{"copy in, failed by the client", ">Q <G >df? <E? <ZI!"},
	{"copy in, failed under way, simple", ">Q <G >d? <E? <ZI! >dc!"},
	{"copy in, failed under way, extended", ">PBES <12G >d <E? >c? >S? <ZI!"},
	{"copy in, failed, all was sent", ">PBESdcSQ <12GE? <ZI? <CZI!"},
	{"copy in twice without Sync", ">PBE <12G >dc <C >PBE <12G >dcS? <CZI!"},
	{"copy out", ">Q? <Hddd? <cC? <ZI!"},
	{"a bad Parse swallows the Query behind it", ">PQ? <E? >S? <ZI!"},
	{"a bad Parse swallows a Query that comes later", ">P? <E? >Q? >S? <ZI!"},
	{"an error in a pipeline: one E, one Z", ">PBEPBEPBES? <12CE? <ZI! >Q? <CZI!"},
	{"an error, the next unit already sent", ">PBES Q <1E? <ZI? <CZI!"},
	{"an error at Sync itself", ">PBES <12C E ZI!"},
	{"begin, error, rollback, select", ">QQQQ <CZT EZE CZI? <CZI!"},
	{"several statements in one Query", ">Q? <DCCDCZT? >Q <CZI!"},
	{"commit and chain", ">Q <CZT >Q <CZT? >Q <CZI!"},
	{"a function call", ">F? <V? <ZI!"},
	{"a function call that fails", ">F? <EZI!"},
	{"an empty query", ">Q <IZI!"},
	{"copy messages at idle are ignored", ">d! >c! >f! >Q? <CZI!"},
	{"a stray CopyDone before an error", ">cQ? <E? <ZI!"},
	{"asynchronous messages change nothing", "<A! <N! <S! >Q <NAS? <CZI!"},
	{"streaming replication is never safe", ">Q <W? <CZI?"},
	{"an answer nobody asked for: never safe again", "<ZI? >Q <CZI?"},
	{"flush alone owes nothing", ">H!"},
	{"copy in, refused before it read anything, Sync sent before", ">PBES <12GE? <ZI! >c! >S? <ZI!"},
	{"the same, all was sent", ">PBESdcS <12GE? <ZI! <ZI! >Q? <CZI!"},
	{"the same, a Query behind it", ">PBESdcSQ <12GE? <ZI? <ZI? <TDCZI!"},
	{"the same, an extended unit behind it", ">PBESdcSPBES <12GE? <ZI? <ZI? <12CZI!"},
	{"the same, another failure behind it", ">PBESdcSQ <12GE? <ZI? <ZI? <EZI!"},
	{"copy in, refused under way: no more comes than is owed",
		">PBES <12G >d <E >cS <ZI! >Q? <TDCZI! <E"},
	{"a stray CopyDone before a copy", ">Q <G >d <E >c <ZI! >PBES <12G? >dcS? <CZI! >Q <CZI!"},
	{"a stray CopyDone in its unit", ">PBEc <12C >PBE <12G? >dcS? <CZI!"},
	{"two copies in a Query, pipelined with a Sync", ">QdcdcS <GCGCZI? <ZI!"},
	{"an error of a Query behind what was answered", ">PQS <1E? <ZI? <ZI!"},
	{"an error of a function call behind what was answered", ">PF <1E? <ZI! >Q? <CZI!"},
	{"an error at Sync behind all kinds of answers", ">PDBDECSQ <1tT2TC3EZI? <CZI!"},
};

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct track t;

		track_init(&t);
		print_message("  %s\n", rows[i].name);
		play(&t, rows[i].dialogue);
	}
}

static void an_error_that_nobody_awaits_is_the_end(void **state)
{
	struct track t;

	(void)state;
	track_init(&t);
	assert_int_equal(track_server(&t, 'E', 'S'), TRACK_UNASKED);
	track_client(&t, 'c');
	assert_int_equal(track_server(&t, 'E', 'S'), TRACK_UNASKED);
	track_client(&t, 'Q');
	assert_int_equal(track_server(&t, 'E', 'S'), TRACK_NOTHING);
	assert_true(track_is_owed(&t));
}

static void an_open_transaction_owes_nothing_and_is_unsafe(void **state)
{
	struct track t;

	(void)state;
	track_init(&t);
	play(&t, ">Q <CZT?");
	assert_false(track_is_owed(&t));
}

static void the_ring_says_when_it_is_full(void **state)
{
	struct track t;

	(void)state;
	track_init(&t);
	for (unsigned i = 0; i < TRACK_RING; i++) {
		assert_true(track_has_room(&t));
		track_client(&t, 'S');
	}
	assert_false(track_has_room(&t));
	play(&t, "<ZI?");
	assert_true(track_has_room(&t));
	for (unsigned i = 1; i < TRACK_RING; i++)
		play(&t, "<ZI");
	assert_true(track_is_safe(&t));
}

/* A run of equal codes that say the same takes one place, so that no client can fill the ring. */
static void pieces_of_one_unit_collapse(void **state)
{
	struct track t;

	(void)state;
	track_init(&t);
	for (int i = 0; i < 100000; i++)
		track_client(&t, "PBDEC"[i % 5]);
	for (int i = 0; i < 100000; i++)
		track_client(&t, 'c');
	assert_true(track_has_room(&t));
	play(&t, "? >S <ZI!");
}

/* After an error all is thrown away until Sync, so it must not fill the ring either. */
static void skipped_messages_take_no_room(void **state)
{
	struct track t;

	(void)state;
	track_init(&t);
	play(&t, ">P <E");
	for (int i = 0; i < 100000; i++)
		track_client(&t, "QPcF"[i % 4]);
	assert_true(track_has_room(&t));
	play(&t, "? >S <ZI!");
}

/* 'y' and 'n' in place of '!' and '?': may the client go on towards a boundary? */
static void going_on(struct track *t, const char *dialogue, bool expected)
{
	track_init(t);
	play(t, dialogue);
	assert_int_equal(track_may_go_on(t), expected);
}

static void one_unit_at_a_time(void **state)
{
	struct track t;

	(void)state;
	going_on(&t, "", false);		 /* a boundary */
	going_on(&t, ">Q", false);		 /* its answer is awaited */
	going_on(&t, ">Q <CZT", true);		 /* the transaction has to end */
	going_on(&t, ">Q <CZT >Q", false);
	going_on(&t, ">PB", true);		 /* the unit has to end */
	going_on(&t, ">PBES", false);
	going_on(&t, ">P <E", true);		 /* Sync has to come */
	going_on(&t, ">P <E >S", false);
	going_on(&t, ">Q <G", true);		 /* data */
	going_on(&t, ">Q <G >dc", false);
	going_on(&t, ">Q <CZI", false);
	going_on(&t, ">PBE <12G >dc", true);	 /* its Sync: the server says nothing before */
	going_on(&t, ">PBES <12G >dc", true);
	going_on(&t, ">PBES <12G >dcS", false);
	going_on(&t, ">PBEdc", true);
	going_on(&t, ">PBEdcS", false);
	going_on(&t, ">PBEc <12C", true);
}

/* Somebody else's question, sent while it was open whether one more ReadyForQuery would come. */
static void what_is_late_is_told_from_an_answer(void **state)
{
	struct track t;

	(void)state;
	track_init(&t);
	play(&t, ">PBESdcS <12GEZI!");
	assert_true(track_is_late(&t, 'Z'));
	assert_false(track_is_late(&t, '1'));
	assert_false(track_is_late(&t, 'Z'));
	play(&t, "! >Q <CZI!");
	track_init(&t);
	play(&t, ">PBES <12G >d <E >cS <ZI!");
	assert_false(track_is_late(&t, '1'));
	assert_false(track_is_late(&t, 'Z'));
}

/* A model of the server: answers a random pipeline, and both must agree on what is owed. */
static void random_pipelines(void **state)
{
	struct prng prng = {7};

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct track t;
		char units[32];
		int count = 1 + (int)prng_below(&prng, 30);

		track_init(&t);
		for (int i = 0; i < count; i++) {
			units[i] = "QEXF"[prng_below(&prng, 4)];
			play(&t, units[i] == 'Q' ? ">Q" : units[i] == 'F' ? ">F" : ">PBES");
		}
		for (int i = 0; i < count; i++) {
			assert_false(track_is_safe(&t));
			play(&t, units[i] == 'X' ? "<1EZI" : "<CZI");
		}
		assert_true(track_is_safe(&t));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(an_error_that_nobody_awaits_is_the_end),
		cmocka_unit_test(an_open_transaction_owes_nothing_and_is_unsafe),
		cmocka_unit_test(the_ring_says_when_it_is_full),
		cmocka_unit_test(pieces_of_one_unit_collapse),
		cmocka_unit_test(skipped_messages_take_no_room),
		cmocka_unit_test(one_unit_at_a_time),
		cmocka_unit_test(what_is_late_is_told_from_an_answer),
		cmocka_unit_test(random_pipelines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
