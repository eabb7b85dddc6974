/*
 * carry.c - the gateway's own dialogues on a session's server: the probe that captures its state at
 * a boundary (capture.h), and the replay that makes it again on another server (replay.h).
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "gateway/hold.h"
#include "gateway/impatience.h"
#include "gateway/packet.h"
#include "gateway/say.h"
#include "gateway/session.h"
#include "pgwire/message.h"

#define CAPTURES_MAX 3u /* a cancel that came late can hit a probe */

/* ---- talking --------------------------------------------------------------------------------- */

/* What we have to say may be more than the socket takes. */
static void say_mine(struct session *s)
{
	struct leg *leg = s->server.leg;
	size_t left = s->mine.len - s->mine_sent;

	if (left == 0)
		return;
	s->mine_sent += leg_write(leg, s->mine.data + s->mine_sent, left);
	if (s->mine_sent == s->mine.len) {
		buf_clear(&s->mine);
		s->mine_sent = 0;
	}
	leg_arm(leg);
}

static void begin_talk(struct session *s)
{
	buf_clear(&s->mine);
	buf_clear(&s->big);
	s->mine_sent = 0;
	s->server_need = 0;
	s->server.leg->reading = true;
}

/* ---- what a message leads to ----------------------------------------------------------------- */

/* Decided while the message is there, carried out when it has been dropped: only then is the
 * session where the message has brought it. */
enum act {
	ACT_NONE,
	ACT_PROBED,
	ACT_PROBE_FAILED,
	ACT_FLUSHED,
	ACT_REPLAYED,
	ACT_REPLAY_FAILED,
	ACT_REPLAY_AGAIN,
	ACT_ENDED
};

static void probed(struct session *s)
{
	s->phase = SESSION_RUN;
	s->probe_wanted = false;
	hold_news(s->gateway->hold, s);
	relay_client(s, false); /* settles */
}

static void probe_done(struct session *s)
{
	s->dirty = false;
	s->looked_ms = (int64_t)uv_now(&s->gateway->loop);
	s->captures_failed = 0;
	if (capture_finds(&s->capture)) {
		setting_names_learn(&s->gateway->names, &s->state);
		s->kept_names = s->gateway->names.version;
	}
	if (capture_unnamed_is_gone(&s->capture))
		buf_clear(&s->unnamed.parse);
	if (s->unnamed.lost)
		s->state.lost |= STATE_SIZE;
	s->kept = capture_kept(&s->capture);
	if (!renew_take(s))
		probed(s);
}

static void probe_failed(struct session *s)
{
	s->unknown = ++s->captures_failed >= CAPTURES_MAX;
	snprintf(s->why, sizeof s->why, "%s", capture_why(&s->capture));
	s->kept = capture_kept(&s->capture);
	renew_leave(s); /* there is nothing to make again */
	probed(s);
}

void carry_look_over(struct session *s)
{
	if (!s->look_ended || impatience_cancels(s))
		return;
	impatience_end(s);
	s->look_ended = false;
	if (s->look_done)
		probe_done(s);
	else
		probe_failed(s);
}

/* It was held, and is held again; what its server had to say is said.  The hold may have ended
 * meanwhile, and looked only at those who were held. */
static void flushed(struct session *s)
{
	s->flushing = false;
	if (!hold_keeps(s->gateway->hold, &s->server))
		server_close(&s->server);
	session_hold_again(s);
	session_settle(s);
}

static void ended(struct session *s, const struct err *err)
{
	if (s->flushing) { /* as when a held session's server ends at any other moment */
		server_close(&s->server);
		flushed(s);
	} else if (s->phase == SESSION_PROBE)
		session_refuse_as(s, err);
	else if (s->reading_register)
		server_close(&s->server); /* the answer finds it gone */
	else
		open_failed(s, err);
}

/* On another login, while there is time. */
static void replay_again(struct session *s)
{
	struct err err = ERR_INIT;

	err_set(&err, ERR_SQL, "the session could not be carried to the other side: %s",
		replay_why(&s->replay));
	snprintf(err.sqlstate, sizeof err.sqlstate, "57P01");
	open_failed(s, &err);
}

static void carry_out(struct session *s, enum act act, const struct err *err)
{
	switch (act) {
	case ACT_NONE:
		break;
	case ACT_PROBED:
	case ACT_PROBE_FAILED:
		s->look_ended = true;
		s->look_done = act == ACT_PROBED;
		carry_look_over(s);
		break;
	case ACT_FLUSHED:
		flushed(s);
		break;
	case ACT_REPLAYED:
		open_replayed(s);
		break;
	case ACT_REPLAY_FAILED:
		if (renew_refused(s, replay_why(&s->replay)))
			break;
		say("a session of %.63s could not be carried to %s: %s", s->login.user,
			control_side_name(s->aim), replay_why(&s->replay));
		session_refuse(s, "57P01", "the session could not be carried to the other side: %s",
			replay_why(&s->replay));
		break;
	case ACT_REPLAY_AGAIN:
		replay_again(s);
		break;
	case ACT_ENDED:
		ended(s, err);
		break;
	}
}

