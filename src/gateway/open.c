/*
 * open.c - the one path by which a session gets a server: connect, log in, read the register,
 * replay; for a first login, a flip, an abort to old and a re-attachment alike.
 *
 * A try that fails is followed by a look at the registers: it is made again where a door is open.
 * Where none is, a session that was carried waits until its time is up, and so does a first login
 * while an attempt is under way that no hold here tells of (this gateway began in the middle of it,
 * or missed it); else it is refused.  When a hold begins, both are held as they are.
 *
 * The phase is never left while a register is being read, so an answer is always to this login's
 * question.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "gateway/hold.h"
#include "gateway/park.h"
#include "gateway/say.h"
#include "gateway/session.h"
#include "pgwire/message.h"

#define PAUSE_MS_MIN 2u
#define PAUSE_MS_MAX 250u
#define TRIES_MAX 8u  /* of a first login */
#define TRY_MS 10000u /* for a server to let us in */
#define AGAIN_MS 500u /* for a session to be made again where it is; its client waits */

static void open_try(struct session *s);

static bool may_pass_by_itself(const struct err *err)
{
	static const char *const states[] = {
		"42501", /* the door was shut while we logged in */
		"57P01",
		"57P02",
		"57P03",
		"53300",
	};

	if (err->code == ERR_UNREACHABLE || err->code == ERR_TIMEOUT || err->code == ERR_LOST)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (strcmp(err->sqlstate, states[i]) == 0)
			return true;
	return false;
}

void open_abandon(struct session *s)
{
	REQUIRE(s->phase == SESSION_OPENING);
	if (s->reading_register)
		return; /* its answer finds the hold */
	if (renew_put_back(s))
		return;
	server_close(&s->server);
	uv_timer_stop(&s->timer);
	session_hold_here(s);
}

/* Asks for the register of `aim`; the answer comes to `cb`. */
static void read_register(struct session *s, doors_read_cb cb)
{
	REQUIRE(!s->reading_register);
	s->reading_register = true;
	session_ref(s);
	doors_read(s->gateway->doors, s->aim, cb, s);
}

/* True when the answer still matters. */
static bool register_read(struct session *s)
{
	s->reading_register = false;
	if (s->phase == SESSION_OPENING && hold_stops(s->gateway->hold))
		open_abandon(s);
	return s->phase == SESSION_OPENING;
}

/* ---- after a failure ------------------------------------------------------------------------- */

static void on_look(void *ctx, const struct door_view *view, const struct err *err);

static void on_pause(uv_timer_t *timer)
{
	struct session *s = timer->data;

	REQUIRE(s->phase == SESSION_OPENING);
	s->looks = 0;
	s->moving = false;
	read_register(s, on_look);
}

static void pause_then_look(struct session *s)
{
	unsigned ms = PAUSE_MS_MIN << (s->tries < 8 ? s->tries : 8);

	if (s->tries++ == 0)
		hold_news(s->gateway->hold, s); /* others need not wait for it */
	uv_timer_start(&s->timer, on_pause, ms < PAUSE_MS_MAX ? ms : PAUSE_MS_MAX, 0);
}

/* Will a door open soon?  Neither would while nobody goes on with an attempt whose time is up. */
static bool is_under_way(const struct door_view *view)
{
	return view->state == DOOR_COMMITTING || (view->state == DOOR_SEALED && view->left_ms > 0);
}

/* No door is open.  A client that asks for nothing is not told: it is tried again when it asks. */
static void nobody(struct session *s)
{
	if ((s->greeted || s->moving) && clock_now_ms() < s->give_up_ms)
		pause_then_look(s);
	else if (s->greeted && !session_is_waiting(s))
		session_hold_here(s);
	else
		session_refuse(s, "57P03", "neither side of the database accepts sessions now");
}

static void on_look(void *ctx, const struct door_view *view, const struct err *err)
{
	struct session *s = ctx;

	if (register_read(s)) {
		s->moving |= err->code == ERR_OK && is_under_way(view);
		if (err->code == ERR_OK && view->open) {
			s->gateway->likely = s->aim;
			if (!s->greeted && s->tries > TRIES_MAX)
				s->tries = TRIES_MAX / 2; /* it waited for a door meanwhile */
			open_try(s);
		} else if (s->looks++ == 0) {
			s->aim = gateway_other(s->aim);
			read_register(s, on_look);
		} else {
			nobody(s);
		}
	}
	session_unref(s);
}

void open_failed(struct session *s, const struct err *err)
{
	bool over = s->greeted ? clock_now_ms() >= s->give_up_ms : s->tries >= TRIES_MAX;

	REQUIRE(s->phase == SESSION_OPENING);
	if (renew_put_back(s))
		return;
	server_close(&s->server);
	uv_timer_stop(&s->timer);
	if (hold_stops(s->gateway->hold))
		session_hold_here(s);
	else if (over || !may_pass_by_itself(err))
		session_refuse_as(s, err);
	else
		pause_then_look(s);
}

