#include "gateway/session.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "gateway/blockers.h"
#include "gateway/hold.h"
#include "gateway/impatience.h"
#include "gateway/park.h"
#include "gateway/say.h"
#include "gateway/tryout.h"
#include "pgwire/message.h"

#define LOGIN_MS 60000	   /* as PostgreSQL's authentication_timeout */
#define LAST_WORDS_MS 5000 /* for a client that does not read why it is refused */
#define LAST_READS_MAX 16  /* in a turn, of one that goes on talking */

/* ---- life ------------------------------------------------------------------------------------ */

static struct session *slab_take(struct gateway *g)
{
	struct session *s = g->free;

	if (s)
		g->free = s->next;
	else if (g->used < GATEWAY_SESSIONS_MAX)
		s = &g->slab[g->used++];
	return s;
}

void session_ref(struct session *s)
{
	INVARIANT(s->refs > 0);
	s->refs++;
}

void session_unref(struct session *s)
{
	INVARIANT(s->refs > 0);
	if (--s->refs > 0)
		return;
	INVARIANT(s->phase == SESSION_GONE);
	s->next = s->gateway->free;
	s->gateway->free = s;
}

static void on_time(uv_timer_t *timer)
{
	session_close(timer->data); /* the login, or the last words, took too long */
}

static void link_in(struct session *s)
{
	struct gateway *g = s->gateway;

	s->next = g->first;
	if (g->first)
		g->first->prev = s;
	g->first = s;
	g->count++;
}

static void link_out(struct session *s)
{
	if (s->prev)
		s->prev->next = s->next;
	else
		s->gateway->first = s->next;
	if (s->next)
		s->next->prev = s->prev;
	s->gateway->count--;
}