/* ---- beginning ------------------------------------------------------------------------------- */

void carry_probe(struct session *s)
{
	struct capture_options options = {0};

	REQUIRE(s->phase == SESSION_RUN && session_at_boundary(s));
	begin_talk(s);
	gateway_random(&options.nonce, sizeof options.nonce);
	options.user = s->login.user;
	setting_names_ask(&s->gateway->names, &options);
	options.keep = hold_is_arming(s->gateway->hold);
	options.kept = s->kept;
	options.kept_serves = s->kept_names == s->gateway->names.version;
	s->kept_names = s->gateway->names.version;
	options.unnamed = (const uint8_t *)buf_str(&s->unnamed.parse);
	options.unnamed_len = s->unnamed.parse.len;
	s->look_ended = false;
	session_state_fini(&s->state);
	s->state = SESSION_STATE_INIT;
	s->phase = SESSION_PROBE;
	hold_looks_at_one(s->gateway->hold);
	capture_begin(&s->capture, &options, &s->state, &s->mine);
	impatience_begin(s);
	say_mine(s);
}

void carry_flush(struct session *s)
{
	REQUIRE(session_is_held(s) && server_is_open(&s->server));
	begin_talk(s);
	s->phase = SESSION_PROBE;
	s->flushing = true;
	packet_sync(&s->mine);
	say_mine(s);
}

void carry_replay(struct session *s)
{
	REQUIRE(s->phase == SESSION_OPENING);
	if (!replay_is_empty(&s->state)) {
		begin_talk(s);
		replay_begin(&s->replay, &s->state, &s->mine);
		say_mine(s);
	} else if (s->renew == RENEW_TRYING) {
		begin_talk(s);
		packet_sync(&s->mine); /* it must answer before the old one is let go */
		say_mine(s);
	} else {
		open_replayed(s);
	}
}

/* ---- answers --------------------------------------------------------------------------------- */

/* A server that ends the session in the middle of our dialogue. */
static bool is_fatal(const uint8_t *body, size_t len, struct err *ret_err)
{
	struct message_fields f;

	if (!message_fields(body, len, &f) ||
		(strcmp(f.severity, "FATAL") != 0 && strcmp(f.severity, "PANIC") != 0))
		return false;
	err_set(ret_err, ERR_SQL, "%.400s", f.text);
	snprintf(ret_err->sqlstate, sizeof ret_err->sqlstate, "%.5s", f.sqlstate);
	return true;
}

/* A client that knows its own by the process id must know them still. */
static void carry_notification(struct session *s, const uint8_t *message, size_t len)
{
	uint8_t head[WIRE_HEAD_BYTES + 4];

	if (len < sizeof head)
		return;
	memcpy(head, message, sizeof head);
	if (wire_get32(head + WIRE_HEAD_BYTES) == s->server.pid)
		wire_put32(head + WIRE_HEAD_BYTES, s->pid);
	if (leg_send(s->client, head, sizeof head))
		leg_send(s->client, message + sizeof head, len - sizeof head);
}

/* Not an answer: the client's to hear while it is on its own server, and ours to keep before. */
static void asynchronous(struct session *s, const uint8_t *message, size_t len)
{
	const uint8_t *body = message + WIRE_HEAD_BYTES;
	size_t body_len = len - WIRE_HEAD_BYTES;

	if (message[0] == 'A') {
		carry_notification(s, message, len);
		return;
	}
	if (s->phase == SESSION_OPENING) {
		if (message[0] == 'S')
			params_take(&s->server.params, body, body_len);
		return;
	}
	if (message[0] == 'S')
		params_take(&s->told, body, body_len);
	if (message[0] != 'N' || !capture_notice(&s->capture, body, body_len))
		leg_send(s->client, message, len);
}

static enum act probe_act(enum capture_step step, struct err *ret_err)
{
	switch (step) {
	case CAPTURE_MORE:
	case CAPTURE_SEND:
		return ACT_NONE;
	case CAPTURE_DONE:
		return ACT_PROBED;
	case CAPTURE_FAILED:
		return ACT_PROBE_FAILED;
	case CAPTURE_BROKEN:
		break;
	}
	err_set(ret_err, ERR_SQL, "the server gave answers to other questions");
	return ACT_ENDED;
}

static enum act replay_act(enum replay_step step)
{
	switch (step) {
	case REPLAY_MORE:
		return ACT_NONE;
	case REPLAY_DONE:
		return ACT_REPLAYED;
	case REPLAY_PASSING:
		return ACT_REPLAY_AGAIN;
	case REPLAY_MISMATCH:
	case REPLAY_BROKEN:
		break;
	}
	return ACT_REPLAY_FAILED;
}