/* ---- a try ----------------------------------------------------------------------------------- */

static void greet(struct session *s)
{
	uint8_t bytes[2 * PARAMS_BYTES];
	struct wire_out out = wire_out(bytes, sizeof bytes);
	const char *name, *value;

	s->told = s->server.params;
	s->pid = s->server.pid;
	gateway_random(&s->secret, sizeof s->secret);
	for (size_t at = 0; params_next(&s->told, &at, &name, &value);)
		message_parameter_status(&out, name, value);
	message_backend_key(&out, s->pid, s->secret);
	message_ready(&out, 'I');
	ENSURE(!out.full);
	s->greeted = true;
	leg_send(s->client, bytes, out.len);
}

/* What this server reports and the client has not heard. */
static void tell_differences(struct session *s)
{
	uint8_t bytes[2 * PARAMS_BYTES];
	struct wire_out out = wire_out(bytes, sizeof bytes);
	const char *name, *value;

	for (size_t at = 0; params_next(&s->server.params, &at, &name, &value);) {
		const char *heard = params_get(&s->told, name);

		if (!heard || strcmp(heard, value) != 0)
			message_parameter_status(&out, name, value);
	}
	ENSURE(!out.full);
	s->told = s->server.params;
	if (out.len > 0)
		leg_send(s->client, bytes, out.len);
}

void open_replayed(struct session *s)
{
	uv_timer_stop(&s->timer);
	track_init(&s->track);
	s->client_need = s->server_need = 0;
	s->dirty = s->detached = false;
	s->kept = 0;
	if (!renew_done(s))
		s->active_ms = (int64_t)uv_now(&s->gateway->loop);
	if (s->greeted)
		tell_differences(s);
	else
		greet(s);
	s->phase = SESSION_RUN;
	hold_news(s->gateway->hold, s);
	s->waiting_us = 0;
	relay_client(s, false);
}

static void on_door(void *ctx, const struct door_view *view, const struct err *err)
{
	struct session *s = ctx;

	if (register_read(s)) {
		struct err shut = ERR_INIT;

		if (!server_is_open(&s->server))
			err_set(&shut, ERR_UNREACHABLE, "the server went away");
		else if (err->code != ERR_OK)
			shut = *err;
		else if (!view->open)
			err_set(&shut, ERR_LOST, "the door was shut");
		if (shut.code != ERR_OK) {
			open_failed(s, &shut);
		} else {
			s->server.epoch = view->epoch;
			s->gateway->likely = s->aim;
			carry_replay(s);
		}
	}
	session_unref(s);
}

static void on_try_time(uv_timer_t *timer)
{
	struct session *s = timer->data;
	struct err err = ERR_INIT;

	if (s->reading_register)
		return; /* that has a deadline of its own */
	err_set(&err, ERR_TIMEOUT, "the server has not let the session in for %u s", TRY_MS / 1000);
	open_failed(s, &err);
}

static void on_server(struct server *server)
{
	struct session *s = server->owner;
	struct err err = server->err;

	if (server->phase == SERVER_FAILED) {
		open_failed(s, &err);
		return;
	}
	REQUIRE(server->phase == SERVER_IN);
	server->leg->ready = session_pump_server;
	server->leg->owner = s;
	read_register(s, on_door);
}

static void open_try(struct session *s)
{
	struct server_login login = session_login(s);
	struct err err = ERR_INIT;

	s->server.changed = on_server;
	s->server.owner = s;
	uv_timer_start(&s->timer, on_try_time, TRY_MS, 0);
	if (park_take(s, s->aim))
		return;
	if (server_open(&s->server, s->gateway, s->aim, &login, &err))
		open_failed(s, &err);
}

/* Made again, it would go on without what it had and not know.  It hears what it would without a
 * gateway: that its server is gone. */
static void refuse_bound(struct session *s)
{
	const char *why =
		s->unknown ? "its state is not known" : "it held what only that server had";

	say("session %u of %.63s is ended: its server is gone, and %s", s->server.pid,
		s->login.user, why);
	session_refuse(s, "57P01",
		"the server of this session is gone, and it cannot go on with another one: %s",
		why);
}

void open_begin(struct session *s)
{
	REQUIRE(s->phase == SESSION_HELD && !server_is_open(&s->server));
	if (s->bound) {
		refuse_bound(s);
		return;
	}
	s->phase = SESSION_OPENING;
	s->tries = 0;
	s->give_up_ms = clock_now_ms() + hold_patience_ms(s->gateway->hold);
	s->aim = s->gateway->likely;
	open_try(s);
}

void open_again(struct session *s)
{
	REQUIRE(s->phase == SESSION_PROBE && s->server.phase == SERVER_IN);
	s->phase = SESSION_OPENING;
	s->aim = s->server.side;
	uv_timer_start(&s->timer, on_try_time, AGAIN_MS, 0);
	carry_replay(s);
}
