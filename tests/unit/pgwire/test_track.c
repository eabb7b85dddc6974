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
	{"copy in, refused before it reads, a Query and a Sync behind it", ">QQScS <GEZI? <CZI? <ZI? <ZI!"},
	{"the same, Execute behind it", ">QESfS <GEZI? <EZI? <ZI!"},
	{"the same in doubt: was it skipped?", ">PBES <12GE >P? <ZI? <1? >S <ZI?"},
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

/* ---- a server, as far as messages go --------------------------------------------------------- */

#define SAID_MAX 4096

/* What the client says: a type, and what becomes of it: 'o'k, 'e'rror, or a copy that fails when it
 * has read so many messages ('0'..'9') or never ('x'). */
struct word {
	char type, fate;
};

struct world {
	struct track t;
	struct prng prng;
	struct word script[256]; /* all that the client will say */
	unsigned count, said, read;
	char out[SAID_MAX]; /* what the server has said; up to `heard` it was relayed */
	unsigned out_len, heard;
	bool skipping, copying, extended;
	int reads_left; /* of the copy; -1 = it does not fail */
};

static void say(struct world *w, const char *types)
{
	for (; *types; types++) {
		assert_true(w->out_len < SAID_MAX);
		w->out[w->out_len++] = *types;
	}
}

static void end_copy(struct world *w, bool well)
{
	w->copying = false;
	say(w, well ? "C" : "E");
	if (!w->extended)
		say(w, "Z");
	else if (!well)
		w->skipping = true;
}

static void begin_copy(struct world *w, char fate, bool extended)
{
	w->copying = true;
	w->extended = extended;
	w->reads_left = fate == 'x' ? -1 : fate - '0';
	say(w, "G");
	if (w->reads_left == 0)
		end_copy(w, false);
}

static void read_in_copy(struct world *w, char type)
{
	if (w->reads_left > 0 && --w->reads_left == 0)
		end_copy(w, false);
	else if (type == 'c')
		end_copy(w, true);
}

static void obey(struct world *w, struct word word)
{
	bool is_e = word.type == 'P' || word.type == 'E';

	if (w->copying) {
		read_in_copy(w, word.type);
	} else if (w->skipping && word.type != 'S') {
		return;
	} else if (word.type == 'S') {
		w->skipping = false;
		say(w, "Z");
	} else if (word.type == 'c' || word.type == 'd') {
		return;
	} else if (word.fate == 'o') {
		say(w, word.type == 'P'	  ? "1"
			: word.type == 'E' ? "DC"
			: word.type == 'F' ? "VZ"
					   : "TDCZ");
	} else if (word.fate == 'e') {
		say(w, is_e ? "E" : "EZ");
		w->skipping = is_e;
	} else {
		begin_copy(w, word.fate, is_e);
	}
}

/* Bounded by what is left when nobody waits any more: what may the client still hear? */
static unsigned still_to_come(const struct world *w, bool *ret_only_ready)
{
	struct world ahead = *w;

	while (ahead.read < ahead.said)
		obey(&ahead, ahead.script[ahead.read++]);
	*ret_only_ready = true;
	for (unsigned i = ahead.heard; i < ahead.out_len; i++)
		*ret_only_ready = *ret_only_ready && ahead.out[i] == 'Z';
	return ahead.out_len - ahead.heard;
}

/* Safe means: nothing will come but what is doubtful, and no message has an effect still. */
static void look(const struct world *w)
{
	bool only_ready;

	if (track_is_safe(&w->t)) {
		assert_true(still_to_come(w, &only_ready) <= w->t.doubtful);
		assert_true(only_ready);
		assert_false(w->copying);
	}
}

static void add(struct world *w, char type, char fate)
{
	w->script[w->count++] = (struct word){type, fate};
}

static char fate_of(struct world *w)
{
	return prng_below(&w->prng, 4) == 0 ? 'e' : 'o';
}

static char copy_fate(struct world *w)
{
	return "xx0123"[prng_below(&w->prng, 6)];
}

static void add_data(struct world *w)
{
	for (unsigned n = prng_below(&w->prng, 4); n > 0; n--)
		add(w, 'd', 'o');
	add(w, 'c', 'o');
}

/* Refused before it reads, or what is behind it would have ended the session. */
static void add_refused_copy(struct world *w)
{
	char type = "QE"[prng_below(&w->prng, 2)];

	add(w, type, '0');
	if (type == 'Q' && prng_below(&w->prng, 2))
		add(w, 'S', 'o');
	add(w, "QFPE"[prng_below(&w->prng, 4)], fate_of(w));
	if (prng_below(&w->prng, 2))
		add(w, 'S', 'o');
	add_data(w);
	add(w, 'S', 'o');
}

static void add_unit(struct world *w)
{
	switch (prng_below(&w->prng, 7)) {
	case 0:
		add(w, 'Q', fate_of(w));
		return;
	case 1:
		add(w, 'F', fate_of(w));
		return;
	case 2:
		add(w, 'Q', copy_fate(w));
		if (prng_below(&w->prng, 4) == 0)
			add(w, 'S', 'o');
		add_data(w);
		return;
	case 3: /* as libpq: a Sync before the data, or not */
		add(w, 'P', fate_of(w));
		add(w, 'E', copy_fate(w));
		if (prng_below(&w->prng, 2))
			add(w, 'S', 'o');
		add_data(w);
		add(w, 'S', 'o');
		return;
	case 4: /* a Query or a call without Sync, which may be skipped; so a Sync */
		add(w, 'P', fate_of(w));
		if (prng_below(&w->prng, 2)) {
			add(w, 'c', 'o');
			add(w, 'P', fate_of(w));
		}
		add(w, "QF"[prng_below(&w->prng, 2)], fate_of(w));
		add(w, 'S', 'o');
		return;
	case 5:
		add_refused_copy(w);
		return;
	default:
		for (unsigned n = prng_below(&w->prng, 4); n > 0; n--) {
			add(w, 'P', fate_of(w));
			add(w, 'E', fate_of(w));
		}
		add(w, 'S', 'o');
	}
}

static void hear_one(struct world *w)
{
	track_server(&w->t, (uint8_t)w->out[w->heard++], 'I');
	look(w);
}

static void any_order_of_messages_is_counted_exactly(void **state)
{
	static struct world w;

	(void)state;
	for (uint64_t seed = 1; seed <= 20000; seed++) {
		w = (struct world){.prng = {seed}};
		track_init(&w.t);
		for (unsigned units = 1 + prng_below(&w.prng, 6); units > 0; units--)
			add_unit(&w);
		add(&w, 'Q', 'o'); /* the first answer to it settles what was in doubt */
		while (w.said < w.count || w.read < w.said || w.heard < w.out_len) {
			unsigned what = prng_below(&w.prng, 3);

			if (what == 0 && w.said < w.count) {
				track_client(&w.t, (uint8_t)w.script[w.said++].type);
				look(&w);
			} else if (what == 1 && w.read < w.said) {
				obey(&w, w.script[w.read++]);
			} else if (what == 2 && w.heard < w.out_len) {
				hear_one(&w);
			}
		}
		if (!track_is_safe(&w.t) || w.t.doubtful > 0)
			fail_msg("seed %llu: not at a boundary at the end",
				(unsigned long long)seed);
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
		cmocka_unit_test(any_order_of_messages_is_counted_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