/* As a server whose connections are all in use would; it closes in any case. */
static void turn_away(int fd)
{
	uint8_t bytes[128];
	struct wire_out out = wire_out(bytes, sizeof bytes);

	message_error(&out, "FATAL", "53300", "too many clients are connected to this gateway");
	if (send(fd, bytes, out.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		say("a client was turned away without a word: all sessions are in use");
	close(fd);
}

void session_new(struct gateway *gateway, int fd)
{
	struct session *s = slab_take(gateway);
	int on = 1;

	if (!s) {
		turn_away(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	*s = (struct session){.gateway = gateway, .refs = 1, .state = SESSION_STATE_INIT};
	account_begin(s, fd);
	s->client = leg_new(&gateway->legs, fd, session_pump_client, s);
	ENSURE(s->client != NULL); /* there are as many as sessions need */
	ENSURE(uv_timer_init(&gateway->loop, &s->timer) == 0);
	s->timer.data = s;
	uv_timer_start(&s->timer, on_time, LOGIN_MS, 0);
	link_in(s);
}

static void on_timer_closed(uv_handle_t *handle)
{
	session_unref(handle->data);
}

static void leave_cancelled(struct session *s)
{
	struct session *of = s->cancel_of;

	s->cancel_of = NULL;
	if (!of)
		return;
	INVARIANT(of->cancels > 0);
	of->cancels--;
	if (of->phase != SESSION_GONE)
		session_settle(of);
	session_unref(of);
}

void session_close(struct session *s)
{
	if (s->phase == SESSION_GONE)
		return;
	account_end(s);
	s->phase = SESSION_GONE;
	if (s->client)
		leg_close(s->client);
	s->client = NULL;
	park_leave(s);
	renew_leave(s);
	tryout_leave(s);
	impatience_end(s);
	server_close(&s->server);
	session_state_fini(&s->state);
	unnamed_fini(&s->unnamed);
	buf_fini(&s->big);
	buf_fini(&s->mine);
	scram_forget(&s->scram, sizeof s->scram);
	scram_forget(s->client_key, sizeof s->client_key);
	scram_forget(s->server_key, sizeof s->server_key);
	link_out(s);
	uv_close((uv_handle_t *)&s->timer, on_timer_closed);
	leave_cancelled(s);
	hold_news(s->gateway->hold, s);
}

/* ---- refusing -------------------------------------------------------------------------------- */

/* What was sent must arrive, so the socket is closed only when the client has closed its end. */
static void last_words(struct session *s)
{
	struct leg *leg = s->client;

	if (leg->out && leg_flush(leg))
		leg_goodbye(leg);
	leg->reading = leg->out == NULL;
	for (int i = 0; i < LAST_READS_MAX && leg->reading && leg_read(leg); i++)
		leg_drop(leg, leg->end - leg->start);
	if (leg->gone || leg->broken || leg->deaf)
		session_close(s);
}

/* In the middle of a message nothing can be said. */
static bool can_speak(const struct session *s)
{
	return s->client && !s->client->broken && !s->client->gone && s->phase != SESSION_CANCEL &&
	       (!server_is_open(&s->server) || s->server.phase != SERVER_IN ||
		       (s->server_need == 0 && s->server.leg->start == s->server.leg->mid));
}

void session_end(struct session *s)
{
	account_end(s);
	park_leave(s);
	renew_leave(s);
	tryout_leave(s);
	impatience_end(s);
	server_close(&s->server);
	s->phase = SESSION_LAST_WORDS;
	hold_news(s->gateway->hold, s); /* before its client, that may have left, makes it go */
	uv_timer_start(&s->timer, on_time, LAST_WORDS_MS, 0);
	leg_drop(s->client, s->client->end - s->client->start);
	s->client->watching = s->client->blocked = false;
	if (!s->client->out)
		leg_goodbye(s->client);
	last_words(s);
	if (s->phase == SESSION_LAST_WORDS)
		leg_arm(s->client);
}

static void refuse_with(struct session *s, const char *sqlstate, const char *text)
{
	uint8_t bytes[1024];
	struct wire_out out = wire_out(bytes, sizeof bytes);

	if (s->phase == SESSION_GONE || s->phase == SESSION_LAST_WORDS)
		return;
	if (!can_speak(s)) {
		session_close(s);
		return;
	}
	message_error(&out, "FATAL", sqlstate, text);
	leg_send(s->client, bytes, out.len);
	session_end(s);
}

void session_refuse(struct session *s, const char *sqlstate, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	refuse_with(s, sqlstate, text);
}

void session_refuse_as(struct session *s, const struct err *err)
{
	char text[sizeof err->msg];

	snprintf(text, sizeof text, "%s", err->msg);
	refuse_with(s, err->sqlstate[0] ? err->sqlstate : "08006", text);
}

/* ---- where it stands ------------------------------------------------------------------------- */

bool session_counts(const struct session *s)
{
	switch (s->phase) {
	case SESSION_HELD:
	case SESSION_OPENING:
	case SESSION_RUN:
	case SESSION_PROBE:
		return true;
	case SESSION_HELLO:
	case SESSION_AUTH:
	case SESSION_CANCEL:
	case SESSION_LAST_WORDS:
	case SESSION_GONE:
		break;
	}
	return false;
}

bool session_at_boundary(const struct session *s)
{
	const struct leg *server = s->server.leg;

	return server && s->server.phase == SERVER_IN && track_is_safe(&s->track) &&
	       s->client_need == 0 && s->server_need == 0 && s->client->start == s->client->mid &&
	       !server->out && !server->blocked && server->start == server->end && s->cancels == 0;
}

bool session_is_held(const struct session *s)
{
	const struct leg *server = s->server.leg;

	return s->phase == SESSION_HELD &&
	       (!server || (s->server_need == 0 && server->start == server->end));
}

bool session_is_waiting(const struct session *s)
{
	return s->client && (!s->greeted || leg_unseen(s->client) > 0);
}

static bool is_to_clear(const struct session *s, bool waiting, bool listen)
{
	return s->phase == SESSION_HELD && s->flipping && !s->cleared &&
	       session_is_waiting(s) == waiting && (!listen || s->state.channels);
}

struct session *session_to_clear(const struct gateway *g, bool waiting, bool listen)
{
	struct session *first = NULL;

	for (struct session *s = g->first; s && (waiting || !first); s = s->next)
		if (is_to_clear(s, waiting, listen) &&
			(!first || s->waiting_us < first->waiting_us))
			first = s;
	return first;
}

/* A held client's bytes stay in its socket, but for the first, which tells that it waits. */
static void watch_client(struct session *s)
{
	s->client->reading = leg_unseen(s->client) == 0;
	s->client->watching = true;
	leg_arm(s->client);
}

static void become_held(struct session *s)
{
	s->phase = SESSION_HELD;
	if (!session_is_waiting(s))
		s->waiting_us = 0;
	else if (s->waiting_us == 0)
		s->waiting_us = gateway_now_us();
	watch_client(s);
	hold_news(s->gateway->hold, s);
}

void session_detach(struct session *s)
{
	REQUIRE(session_at_boundary(s) && !s->dirty);
	server_close(&s->server);
	s->detached = true;
	become_held(s);
}

void session_leave_server(struct session *s)
{
	const struct leg *leg = s->server.leg;
	bool cut = leg && (s->server_need > 0 || leg->start < leg->mid);

	REQUIRE(s->phase == SESSION_HELD);
	server_close(&s->server);
	if (cut) {
		say("a session of %.63s is ended: its server went in the middle of a message",
			s->login.user);
		session_close(s);
	} else {
		hold_news(s->gateway->hold, s);
	}
}

static void go_on(struct session *s)
{
	if (!hold_lets_go(s->gateway->hold, s) || (s->detached && !session_is_waiting(s)))
		return;
	if (server_is_open(&s->server)) {
		s->phase = SESSION_RUN;
		s->bound = false;
		hold_news(s->gateway->hold, s);
		s->waiting_us = 0;
		relay_client(s, false);
	} else {
		open_begin(s);
	}
}

/* It holds what the plan waits for it to be rid of, which only its client can do. */
static void let_on(struct session *s)
{
	if (s->let_on)
		return;
	s->let_on = true;
	relay_client(s, false); /* what has come already may go */
}

/* Until all are held nobody is ended for it, and the hold may fail: then it goes on with its
 * server, or, when that is gone, not at all. */
static void stop_here(struct session *s)
{
	s->bound = blockers_policy(s) != POLICY_TELL;
	become_held(s);
}

void session_settle(struct session *s)
{
	bool stops = hold_stops(s->gateway->hold);

	if (s->calming && session_at_boundary(s))
		hold_calmed(s->gateway->hold, s);
	if (s->phase == SESSION_RUN && (stops || s->probe_wanted) && session_at_boundary(s) &&
		(stops || hold_has_room_to_look(s->gateway->hold))) {
		if ((s->dirty || s->probe_wanted) && !s->unknown) {
			carry_probe(s);
			return;
		}
		s->probe_wanted = false;
		if (!stops)
			hold_news(s->gateway->hold, s);
		else if (blockers_policy(s) == POLICY_WAIT)
			let_on(s);
		else
			stop_here(s);
	} else if (s->phase == SESSION_OPENING && stops) {
		open_abandon(s);
	} else if (s->phase == SESSION_HELD && !stops) {
		go_on(s);
	}
}

void session_hold_here(struct session *s)
{
	REQUIRE(s->phase == SESSION_OPENING);
	s->detached = s->greeted && !hold_stops(s->gateway->hold);
	become_held(s);
}

void session_hold_again(struct session *s)
{
	int64_t since_us = s->waiting_us;

	REQUIRE(s->phase == SESSION_PROBE);
	become_held(s);
	if (since_us)
		s->waiting_us = since_us;
}

void session_logged_in(struct session *s)
{
	uv_timer_stop(&s->timer);
	become_held(s);
	park_join(s->gateway->park, s);
	session_settle(s);
}

struct server_login session_login(const struct session *s)
{
	return (struct server_login){.pairs = s->pairs,
		.pairs_count = 2 * s->login.count,
		.user = s->login.user,
		.client_key = s->client_key,
		.server_key = s->server_key};
}

/* ---- events ---------------------------------------------------------------------------------- */

/* Does its server talk to us? */
static bool is_asked(const struct session *s)
{
	return s->phase == SESSION_OPENING || s->phase == SESSION_PROBE;
}

/* What its server said was more than it could be told at once.  False when it is not held any more. */
static bool tell_held(struct session *s)
{
	if (s->phase == SESSION_HELD && s->client->blocked && server_is_open(&s->server)) {
		relay_server(s, false);
		return s->phase == SESSION_HELD;
	}
	if (is_asked(s) && carry_waits(s)) {
		carry_pump(s);
		session_hear_rest(s);
		return is_asked(s) || s->phase == SESSION_HELD;
	}
	return true;
}

static void pump_held(struct session *s)
{
	struct leg *leg = s->client;
	bool says_bye;

	if (!tell_held(s))
		return;
	if (leg_unseen(leg) == 0)
		leg_read(leg);
	says_bye = leg_unseen(leg) > 0 && s->client_need == 0 && leg->in[leg->mid] == 'X';
	if (leg->gone || leg->broken || says_bye) {
		if (s->greeted && leg_unseen(leg) > 0 && !says_bye)
			say("session %u of %.63s has left while it was held: what it asked last "
			    "was not executed",
				s->pid, s->login.user);
		session_close(s);
		return;
	}
	if (leg_unseen(leg) > 0 && s->waiting_us == 0)
		s->waiting_us = gateway_now_us();
	watch_client(s);
	session_settle(s);
}

void session_pump_client(struct leg *leg)
{
	struct session *s = leg->owner;

	leg_flush(leg);
	switch (s->phase) {
	case SESSION_HELLO:
	case SESSION_AUTH:
		client_pump(s);
		break;
	case SESSION_HELD:
	case SESSION_OPENING:
	case SESSION_PROBE:
		pump_held(s);
		break;
	case SESSION_RUN:
		if (leg->blocked)
			relay_server(s, false);
		if (s->phase == SESSION_RUN)
			relay_client(s, true);
		break;
	case SESSION_LAST_WORDS:
		last_words(s);
		break;
	case SESSION_CANCEL:
	case SESSION_GONE:
		break;
	}
	if (s->client == leg)
		leg_arm(leg);
}

void session_hear_rest(struct session *s)
{
	const struct leg *leg = s->server.leg;

	if ((s->phase == SESSION_RUN || s->phase == SESSION_HELD) && leg &&
		(leg_unseen(leg) > 0 || (leg->ssl && SSL_has_pending(leg->ssl))))
		relay_server(s, false);
}

void session_pump_server(struct leg *leg)
{
	struct session *s = leg->owner;

	leg_flush(leg);
	if (s->phase == SESSION_RUN && leg->blocked)
		relay_client(s, false);
	if (s->server.leg != leg)
		return;
	if (is_asked(s)) { /* since just now, perhaps */
		carry_pump(s);
		session_hear_rest(s);
	} else {
		relay_server(s, true);
	}
	if (s->server.leg == leg)
		leg_arm(leg);
}
