/*
 * relay.c - the hot path: bytes go from one leg's buffer to the other leg's socket; only message
 * headers are looked at, but for the few messages of which the gateway has to know more.
 */
#include <string.h>

#include "base/check.h"
#include "gateway/hold.h"
#include "gateway/session.h"
#include "pgwire/message.h"

/* What OpenSSL has read and no socket will tell of.  More than that is for the loop's next turn:
 * others must have theirs while one session carries as much as two machines can say. */
static bool has_rest(const struct leg *leg)
{
	return leg->ssl && SSL_has_pending(leg->ssl);
}

/* ---- from the client ------------------------------------------------------------------------- */

/* Part of the message that was begun: goes on as it is. */
static void client_rest(struct session *s)
{
	struct leg *leg = s->client;
	uint32_t n = leg_unseen(leg) < s->client_need ? leg_unseen(leg) : s->client_need;

	if (s->unnamed.keeping)
		unnamed_more(&s->unnamed, leg->in + leg->mid, n);
	sets_bytes(&s->sets, leg->in + leg->mid, n, n == s->client_need);
	leg->mid += n;
	s->client_need -= n;
	s->account.bytes_in += n;
	if (s->client_need == 0)
		s->unnamed.keeping = false;
}

/* In a hold, and while others are first, only what completes what it has begun. */
static bool may_hand_on(const struct session *s)
{
	if (!track_has_room(&s->track))
		return false;
	return hold_lets_begin(s->gateway->hold, s) || track_may_go_on(&s->track) || s->let_on;
}

enum taken { TAKEN, TAKEN_NOT, TAKEN_OVER };

/* The header of the next message. */
static enum taken client_head(struct session *s)
{
	struct leg *leg = s->client;
	const uint8_t *message = leg->in + leg->mid;
	struct wire_head head;
	bool read;

	switch (wire_head_read(message, leg_unseen(leg), WIRE_BODY_MAX, &head)) {
	case WIRE_MORE:
		return TAKEN_NOT;
	case WIRE_BROKEN:
		session_refuse(s, "08P01", "invalid message length");
		return TAKEN_OVER;
	case WIRE_WHOLE:
		break;
	}
	if (head.type == 'P' && head.body > 0 && leg_unseen(leg) <= WIRE_HEAD_BYTES)
		return TAKEN_NOT;
	if (head.type == 'X') {
		s->bye = true;
		return TAKEN_NOT;
	}
	if (!may_hand_on(s))
		return TAKEN_NOT;
	s->active_ms = (int64_t)uv_now(&s->gateway->loop);
	if (track_is_safe(&s->track))
		s->began_ms = s->active_ms;
	read = track_client(&s->track, head.type);
	s->dirty = true;
	s->let_on = false;
	s->waiting_us = 0; /* it came while the session was looked at, and waits no more */
	s->unknown = false;
	s->captures_failed = 0;
	s->client_need = head.body;
	sets_head(&s->sets, head.type);
	if (read)
		unnamed_client(&s->unnamed, message, head.type, head.body,
			head.type == 'P' && head.body > 0 ? message[WIRE_HEAD_BYTES] : 0,
			track_units_owed(&s->track));
	leg->mid += WIRE_HEAD_BYTES;
	s->account.bytes_in += WIRE_HEAD_BYTES;
	return TAKEN;
}

/* Looks at what has come and hands on what may go.  False when the session is over. */
static bool client_hand_on(struct session *s)
{
	struct leg *leg = s->client;
	enum taken taken = TAKEN;

	while (taken == TAKEN && leg_unseen(leg) > 0) {
		if (s->client_need > 0)
			client_rest(s);
		else
			taken = client_head(s);
	}
	if (taken == TAKEN_OVER)
		return false;
	leg_pass(leg, s->server.leg);
	return true;
}

/* It has said Terminate, and may be listening still for what it had asked before. */
static bool waits_for_answers(const struct session *s)
{
	if (s->track.copy_in)
		return false; /* the server waits for what will not come */
	return track_units_owed(&s->track) > 0 || s->client->blocked || s->client->out;
}

/* It has left.  What it had asked for before still happens, as without a gateway. */
static bool client_left(const struct session *s)
{
	const struct leg *leg = s->client;

	if (leg->broken || leg->deaf)
		return true;
	if (!leg->gone && (!s->bye || waits_for_answers(s)))
		return false;
	/* Its turn comes.  A hold is not waited for: half a message in a transaction would stop it. */
	if (leg_unseen(leg) > 0 && !s->bye && !hold_stops(s->gateway->hold) && !may_hand_on(s))
		return false;
	return !s->server.leg->blocked && track_has_room(&s->track);
}

void relay_client(struct session *s, bool came)
{
	struct leg *leg = s->client;
	bool more = came || has_rest(leg);

	REQUIRE(s->phase == SESSION_RUN && s->server.leg != NULL);
	if (!client_hand_on(s))
		return;
	while (more && !s->bye && !s->server.leg->blocked && leg_read(leg)) {
		if (!client_hand_on(s))
			return;
		more = has_rest(leg);
	}
	if (client_left(s)) {
		session_close(s);
		return;
	}
	/* While a request waits here, whether for room or for a hold's end, no more is read. */
	leg->reading = !s->server.leg->blocked && !s->bye;
	leg->watching = s->bye;
	leg_arm(leg);
	leg_arm(s->server.leg);
	session_settle(s);
}

/* ---- from the server ------------------------------------------------------------------------- */

/* Messages that must be seen whole: how a session is told of settings, and its end. */
static enum taken server_whole(struct session *s, const struct wire_head *head)
{
	struct leg *leg = s->server.leg;
	const uint8_t *body = leg->in + leg->mid + WIRE_HEAD_BYTES;