static enum act take_message(
	struct session *s, const uint8_t *message, size_t len, struct err *ret_err)
{
	const uint8_t *body = message + WIRE_HEAD_BYTES;
	size_t body_len = len - WIRE_HEAD_BYTES;
	uint8_t type = message[0];

	if (type == 'N' || type == 'S' || type == 'A') {
		asynchronous(s, message, len);
		return ACT_NONE;
	}
	if (type == 'E' && is_fatal(body, body_len, ret_err))
		return ACT_ENDED;
	if (s->flushing)
		return type == 'Z' ? ACT_FLUSHED : ACT_NONE;
	if (s->look_ended) {
		err_set(ret_err, ERR_SQL, "the server gives answers that nobody asked for");
		return ACT_ENDED;
	}
	if (s->phase == SESSION_PROBE && track_is_late(&s->track, type)) {
		leg_send(s->client, message, len);
		return ACT_NONE;
	}
	if (s->phase == SESSION_PROBE)
		return probe_act(
			capture_feed(&s->capture, type, body, body_len, &s->mine), ret_err);
	if (replay_is_empty(&s->state))
		return type == 'Z' ? ACT_REPLAYED : ACT_NONE;
	return replay_act(replay_feed(&s->replay, type, body, body_len));
}

/* A message longer than the leg's buffer is put together elsewhere.  True when it is whole. */
static bool collect(struct session *s, size_t total)
{
	struct leg *leg = s->server.leg;
	size_t n = total - s->big.len;

	if (n > leg_unseen(leg))
		n = leg_unseen(leg);
	buf_add(&s->big, leg->in + leg->start, n);
	leg_drop(leg, (uint32_t)n);
	return s->big.len == total;
}

enum next { NEXT, NEXT_WAIT, NEXT_OVER };

static enum next take_big(struct session *s, size_t total)
{
	struct err err = ERR_INIT;
	enum act act;

	if (!collect(s, total))
		return NEXT_WAIT;
	act = take_message(s, (const uint8_t *)s->big.data, total, &err);
	buf_clear(&s->big);
	carry_out(s, act, &err);
	return act == ACT_NONE ? NEXT : NEXT_OVER;
}

static enum next next_message(struct session *s)
{
	struct leg *leg = s->server.leg;
	struct err err = ERR_INIT;
	struct wire_head head;
	const uint8_t *at = s->big.len > 0 ? (const uint8_t *)s->big.data : leg->in + leg->start;
	size_t here = s->big.len > 0 ? s->big.len : leg_unseen(leg), total;
	enum act act;

	switch (wire_head_read(at, here, WIRE_BODY_MAX, &head)) {
	case WIRE_MORE:
		leg_compact(leg);
		return NEXT_WAIT;
	case WIRE_BROKEN:
		err_set(&err, ERR_SQL, "the server's bytes are not PostgreSQL's protocol");
		carry_out(s, ACT_ENDED, &err);
		return NEXT_OVER;
	case WIRE_WHOLE:
		break;
	}
	total = WIRE_HEAD_BYTES + (size_t)head.body;
	if (total > POOL_BUFFER_BYTES)
		return take_big(s, total);
	if (here < total) {
		leg_compact(leg);
		return NEXT_WAIT;
	}
	act = take_message(s, at, total, &err);
	leg_drop(leg, (uint32_t)total);
	carry_out(s, act, &err);
	return act == ACT_NONE ? NEXT : NEXT_OVER;
}

/* What the server said before it went was taken already. */
static void server_left(struct session *s)
{
	struct err err = ERR_INIT;

	err_set(&err, ERR_UNREACHABLE, "the server went away");
	carry_out(s, ACT_ENDED, &err);
}

/* Its client was told more than it takes: what the server says next may be for it, too. */
static bool client_is_behind(const struct session *s)
{
	const struct leg *leg = s->client;

	return leg->out && !leg->deaf && !leg->broken;
}

bool carry_waits(const struct session *s)
{
	return server_is_open(&s->server) && s->server.phase == SERVER_IN &&
	       !s->server.leg->reading;
}

void carry_pump(struct session *s)
{
	struct leg *leg = s->server.leg;
	enum next next = NEXT;
	bool came;

	say_mine(s);
	leg->reading = true; /* whoever has it when this is over finds it so */
	leg_arm(leg);
	do {
		came = !client_is_behind(s) && leg_read(leg);
		next = NEXT;
		while (next == NEXT && leg_unseen(leg) > 0 && !client_is_behind(s))
			next = next_message(s);
		if (next == NEXT_OVER)
			return;
	} while (came);
	leg->reading = !client_is_behind(s);
	if (leg->reading && (leg->gone || leg->broken)) {
		server_left(s);
		return;
	}
	say_mine(s); /* an answer may have led to more questions */
	leg_arm(leg);
}
