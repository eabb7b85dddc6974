/* Captures and replays as they were recorded from a server (tests/fuzz/corpus/carry, the first
 * argument), and answers that no server gives. */
#include "../testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "gateway/capture.h"
#include "gateway/replay.h"
#include "pgwire/message.h"
#include "pgwire/wire.h"

static const char *corpus; /* set once by main */

struct dialogue {
	const char *file;
	enum capture_step capture;
	const char *lost;
	enum replay_step replay; /* REPLAY_MORE: none follows */
	bool unnamed;
	const char *user; /* NULL = app */
};

static const struct dialogue dialogues[] = {
	{"fresh", CAPTURE_DONE, "", REPLAY_MORE, false},
	{"everything", CAPTURE_DONE, "", REPLAY_DONE, false},
	{"broken-statements", CAPTURE_DONE, "", REPLAY_DONE, false},
	{"role-first", CAPTURE_DONE, "", REPLAY_DONE, false, "boxed"},
	{"authorization", CAPTURE_DONE, "", REPLAY_DONE, false, "postgres"},
	{"encoding", CAPTURE_DONE, "", REPLAY_DONE, false},
	{"unnamed", CAPTURE_DONE, "", REPLAY_DONE, true},
	{"unnamed-gone", CAPTURE_DONE, "", REPLAY_MORE, true},
	{"mismatch", CAPTURE_DONE, "", REPLAY_MISMATCH, false},
	{"refused", CAPTURE_FAILED, "", REPLAY_MORE, false},
	{"ended", CAPTURE_BROKEN, "", REPLAY_MORE, false},
	{"lost-temp", CAPTURE_DONE, "temp", REPLAY_MORE, false},
	{"lost-temp-function", CAPTURE_DONE, "temp", REPLAY_MORE, false},
	{"lost-advisory", CAPTURE_DONE, "advisory", REPLAY_MORE, false},
	{"lost-cursor", CAPTURE_DONE, "cursor", REPLAY_MORE, false},
	{"lost-listen", CAPTURE_DONE, "listen", REPLAY_MORE, false}, /* recorded without a replay */
	{"lost-currval", CAPTURE_DONE, "currval", REPLAY_MORE, false},
	{"lost-statement", CAPTURE_DONE, "statement", REPLAY_MORE, false},
	{"lost-two", CAPTURE_DONE, "temp", REPLAY_MORE, false},
	{"lost-lastval", CAPTURE_DONE, "lastval", REPLAY_MORE, false},
};

static const uint8_t unnamed[] = "P\0\0\0\x15\0SELECT $1\0\0\2\0\0\0\x17\0\0\x40\1";

static void load(const char *file, struct buf *out)
{
	char path[512], block[4096];
	size_t got;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", corpus, file);
	f = fopen(path, "rb");
	assert_non_null(f);
	while ((got = fread(block, 1, sizeof block, f)) > 0)
		buf_add(out, block, got);
	fclose(f);
}

static bool take(const struct buf *from, size_t *at, struct wire_head *head, const uint8_t **body)
{
	const uint8_t *here = (const uint8_t *)from->data + *at;

	if (wire_head_read(here, from->len - *at, WIRE_BODY_MAX, head) != WIRE_WHOLE)
		return false;
	*body = here + WIRE_HEAD_BYTES;
	*at += WIRE_HEAD_BYTES + head->body;
	return *at <= from->len;
}

static enum capture_step play_capture(const struct buf *said, size_t *at, const char *user,
	bool with_unnamed, struct session_state *state)
{
	const struct capture_options options = {.nonce = 42,
		.user = user,
		.unnamed = with_unnamed ? unnamed : NULL,
		.unnamed_len = sizeof unnamed - 1};
	enum capture_step step = CAPTURE_MORE;
	struct wire_head head;
	const uint8_t *body;
	struct capture c;
	BUF_AUTO out = BUF_INIT;

	capture_begin(&c, &options, state, &out);
	assert_int_equal(out.data[0], 'P'); /* never a Query: it would end the unnamed statement */
	while (step <= CAPTURE_SEND && take(said, at, &head, &body))
		if (head.type == 'N')
			assert_true(capture_notice(&c, body, head.body));
		else
			step = capture_feed(&c, head.type, body, head.body, &out);
	return step;
}

static enum replay_step play_replay(
	const struct buf *said, size_t *at, const struct session_state *state)
{
	enum replay_step step = REPLAY_MORE;
	struct wire_head head;
	const uint8_t *body;
	struct replay r;
	BUF_AUTO out = BUF_INIT;

	replay_begin(&r, state, &out);
	assert_true(out.len > 0);
	while (step == REPLAY_MORE && take(said, at, &head, &body))
		step = replay_feed(&r, head.type, body, head.body);
	return step;
}