	if (WIRE_HEAD_BYTES + head->body > POOL_BUFFER_BYTES) { /* handed on in pieces */
		track_server(&s->track, head->type, 0);
		return TAKEN;
	}
	if (leg_unseen(leg) < WIRE_HEAD_BYTES + head->body)
		return TAKEN_NOT;
	if (head->type == 'S')
		params_take(&s->told, body, head->body);
	/* The last thing that it says.  Whoever is held does not notice: another server awaits him.
	 * What it said before is the client's, a notification perhaps. */
	if (head->type == 'E' && track_server(&s->track, 'E', 0) == TRACK_UNASKED &&
		s->phase == SESSION_HELD) {
		if (!leg_pass(leg, s->client))
			return TAKEN_NOT; /* it is looked at again when the client has read */
		session_leave_server(s);
		return TAKEN_OVER;
	}
	return TAKEN;
}

/* What a command has done is worth a look, so it is waited for; it is never long. */
static bool server_command(struct session *s, const struct wire_head *head)
{
	const struct leg *leg = s->server.leg;

	if (head->body > TAG_BYTES_MAX)
		return true;
	if (leg_unseen(leg) < WIRE_HEAD_BYTES + head->body)
		return false;
	account_command(s, leg->in + leg->mid + WIRE_HEAD_BYTES, head->body);
	sets_tag(&s->sets, leg->in + leg->mid + WIRE_HEAD_BYTES, head->body,
		track_units_owed(&s->track) <= 1);
	return true;
}

static void server_ready(struct session *s, uint8_t status)
{
	track_server(&s->track, 'Z', status);
	s->account.transactions += status == 'I';
}

/* Clients tell their own notifications from others' by the process id that they know. */
static void own_notification(const struct session *s, uint8_t *pid)
{
	if (wire_get32(pid) == s->server.pid)
		wire_put32(pid, s->pid);
}

static void note_unnamed(struct session *s, uint8_t type)
{
	unnamed_server(&s->unnamed, type, track_units_owed(&s->track));
}

static enum taken server_head(struct session *s)
{
	struct leg *leg = s->server.leg;
	const uint8_t *message = leg->in + leg->mid;
	struct wire_head head;
	enum taken taken = TAKEN;

	switch (wire_head_read(message, leg_unseen(leg), WIRE_BODY_MAX, &head)) {
	case WIRE_MORE:
		return TAKEN_NOT;
	case WIRE_BROKEN:
		session_refuse(s, "08P01", "the server's bytes are not PostgreSQL's protocol");
		return TAKEN_OVER;
	case WIRE_WHOLE:
		break;
	}
	if (head.type == 'Z' && leg_unseen(leg) <= WIRE_HEAD_BYTES)
		return TAKEN_NOT;
	if (head.type == 'A' && head.body >= 4 && s->server.pid != s->pid) {
		if (leg_unseen(leg) < WIRE_HEAD_BYTES + 4)
			return TAKEN_NOT;
		own_notification(s, leg->in + leg->mid + WIRE_HEAD_BYTES);
	}
	if (head.type == '1' || head.type == 'E' || head.type == 'Z')
		note_unnamed(s, head.type);
	if (head.type == 'C' && !server_command(s, &head))
		return TAKEN_NOT;
	if (head.type == 'S' || head.type == 'E')
		taken = server_whole(s, &head);
	else if (head.type == 'Z')
		server_ready(s, message[WIRE_HEAD_BYTES]);
	else
		track_server(&s->track, head.type, 0);
	if (taken == TAKEN) {
		leg->mid += WIRE_HEAD_BYTES;
		s->server_need = head.body;
		s->account.bytes_out += WIRE_HEAD_BYTES + (uint64_t)head.body;
	}
	return taken;
}

static bool server_hand_on(struct session *s)
{
	struct leg *leg = s->server.leg;
	enum taken taken = TAKEN;

	while (taken == TAKEN && leg_unseen(leg) > 0) {
		if (s->server_need > 0) {
			uint32_t n =
				leg_unseen(leg) < s->server_need ? leg_unseen(leg) : s->server_need;

			leg->mid += n;
			s->server_need -= n;
		} else {
			taken = server_head(s);
		}
	}
	if (taken == TAKEN_OVER)
		return false;
	leg_pass(leg, s->client);
	return true;
}

/* Without a word, or after the words went by. */
static void server_gone(struct session *s)
{
	if (s->phase == SESSION_HELD) {
		session_leave_server(s);
		return;
	}
	session_end(s);
}

void relay_server(struct session *s, bool came)
{
	struct leg *leg = s->server.leg;
	bool more = came || has_rest(leg);

	REQUIRE(leg != NULL);
	if (!server_hand_on(s))
		return;
	while (more && !s->client->blocked && leg_read(leg)) {
		if (!server_hand_on(s))
			return;
		more = has_rest(leg);
	}
	if (s->client->broken || s->client->deaf) {
		session_close(s);
		return;
	}
	if ((leg->gone || leg->broken) && !s->client->blocked) {
		server_gone(s);
		return;
	}
	leg->reading = !s->client->blocked;
	leg_arm(leg);
	if (s->phase == SESSION_RUN && (leg_unseen(s->client) > 0 || s->client->gone))
		relay_client(s, false); /* it may have waited for room, or for this answer */
	else
		leg_arm(s->client);
	session_settle(s);
	if (s->phase == SESSION_HELD)
		hold_news(s->gateway->hold, s); /* its client may have heard all by now */
}
