#include "gateway/renew.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "gateway/crowd.h"
#include "gateway/hold.h"
#include "gateway/say.h"
#include "gateway/scout.h"
#include "gateway/session.h"

#define RENEW_MS 500 /* for all of them: the rest are looked at, and no more */
#define PAUSE_MS_MAX 20u
#define NO_ROOM "53300"

struct renewals {
	struct gateway *gateway;
	int64_t begun_ms;	/* the loop's clock; 0 = nobody's turn has come yet */
	int64_t opened_us;	/* when the newest second login was begun */
	struct session *coming; /* whose it is, until it waits there */
	bool full;		/* the server has no room for more */
	bool scouts;		/* on the first of them, before anybody is looked at */
	bool scouts_only;
	struct scout *scout;
	uv_timer_t pause;
};

static void on_pause(uv_timer_t *timer)
{
	renew_some(timer->data);
}

struct renewals *renew_new(struct gateway *gateway)
{
	struct renewals *r = calloc(1, sizeof *r);

	ENSURE(r != NULL);
	r->gateway = gateway;
	r->scout = scout_new();
	ENSURE(uv_timer_init(&gateway->loop, &r->pause) == 0);
	r->pause.data = r;
	return r;
}

void renew_stop(struct renewals *r)
{
	uv_close((uv_handle_t *)&r->pause, NULL);
}

void renew_free(struct renewals *r)
{
	if (r)
		scout_free(r->scout);
	free(r);
}

static bool may_scout(const struct session *s)
{
	return s->phase == SESSION_RUN && s->server.side == s->gateway->likely;
}

/* By what was seen last; the look at its next boundary decides.  Who listens has lost STATE_LISTEN. */
static bool may_be_renewed(const struct session *s)
{
	return may_scout(s) && !s->unknown &&
	       (s->state.lost & ~(unsigned)STATE_REPLAY) == 0 && !crowd_is_idle(s);
}

/* ---- the second login ------------------------------------------------------------------------ */

/* Others go on as long as this one took. */
static void has_come(struct renewals *r)
{
	int64_t ms = (gateway_now_us() - r->opened_us) / 1000 + 1;

	r->coming = NULL;
	uv_timer_start(&r->pause, on_pause, ms < PAUSE_MS_MAX ? (uint64_t)ms : PAUSE_MS_MAX, 0);
}

void renew_leave(struct session *s)
{
	struct renewals *r = s->gateway->renewals;

	scout_leave(r->scout, s);
	if (r->coming == s) {
		has_come(r);
		r->scouts = false; /* who is looked at first finds what it would have found */
	}
	s->renew = RENEW_NOT;
	server_close(&s->second);
}

/* For all that has been heard of it. */
static bool is_alive(const struct server *second)
{
	return second->leg && !second->leg->gone && !second->leg->broken;
}

/* It stays as it is. */
static void look_only(struct session *s)
{
	renew_leave(s);
	s->probe_wanted = s->phase == SESSION_RUN;
	hold_news(s->gateway->hold, s);
	session_settle(s);
}

/* Its server has hung up: it came for nothing. */
static void on_rest(struct leg *leg)
{
	struct session *s = leg->owner;

	if (is_alive(&s->second))
		leg_arm(leg);
	else
		look_only(s);
}

/* What it says meanwhile is read when the session goes on with it. */
static void lay_aside(struct session *s, bool watch)
{
	struct leg *leg = s->second.leg;

	leg->ready = on_rest;
	leg->owner = s;
	leg->reading = false;
	leg->watching = watch;
	leg_arm(leg);
}

static void is_there(struct session *s)
{
	s->renew = RENEW_THERE;
	lay_aside(s, true);
	has_come(s->gateway->renewals);
	s->probe_wanted = s->phase == SESSION_RUN;
	hold_news(s->gateway->hold, s);
	session_settle(s);
}

static void on_scouted(struct session *s, bool found)
{
	struct renewals *r = s->gateway->renewals;

	r->scouts = false;
	r->begun_ms = 0; /* what has passed was not for the others */
	if (r->scouts_only) {
		renew_leave(s);
		hold_news(s->gateway->hold, s);
	} else if (found && is_alive(&s->second) && may_be_renewed(s)) {
		is_there(s);
	} else {
		look_only(s);
	}
}

static void door_read(struct session *s, const struct door_view *view, const struct err *err)
{
	struct renewals *r = s->gateway->renewals;

	if (err->code != ERR_OK || !view->open || !is_alive(&s->second)) {
		look_only(s);
		return;
	}
	s->second.epoch = view->epoch;
	if (r->scouts)
		scout_begin(r->scout, s, on_scouted);
	else
		is_there(s);
}

/* Answers come in the order of their questions: the last one is this login's. */
static void on_door(void *ctx, const struct door_view *view, const struct err *err)
{
	struct session *s = ctx;

	INVARIANT(s->renew_asks > 0);
	if (--s->renew_asks == 0 && s->renew == RENEW_READING)
		door_read(s, view, err);
	session_unref(s);
}

static void on_second(struct server *server)
{
	struct session *s = server->owner;
	struct renewals *r = s->gateway->renewals;

	REQUIRE(s->renew == RENEW_COMING);
	if (server->phase != SERVER_IN) {
		r->full |= strcmp(server->err.sqlstate, NO_ROOM) == 0;
		look_only(s);
		return;
	}
	account_second(s);
	s->renew = RENEW_READING;
	s->renew_asks++;
	session_ref(s);
	doors_read(s->gateway->doors, server->side, on_door, s);
}