static void recorded_dialogues_end_as_they_did(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof dialogues / sizeof dialogues[0]; i++) {
		const struct dialogue *d = &dialogues[i];
		struct session_state session = SESSION_STATE_INIT;
		BUF_AUTO said = BUF_INIT;
		size_t at = 0;

		load(d->file, &said);
		if (play_capture(&said, &at, d->user ? d->user : "app", d->unnamed, &session) !=
			d->capture)
			fail_msg("%s: the capture", d->file);
		if (strcmp(state_lost_name(session.lost), d->lost) != 0)
			fail_msg("%s: %s", d->file, state_lost_name(session.lost));
		if (d->replay != REPLAY_MORE && play_replay(&said, &at, &session) != d->replay)
			fail_msg("%s: the replay", d->file);
		if (at != said.len && d->replay != REPLAY_MISMATCH)
			fail_msg("%s: %zu of %zu bytes", d->file, at, said.len);
		session_state_fini(&session);
	}
}

/* The same answers, of another probe's nonce. */
static void answers_to_another_probe_are_not_believed(void **state)
{
	struct session_state session = SESSION_STATE_INIT;
	BUF_AUTO said = BUF_INIT;
	char *nonce;
	size_t at = 0;

	(void)state;
	load("fresh", &said);
	nonce = memmem(said.data, said.len, "000000000000002a", 16);
	assert_non_null(nonce);
	nonce[15] = 'b';
	assert_int_equal(play_capture(&said, &at, "app", false, &session), CAPTURE_BROKEN);
	session_state_fini(&session);
}

static enum capture_step capture_where_lastval_is_refused_with(const char *sqlstate)
{
	static const char done[] = "C\0\0\0\7DO";
	struct session_state session = SESSION_STATE_INIT;
	BUF_AUTO said = BUF_INIT;
	BUF_AUTO instead = BUF_INIT;
	const char *block;
	enum capture_step step;
	size_t at = 0;

	load("fresh", &said);
	block = memmem(said.data, said.len, done, sizeof done);
	assert_non_null(block);
	buf_add(&instead, said.data, (size_t)(block - said.data));
	buf_add(&instead, "E\0\0\0\x19VERROR\0C", 13);
	buf_add(&instead, sqlstate, 6);
	buf_add(&instead, "Mstop\0\0", 7);
	buf_add(&instead, block + sizeof done, said.len - (size_t)(block - said.data) - sizeof done);
	step = play_capture(&instead, &at, "app", false, &session);
	session_state_fini(&session);
	return step;
}

/* Without PL/pgSQL it stays open whether lastval() is defined; who was only stopped is asked again. */
static void a_cancel_does_not_hide_lastval(void **state)
{
	(void)state;
	assert_int_equal(capture_where_lastval_is_refused_with("42704"), CAPTURE_DONE);
	assert_int_equal(capture_where_lastval_is_refused_with("57014"), CAPTURE_FAILED);
}

/* Whatever is in the state, one setting after the other: what is shown must be what was asked. */
static void another_value_is_a_mismatch(void **state)
{
	struct session_state session = SESSION_STATE_INIT;
	BUF_AUTO said = BUF_INIT;
	char *role;
	size_t at = 0;

	(void)state;
	load("authorization", &said);
	assert_int_equal(play_capture(&said, &at, "postgres", false, &session), CAPTURE_DONE);
	role = memmem(said.data + at, said.len - at, "other", 5);
	assert_non_null(role);
	role[0] = 'O';
	assert_int_equal(play_replay(&said, &at, &session), REPLAY_MISMATCH);
	session_state_fini(&session);
}

/* What may fail in the middle of the settings must not change what was set before: late ones last.
 */
static void timeouts_are_set_after_the_statements(void **state)
{
	struct session_state session = SESSION_STATE_INIT;
	struct state_setting work = {.name = "work_mem", .value = "1MB"};
	struct state_setting timeout = {&work, "statement_timeout", "1ms"};
	struct state_statement statement = {.name = "S_1", .sql = "SELECT 1"};
	struct replay r;
	BUF_AUTO out = BUF_INIT;
	const char *late, *prepared, *early;

	(void)state;
	session.settings = &timeout;
	session.statements = &statement;
	session.role = "somebody";
	replay_begin(&r, &session, &out);
	early = memmem(out.data, out.len, "work_mem", 8);
	prepared = memmem(out.data, out.len, "S_1", 3);
	late = memmem(out.data, out.len, "statement_timeout", 17);
	assert_true(early != NULL && prepared != NULL && late != NULL);
	assert_true(early < (const char *)memmem(out.data, out.len, "somebody", 8));
	assert_true((const char *)memmem(out.data, out.len, "somebody", 8) < prepared);
	assert_true(prepared < late);
}

static void feed(struct replay *r, enum replay_step wanted, const char *types, const char *row)
{
	enum replay_step step = REPLAY_MORE;

	for (const char *type = types; *type; type++)
		step = replay_feed(r, (uint8_t)*type,
			*type == 'D' ? (const uint8_t *)row : (const uint8_t *)"I",
			*type == 'D' ? 10 : 1);
	assert_int_equal(step, wanted);
}

