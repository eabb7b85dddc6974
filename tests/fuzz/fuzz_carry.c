/* fuzz_carry.c - any bytes as what a server answers to a capture, and then to the replay of what
 * that capture took from it.  Recorded with nonce 42 and user app. */
#include <string.h>

#include "base/buf.h"
#include "gateway/capture.h"
#include "gateway/replay.h"

#include "fuzz_target.h"
#include "fuzz_wire.h"

static const uint8_t unnamed[] = "P\0\0\0\x19\0SELECT $1\0\0\2\0\0\0\x17\0\0\x40\1";

static enum capture_step capture(
	const uint8_t **at, const uint8_t *end, bool with_unnamed, struct session_state *state)
{
	const struct capture_options options = {.nonce = 42,
		.user = "app",
		.unnamed = with_unnamed ? unnamed : NULL,
		.unnamed_len = sizeof unnamed - 1};
	enum capture_step step = CAPTURE_MORE;
	struct wire_head head;
	const uint8_t *body;
	struct capture c;
	BUF_AUTO out = BUF_INIT;

	capture_begin(&c, &options, state, &out);
	while (step <= CAPTURE_SEND && fuzz_message(at, end, &head, &body)) {
		buf_clear(&out);
		if (head.type == 'N')
			capture_notice(&c, body, head.body);
		else
			step = capture_feed(&c, head.type, body, head.body, &out);
		ENSURE((step == CAPTURE_SEND) == (out.len > 0));
	}
	ENSURE(strlen(capture_why(&c)) < sizeof c.why);
	ENSURE(step < CAPTURE_FAILED || step == CAPTURE_DONE || *capture_why(&c) != '\0');
	return step;
}

static void replay(const uint8_t **at, const uint8_t *end, const struct session_state *state)
{
	enum replay_step step = REPLAY_MORE;
	struct wire_head head;
	const uint8_t *body;
	struct replay r;
	BUF_AUTO out = BUF_INIT;

	replay_begin(&r, state, &out);
	ENSURE(replay_is_empty(state) == (out.len == 0));
	while (out.len > 0 && step == REPLAY_MORE && fuzz_message(at, end, &head, &body))
		step = replay_feed(&r, head.type, body, head.body);
	ENSURE(step < REPLAY_MISMATCH || *replay_why(&r) != '\0');
}

static void carry(const uint8_t *data, size_t size, bool with_unnamed)
{
	struct session_state state = SESSION_STATE_INIT;
	const uint8_t *at = data;

	if (capture(&at, data + size, with_unnamed, &state) == CAPTURE_DONE)
		replay(&at, data + size, &state);
	session_state_fini(&state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	carry(data, size, false);
	carry(data, size, true);
	return 0;
}
