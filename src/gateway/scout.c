#include "gateway/scout.h"

#include <stdlib.h>

#include "base/check.h"
#include "gateway/capture.h"

struct scout {
	struct session *of; /* NULL = nobody's: at rest */
	scout_cb done;
	struct capture capture;
	struct session_state state;
	struct buf out;
	size_t sent;
};

struct scout *scout_new(void)
{
	struct scout *scout = calloc(1, sizeof *scout);

	ENSURE(scout != NULL);
	scout->state = SESSION_STATE_INIT;
	return scout;
}

static void rest(struct scout *scout)
{
	scout->of = NULL;
	session_state_fini(&scout->state);
	buf_fini(&scout->out);
	scout->out = BUF_INIT;
	scout->sent = 0;
}

void scout_free(struct scout *scout)
{
	if (!scout)
		return;
	rest(scout);
	free(scout);
}

bool scout_is_busy(const struct scout *scout)
{
	return scout->of != NULL;
}

void scout_leave(struct scout *scout, const struct session *s)
{
	if (scout->of == s)
		rest(scout);
}

static void end(struct scout *scout, bool found)
{
	struct session *s = scout->of;

	if (found)
		setting_names_learn(&s->gateway->names, &scout->state);
	rest(scout);
	scout->done(s, found);
}

static void say_more(struct scout *scout)
{
	size_t left = scout->out.len - scout->sent;

	if (left > 0)
		scout->sent += leg_write(
			scout->of->second.leg, scout->out.data + scout->sent, left);
}

/* What its next message leads to, which has been dropped by then. */
static enum capture_step hear(struct scout *scout, struct leg *leg)
{
	const uint8_t *at = leg->in + leg->start;
	enum capture_step step = CAPTURE_MORE;
	struct wire_head head;

	/* Nothing that it asks for is longer than a buffer. */
	if (wire_head_read(at, leg_unseen(leg), POOL_BUFFER_BYTES - WIRE_HEAD_BYTES, &head) ==
		WIRE_BROKEN)
		return CAPTURE_BROKEN;
	if (head.type != 'S' && head.type != 'N' && head.type != 'A')
		step = capture_feed(&scout->capture, head.type, at + WIRE_HEAD_BYTES, head.body,
			&scout->out);
	leg_drop(leg, WIRE_HEAD_BYTES + head.body);
	return step;
}

static bool is_whole(const struct leg *leg)
{
	struct wire_head head;

	if (leg_unseen(leg) == 0)
		return false;
	switch (wire_head_read(leg->in + leg->start, leg_unseen(leg),
		POOL_BUFFER_BYTES - WIRE_HEAD_BYTES, &head)) {
	case WIRE_MORE:
		return false;
	case WIRE_WHOLE:
		return leg_unseen(leg) >= WIRE_HEAD_BYTES + head.body;
	case WIRE_BROKEN:
		break;
	}
	return true; /* and hear() says so */
}

/* False when it is over. */
static bool hear_all(struct scout *scout, struct leg *leg)
{
	while (is_whole(leg)) {
		enum capture_step step = hear(scout, leg);

		if (step == CAPTURE_MORE || step == CAPTURE_SEND)
			continue;
		end(scout, step == CAPTURE_DONE);
		return false;
	}
	leg_compact(leg);
	return true;
}

static void on_ready(struct leg *leg)
{
	struct scout *scout = leg->owner;
	bool came;

	leg_flush(leg);
	say_more(scout);
	do {
		came = leg_read(leg);
		if (!hear_all(scout, leg))
			return;
	} while (came);
	if (leg->gone || leg->broken) {
		end(scout, false);
		return;
	}
	say_more(scout);
	leg_arm(leg);
}

void scout_begin(struct scout *scout, struct session *s, scout_cb done)
{
	struct capture_options options = {.user = s->login.user, .find = true};
	struct leg *leg = s->second.leg;

	REQUIRE(!scout->of && leg != NULL);
	scout->of = s;
	scout->done = done;
	gateway_random(&options.nonce, sizeof options.nonce);
	capture_begin(&scout->capture, &options, &scout->state, &scout->out);
	leg->owner = scout;
	leg->ready = on_ready;
	leg->reading = true;
	say_more(scout);
	leg_arm(leg);
}