static void open_second(struct renewals *r, struct session *s)
{
	struct server_login login = session_login(s);
	struct err err = ERR_INIT;

	s->second.changed = on_second;
	s->second.owner = s;
	s->renew = RENEW_COMING;
	r->coming = s;
	r->opened_us = gateway_now_us();
	if (server_open(&s->second, s->gateway, s->server.side, &login, &err))
		look_only(s);
}

/* Those first that are at work: their servers are the ones that the hold ends. */
static struct session *next_wanted(struct renewals *r)
{
	struct session *idle = NULL;

	for (struct session *s = r->gateway->first; s; s = s->next) {
		if (s->renew != RENEW_WANTED)
			continue;
		if (s->dirty)
			return s;
		idle = s;
	}
	return idle;
}

static bool is_over(struct renewals *r)
{
	int64_t now_ms = (int64_t)uv_now(&r->gateway->loop);

	if (r->begun_ms == 0)
		r->begun_ms = now_ms;
	return r->full || now_ms - r->begun_ms >= RENEW_MS;
}

/* A server that lets nobody in is not waited for; a scout is. */
static bool takes_too_long(struct renewals *r)
{
	return r->coming && is_over(r) && !scout_is_busy(r->scout);
}

bool renew_some(struct renewals *r)
{
	struct session *s = NULL;
	size_t left = 0;

	if (takes_too_long(r))
		look_only(r->coming);
	while (!r->coming && (is_over(r) || !uv_is_active((uv_handle_t *)&r->pause)) &&
		(s = next_wanted(r)) != NULL) {
		if (is_over(r) || s->phase != SESSION_RUN)
			look_only(s);
		else
			open_second(r, s);
	}
	for (s = r->gateway->first; s; s = s->next)
		left += s->renew != RENEW_NOT;
	r->scouts &= left > 0;
	return left > 0;
}

/* What the database reads may have changed since it was known.  If no scout finds it, the first look
 * does. */
static void begin(struct renewals *r, bool scouts_only)
{
	renew_end(r);
	setting_names_forget(&r->gateway->names);
	r->full = false;
	r->scouts = true;
	r->scouts_only = scouts_only;
	r->begun_ms = 0;
}

/* Of anybody's: it is another login than his. */
static void want_a_scout(struct renewals *r)
{
	for (struct session *s = r->gateway->first; s; s = s->next)
		if (s->renew == RENEW_NOT && may_scout(s)) {
			s->renew = RENEW_WANTED;
			return;
		}
}

void renew_begin(struct renewals *r)
{
	bool somebody = false;

	begin(r, false);
	for (struct session *s = r->gateway->first; s; s = s->next) {
		if (s->renew != RENEW_NOT)
			continue; /* it is being made again, for an arm before this one */
		if (may_be_renewed(s)) {
			s->renew = RENEW_WANTED;
			somebody = true;
		} else {
			s->probe_wanted = s->phase == SESSION_RUN;
		}
	}
	if (!somebody)
		want_a_scout(r);
}

void renew_scout(struct renewals *r)
{
	begin(r, true);
	want_a_scout(r);
}

bool renew_is_scouting(const struct renewals *r)
{
	return r->scouts;
}

void renew_end(struct renewals *r)
{
	for (struct session *s = r->gateway->first; s; s = s->next)
		if (s->renew != RENEW_TRYING)
			renew_leave(s);
	uv_timer_stop(&r->pause);
	r->scouts = false;
}

/* ---- trying ---------------------------------------------------------------------------------- */

/* Back and forth. */
static void exchange_servers(struct session *s)
{
	struct server was = s->server;

	s->server = s->second;
	s->second = was;
	s->server.leg->ready = session_pump_server;
	s->server.leg->owner = s;
	s->server.leg->reading = true;
	s->server.leg->watching = false;
	leg_arm(s->server.leg);
}

static bool may_be_taken(const struct session *s)
{
	const struct hold *hold = s->gateway->hold;

	return !hold_stops(hold) && hold_keeps(hold, &s->second) && s->state.lost == 0 &&
	       sets_are_shown(&s->sets, &s->state) && is_alive(&s->second);
}

bool renew_take(struct session *s)
{
	if (s->renew != RENEW_THERE)
		return false;
	if (!may_be_taken(s)) {
		renew_leave(s);
		return false;
	}
	exchange_servers(s);
	lay_aside(s, false);
	s->renew = RENEW_TRYING;
	open_again(s);
	return true;
}

bool renew_done(struct session *s)
{
	if (s->renew != RENEW_TRYING)
		return false;
	account_second(s);
	renew_leave(s);
	s->probe_wanted = hold_is_arming(s->gateway->hold); /* which leaves the probe prepared */
	return true;
}

bool renew_put_back(struct session *s)
{
	if (s->renew != RENEW_TRYING)
		return false;
	server_close(&s->server);
	exchange_servers(s);
	s->renew = RENEW_NOT;
	s->probe_wanted = false;
	uv_timer_stop(&s->timer);
	s->phase = SESSION_RUN;
	hold_news(s->gateway->hold, s);
	relay_client(s, false);
	session_hear_rest(s);
	return true;
}

bool renew_refused(struct session *s, const char *why)
{
	if (s->renew != RENEW_TRYING)
		return false;
	s->state.lost |= STATE_REPLAY;
	s->state.example[__builtin_ctz(STATE_REPLAY)] = arena_strdup(&s->state.arena, why);
	say("session %u of %.63s cannot be made again: %s", s->pid, s->login.user, why);
	return renew_put_back(s);
}