/* To the first of two channels; all after it go well. */
static enum replay_step refused_with(const char *sqlstate)
{
	struct session_state session = SESSION_STATE_INIT;
	struct state_name channel = {.name = "plain"};
	enum replay_step step = REPLAY_MORE;
	struct replay r;
	uint8_t bytes[64];
	BUF_AUTO out = BUF_INIT;
	int len = snprintf((char *)bytes, sizeof bytes, "VERROR%cC%s%cMno%c", 0, sqlstate, 0, 0) + 1;

	session.channels = &channel;
	replay_begin(&r, &session, &out);
	assert_int_equal(replay_feed(&r, 'E', bytes, (size_t)len), REPLAY_MORE);
	assert_int_equal(replay_feed(&r, 'Z', (const uint8_t *)"I", 1), REPLAY_MORE);
	for (const char *type = "12CZ"; *type; type++)
		step = replay_feed(&r, (uint8_t)*type, (const uint8_t *)"I", 1);
	return step;
}

/* What the server refuses because it was asked to stop is no word about the session. */
static void a_refusal_that_may_pass_is_no_mismatch(void **state)
{
	(void)state;
	assert_int_equal(refused_with("55P03"), REPLAY_PASSING); /* lock_timeout */
	assert_int_equal(refused_with("57014"), REPLAY_PASSING); /* statement_timeout, or a cancel */
	assert_int_equal(refused_with("42501"), REPLAY_MISMATCH);
}

/* Two LISTENs and one look: only what the server lists itself counts. */
static void channels_are_read_back(void **state)
{
	struct session_state session = SESSION_STATE_INIT;
	struct state_name plain = {.name = "plain"};
	struct state_name quoted = {&plain, "a\"b"};
	struct replay r;
	BUF_AUTO out = BUF_INIT;

	(void)state;
	session.channels = &quoted;
	replay_begin(&r, &session, &out);
	assert_non_null(memmem(out.data, out.len, "LISTEN \"a\"\"b\"", 14));
	assert_non_null(memmem(out.data, out.len, "{\"a\\\"b\",\"plain\"}", 17));
	feed(&r, REPLAY_DONE, "12CZ12CZ12DCZ", "\0\1\0\0\0\4same");
	replay_begin(&r, &session, &out);
	feed(&r, REPLAY_MISMATCH, "12CZ12CZ12DCZ", "\0\1\0\0\0\4some");
	replay_begin(&r, &session, &out);
	feed(&r, REPLAY_MISMATCH, "12CZ12CZ12CZ", NULL); /* no row at all */
}

static void add_row(
	struct buf *row, const char *tag, const char *kind, const char *a, const char *b)
{
	const char *const columns[] = {tag, kind, a, b, ""};
	uint8_t len[4];

	buf_clear(row);
	buf_add(row, "\0\5", 2);
	for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
		wire_put32(len, (uint32_t)strlen(columns[i]));
		buf_add(row, len, sizeof len);
		buf_add(row, columns[i], strlen(columns[i]));
	}
}

/* A cancel that comes late stops a kept probe before its rows or within them: asked once more at
 * once it would name the statement twice. */
static void a_kept_probe_that_is_stopped_is_asked_again_only_if_it_said_nothing(void **unused)
{
	static const uint8_t stopped[] = "SERROR\0VERROR\0C57014\0Mstopped\0";
	const struct capture_options options = {
		.nonce = 7, .user = "app", .kept = 42, .kept_serves = true};

	(void)unused;
	for (int rows = 0; rows < 2; rows++) {
		struct session_state session = SESSION_STATE_INIT;
		struct capture c;
		BUF_AUTO out = BUF_INIT;
		BUF_AUTO row = BUF_INIT;
		enum capture_step step;

		capture_begin(&c, &options, &session, &out);
		if (rows > 0) {
			add_row(&row, "airlock_probe_000000000000002a", "who", "none", "app");
			capture_feed(&c, 'D', (const uint8_t *)row.data, row.len, &out);
			add_row(&row, "", "prep", "S_1", "SELECT 1");
			step = capture_feed(&c, 'D', (const uint8_t *)row.data, row.len, &out);
			assert_int_equal(step, CAPTURE_MORE);
		}
		capture_feed(&c, 'E', stopped, sizeof stopped, &out);
		assert_int_equal(
			capture_feed(&c, 'Z', (const uint8_t *)"I", 1, &out), CAPTURE_MORE);
		step = capture_feed(&c, 'Z', (const uint8_t *)"I", 1, &out);
		assert_int_equal(step, rows > 0 ? CAPTURE_FAILED : CAPTURE_SEND);
		session_state_fini(&session);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_dialogues_end_as_they_did),
		cmocka_unit_test(answers_to_another_probe_are_not_believed),
		cmocka_unit_test(a_cancel_does_not_hide_lastval),
		cmocka_unit_test(another_value_is_a_mismatch),
		cmocka_unit_test(timeouts_are_set_after_the_statements),
		cmocka_unit_test(a_refusal_that_may_pass_is_no_mismatch),
		cmocka_unit_test(channels_are_read_back),
		cmocka_unit_test(
			a_kept_probe_that_is_stopped_is_asked_again_only_if_it_said_nothing),
	};

	if (argc != 2)
		return 2;
	corpus = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
