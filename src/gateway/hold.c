#include "gateway/hold.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "gateway/blockers.h"
#include "gateway/crowd.h"
#include "gateway/hold_priv.h"
#include "gateway/park.h"
#include "gateway/say.h"
#include "gateway/side.h"

#define ARM_MS 1000	    /* for sessions to come to a boundary, where they are looked at */
#define QUICK_MS 100	    /* what has been under way for less will hardly make the drain fail */
#define CALM_MS 50	    /* for those who waited to be served, before the controller goes on */
#define KEPT_MS 10000	    /* for a hold to follow an arm, before what it prepared is put away */
#define LISTEN_FIRST_MS 250 /* others wait so long for those who listen */
#define LULL_MS_MAX 60000   /* no good moment is worth more, whatever the controller says */
#define SLOW_MS 500	    /* others do not wait longer for a login that hangs */

static void on_look(uv_idle_t *idle);
static void on_drain(uv_timer_t *timer);
static void on_armed(uv_timer_t *timer);
static void on_calm(uv_timer_t *timer);
static void lull_ends(struct hold *h);

struct hold *hold_new(struct gateway *gateway)
{
	struct hold *h = calloc(1, sizeof *h);

	ENSURE(h != NULL);
	*h = (struct hold){.gateway = gateway, .phase = CONTROL_RUN, .ended = true};
	ENSURE(uv_timer_init(&gateway->loop, &h->drain) == 0);
	ENSURE(uv_timer_init(&gateway->loop, &h->deadline) == 0);
	ENSURE(uv_timer_init(&gateway->loop, &h->arm) == 0);
	ENSURE(uv_timer_init(&gateway->loop, &h->calm) == 0);
	ENSURE(uv_idle_init(&gateway->loop, &h->look) == 0);
	ENSURE(uv_check_init(&gateway->loop, &h->lulling) == 0);
	listeners_begin(&h->listeners, gateway);
	h->drain.data = h->deadline.data = h->arm.data = h->calm.data = h->look.data =
		h->lulling.data = h;
	return h;
}

void hold_stop(struct hold *h)
{
	struct controld_request **const open[] = {&h->arming, &h->holding, &h->releasing};

	for (size_t i = 0; i < ARRAY_LEN(open); i++)
		if (*open[i])
			controld_refuse(*open[i], "over", "the gateway ends");
	h->arming = h->holding = h->releasing = NULL;
	h->phase = CONTROL_RUN; /* what is still answered leads nowhere */
	uv_close((uv_handle_t *)&h->drain, NULL);
	uv_close((uv_handle_t *)&h->deadline, NULL);
	uv_close((uv_handle_t *)&h->arm, NULL);
	uv_close((uv_handle_t *)&h->calm, NULL);
	uv_close((uv_handle_t *)&h->look, NULL);
	uv_close((uv_handle_t *)&h->lulling, NULL);
	listeners_stop(&h->listeners);
}

void hold_free(struct hold *h)
{
	free(h);
}

/* ---- what sessions ask ----------------------------------------------------------------------- */

bool hold_stops(const struct hold *h)
{
	return h->phase == CONTROL_DRAINING || h->phase == CONTROL_HELD;
}

bool hold_lets_go(const struct hold *h, const struct session *s)
{
	switch (h->phase) {
	case CONTROL_RUN:
		return true;
	case CONTROL_DRAINING:
	case CONTROL_HELD:
		return false;
	case CONTROL_FLIPPING:
		return s->cleared || !s->flipping || server_is_open(&s->server);
	case CONTROL_SHUT:
		break;
	}
	return session_is_waiting(s); /* the doors are looked at again when somebody asks */
}

bool hold_keeps(const struct hold *h, const struct server *server)
{
	return hold_stops(h) || (h->phase != CONTROL_SHUT && server->side == h->gateway->likely &&
					server->epoch >= doors_epoch(h->gateway->doors));
}

bool hold_is_arming(const struct hold *h)
{
	return h->arming != NULL && !h->surveying;
}

int64_t hold_patience_ms(const struct hold *h)
{
	return h->phase == CONTROL_SHUT ? 0 : h->gateway->patience_ms;
}

static void count_anew(struct hold *h)
{
	h->released = h->failed = h->waiting_us_max = 0;
	h->told = false;
}

static void count_flip(struct hold *h, struct session *s)
{
	if (s->phase == SESSION_RUN) {
		int64_t waited_us = s->waiting_us ? gateway_now_us() - s->waiting_us : 0;

		h->released++;
		s->calming = waited_us > 0;
		if (s->cleared && s->cleared_us && s->tries == 0)
			pace_done(&h->pace, s->cleared_parked, gateway_now_us() - s->cleared_us);
		if (waited_us > h->waiting_us_max)
			h->waiting_us_max = waited_us;
	} else if (s->phase == SESSION_LAST_WORDS || (s->phase == SESSION_HELD && s->cleared)) {
		h->failed++;
	} else if (s->phase != SESSION_GONE) {
		return;
	}
	s->flipping = s->cleared = false;
}

void hold_door_opened(struct hold *h)
{
	if (h->phase == CONTROL_SHUT) {
		say("a door is open again");
		h->phase = CONTROL_RUN;
	}
	h->listeners_wake = true;
	uv_idle_start(&h->look, on_look);
}

void hold_news(struct hold *h, struct session *s)
{
	if (s->flipping)
		count_flip(h, s);
	if (h->phase == CONTROL_SHUT && s->phase == SESSION_RUN)
		hold_door_opened(h);
	if (!h->gateway->stopping)
		uv_idle_start(&h->look, on_look);
}

/* ---- letting go ------------------------------------------------------------------------------ */

void hold_refuse(struct hold *h, const char *why)
{
	if (h->holding)
		controld_refuse(h->holding, "over", "%s", why);
	h->holding = NULL;
}

void hold_let_go(struct hold *h, enum control_side side, int64_t epoch)
{
	uv_timer_stop(&h->drain);
	uv_timer_stop(&h->deadline);
	uv_timer_stop(&h->calm);
	uv_check_stop(&h->lulling);
	hold_refuse(h, "the hold's deadline passed");
	h->ended = true;
	h->expiring = false;
	h->phase = CONTROL_FLIPPING;
	h->flipping_us = gateway_now_us();
	uv_timer_start(&h->drain, on_drain, LISTEN_FIRST_MS + 1, SLOW_MS / 2);
	h->on_us = 0;
	if (h->told)
		count_anew(h);
	pace_begin(&h->pace, gateway_openings_least());
	h->gateway->likely = side;
	for (struct session *s = h->gateway->first, *next; s; s = next) {
		next = s->next;
		if (s->phase != SESSION_HELD)
			continue;
		s->flipping = !s->detached || session_is_waiting(s);
		s->cleared = false;
		if (server_is_open(&s->server) &&
			(s->server.side != side || s->server.epoch != epoch))
			session_leave_server(s);
	}
	uv_idle_start(&h->look, on_look);
}

/* Back to where they were: nothing has been sealed. */
static void give_up(struct hold *h)
{
	uv_timer_start(&h->drain, on_drain, SLOW_MS / 2, SLOW_MS / 2);
	uv_timer_stop(&h->deadline);
	uv_timer_stop(&h->calm);
	h->ended = true;
	h->phase = CONTROL_FLIPPING;
	h->on_us = 0;
	h->flipping_us = 0; /* those who listen still do */
	pace_begin(&h->pace, gateway_openings_least());
	for (struct session *s = h->gateway->first; s; s = s->next) {
		s->flipping = s->phase == SESSION_HELD && (!s->detached || session_is_waiting(s));
		s->cleared = false;
	}
	uv_idle_start(&h->look, on_look);
}

/* Does it take part of what the server can do at a time?  One that was turned away comes again by
 * itself, and one that hangs does nothing there: nobody has to wait for these. */
static bool takes_room(const struct session *s)
{
	return s->flipping && s->phase == SESSION_OPENING && s->tries == 0 &&
	       gateway_now_us() - s->cleared_us < SLOW_MS * 1000;
}

static size_t clear_some(struct hold *h, bool waiting, size_t opening)
{
	bool listen = gateway_now_us() - h->flipping_us <= LISTEN_FIRST_MS * 1000 &&
		      listeners_are_under_way(h->gateway);
	struct session *s;

	while (opening < pace_room(&h->pace) &&
		(s = session_to_clear(h->gateway, waiting, listen)) != NULL) {
		s->cleared = true;
		s->cleared_us = server_is_open(&s->server) ? 0 : gateway_now_us();
		s->cleared_parked = server_is_open(&s->parked);
		session_settle(s);
		opening += s->phase == SESSION_OPENING;
	}
	return opening;
}

void hold_calmed(struct hold *h, struct session *s)
{
	s->calming = false;
	if (h->releasing)
		uv_idle_start(&h->look, on_look);
}

static void answer_release(struct hold *h)
{
	struct control_reply *reply = calloc(1, sizeof *reply);

	ENSURE(reply != NULL);
	reply->ok = true;
	reply->release.released = h->released;
	reply->release.failed = h->failed;
	reply->release.waiting_ms_max = h->waiting_us_max / 1000;
	if (h->on_us)
		reply->release.served_ms = (gateway_now_us() - h->on_us) / 1000;
	h->told = controld_listens(h->releasing);
	controld_reply(h->releasing, reply);
	free(reply);
	h->releasing = NULL;
	uv_timer_stop(&h->calm);
}

static void on_calm(uv_timer_t *timer)
{
	struct hold *h = timer->data;

	if (h->releasing)
		answer_release(h);
}

/*
 * Everybody who waited has gone on.  The controller's next steps (old is retired, the way back
 * begins to run) make both servers work, and nobody waits for them: those whose requests were held
 * are served first, once each, or for as long as a short request takes.
 */
static void calm_down(struct hold *h)
{
	if (h->on_us == 0)
		h->on_us = gateway_now_us();
	if (crowd_is_calm(h->gateway))
		answer_release(h);
	else if (!uv_is_active((uv_handle_t *)&h->calm))
		uv_timer_start(&h->calm, on_calm, CALM_MS, 0);
}

static void look_flipping(struct hold *h)
{
	size_t opening = 0, waiting = 0, all = 0;

	for (const struct session *s = h->gateway->first; s; s = s->next)
		opening += takes_room(s);
	opening = clear_some(h, true, opening);
	clear_some(h, false, opening);
	for (const struct session *s = h->gateway->first; s; s = s->next) {
		all += s->flipping;
		waiting += s->flipping && session_is_waiting(s);
	}
	if (waiting == 0 && h->releasing && h->release_read)
		calm_down(h);
	if (all > 0)
		return;
	h->phase = CONTROL_RUN;
	uv_timer_stop(&h->drain);
	park_end(h->gateway->park);
	say("attempt %lld: %lld sessions went on on %s, %lld could not, the longest waited %lld ms",
		(long long)h->attempt, (long long)h->released,
		control_side_name(h->gateway->likely), (long long)h->failed,
		(long long)(h->waiting_us_max / 1000));
}

/* ---- holding --------------------------------------------------------------------------------- */

static void count(const struct hold *h, int64_t *ret_sessions, int64_t *ret_held, bool *ret_stuck)
{
	*ret_sessions = *ret_held = 0;
	*ret_stuck = false;
	for (const struct session *s = h->gateway->first; s; s = s->next) {
		*ret_sessions += session_counts(s);
		*ret_held += session_is_held(s);
		*ret_stuck |= blockers_is_stuck(s);
	}
}

static void answer_hold(struct hold *h)
{
	struct control_reply *reply = calloc(1, sizeof *reply);
	int64_t sessions;
	bool stuck;

	ENSURE(reply != NULL);
	*reply = h->ending.reply;
	reply->ok = true;
	count(h, &sessions, &reply->hold.held, &stuck);
	reply->hold.drain_ms = h->drained_ms;
	reply->hold.lull_ms = h->lull_ms;
	controld_reply(h->holding, reply);
	free(reply);
	h->holding = NULL;
}

/* With the names of who is in the way; and the hold is over. */
static void fail_drain(struct hold *h, const char *why)
{
	struct control_reply *reply = calloc(1, sizeof *reply);

	ENSURE(reply != NULL);
	*reply = h->ending.reply; /* those that were ended for nothing stand there too */
	snprintf(reply->code, sizeof reply->code, "drain");
	snprintf(reply->error, sizeof reply->error, "%s", why);
	if (h->holding)
		blockers_reply(h->gateway, h->holding, reply, true, POLICY_DISCONNECT);
	else
		free(reply);
	h->holding = NULL;
	give_up(h);
}

static void look_draining(struct hold *h)
{
	int64_t sessions, held;
	bool stuck;

	count(h, &sessions, &held, &stuck);
	if (stuck) {
		fail_drain(h, "a session cannot be carried over");
	} else if (held == sessions && !h->flushed) {
		h->flushed = true;
		listeners_flush(h->gateway);
		uv_idle_start(&h->look, on_look);
	} else if (held == sessions) {
		uv_timer_stop(&h->drain);
		h->drained_ms = (gateway_now_us() - h->began_us) / 1000;
		h->phase = CONTROL_HELD;
		ending_what_cannot_go(&h->ending);
		crowd_end_servers(h->gateway, true);
		if (h->holding)
			answer_hold(h);
	} else if (crowd_is_quick(h->gateway, QUICK_MS)) {
		crowd_end_servers(h->gateway, false);
	}
}

static void on_drain(uv_timer_t *timer)
{
	struct hold *h = timer->data;

	if (h->phase == CONTROL_FLIPPING) {
		h->flipping_us = 0; /* listeners had their time, by whichever clock */
		uv_idle_start(&h->look, on_look);
	}
	if (uv_is_active((uv_handle_t *)&h->lulling))
		lull_ends(h);
	else if (h->phase != CONTROL_DRAINING)
		return;
	else if (ending_would_help(&h->ending)) {
		/* What comes to a boundary meanwhile is looked at still. */
		uv_timer_start(&h->drain, on_drain, (uint64_t)h->drain_ms / 2 + 1, 0);
		ending_transactions(&h->ending);
	} else {
		fail_drain(h, "not every session came to a transaction boundary in time");
	}
}

static void settle_all(struct hold *h)
{
	struct session *next;

	for (struct session *s = h->gateway->first; s; s = next) {
		next = s->next;
		session_settle(s);
	}
	uv_idle_start(&h->look, on_look);
}

/* The hold of `attempt` begins for clients. */
static void stop_sessions(struct hold *h)
{
	int64_t now_us = gateway_now_us();

	uv_check_stop(&h->lulling);
	h->phase = CONTROL_DRAINING;
	h->lull_ms = (now_us - h->began_us) / 1000;
	h->began_us = now_us;
	uv_timer_start(&h->drain, on_drain, (uint64_t)h->drain_ms, 0);
	uv_timer_start(&h->deadline, hold_on_deadline, (uint64_t)h->hold_ms, 0);
	settle_all(h);
}

/* The moment has come, and nobody has noticed anything yet: without a controller nobody shall. */
static void lull_ends(struct hold *h)
{
	if (controld_listens(h->holding)) {
		stop_sessions(h);
		return;
	}
	say("attempt %lld is not held: its controller is gone", (long long)h->attempt);
	uv_check_stop(&h->lulling);
	uv_timer_stop(&h->drain);
	hold_refuse(h, "its controller is gone");
	h->ended = true;
}

static void on_lull(uv_check_t *check)
{
	struct hold *h = check->data;

	if (lull_is_now(&h->lull, gateway_now_us(), crowd_at_work(h->gateway)))
		lull_ends(h);
}

/* Of a request that is accepted: one that is refused changes nothing of what goes on. */
static void take_policies(struct hold *h, const struct policies *policies)
{
	if (policies)
		h->gateway->policies = *policies;
}

static void begin(struct hold *h, const struct control_hold *hold, const struct policies *policies)
{
	int64_t lull_ms;

	take_policies(h, policies);
	if (h->releasing && h->release_read)
		answer_release(h); /* who still waits is held again, and goes on with the next one */
	count_anew(h);
	h->attempt = hold->attempt;
	h->ended = false;
	h->src = hold->src;
	h->hold_ms = hold->hold_ms;
	h->aborts = 0;
	h->drain_ms = hold->drain_ms;
	h->flushed = false;
	ending_begin(&h->ending, h->gateway, hold->attempt);
	h->began_us = gateway_now_us();
	if (h->phase != CONTROL_RUN || hold->lull_ms == 0) {
		stop_sessions(h);
		return;
	}
	lull_ms = hold->lull_ms < LULL_MS_MAX ? hold->lull_ms : LULL_MS_MAX;
	lull_begin(&h->lull, h->began_us, lull_ms * 1000);
	uv_check_start(&h->lulling, on_lull);
	uv_timer_start(&h->drain, on_drain, (uint64_t)lull_ms, 0);
}

/* A controller that asks again, or another one, takes the place of who asked before. */
static void take_over(struct controld_request **place, struct controld_request *request)
{
	if (*place)
		controld_refuse(*place, "busy", "another request took the place of this one");
	*place = request;
}

static void on_hold(void *ctx, struct controld_request *request, const struct control_hold *hold,
	const struct policies *policies)
{
	struct hold *h = ctx;

	if (hold->attempt < h->attempt) {
		controld_refuse(
			request, "stale", "attempt %lld was held before", (long long)h->attempt);
	} else if (hold->attempt == h->attempt && h->ended) {
		controld_refuse(request, "over", "the hold of attempt %lld is over",
			(long long)hold->attempt);
	} else if (crowd_is_elsewhere(h->gateway, hold->src)) {
		controld_refuse(
			request, "side", "sessions are not on %s", control_side_name(hold->src));
	} else {
		take_over(&h->holding, request);
		if (hold->attempt > h->attempt)
			begin(h, hold, policies);
		else if (h->phase == CONTROL_HELD)
			answer_hold(h);
	}
}

/* ---- release --------------------------------------------------------------------------------- */

struct releasing {
	struct hold *hold;
	uint64_t number; /* to see whether it is still the one */
	enum control_side side;
};

static void on_release_read(void *ctx, const struct door_view *view, const struct err *err)
{
	struct releasing *r = ctx;
	struct hold *h = r->hold;

	if (!h->releasing || h->release_number != r->number) {
		free(r); /* it was answered, or another has taken its place */
		return;
	}
	if (err->code != ERR_OK || !view->open) {
		controld_refuse(h->releasing, err->code != ERR_OK ? "unknown" : "shut",
			"the door of %s is not open: %s", control_side_name(r->side),
			err->code != ERR_OK ? err->msg : "its register says so");
		h->releasing = NULL;
	} else {
		hold_refuse(h, "released");
		h->release_read = true;
		hold_let_go(h, r->side, view->epoch);
	}
	free(r);
}

static void on_release(
	void *ctx, struct controld_request *request, const struct control_release *release)
{
	struct hold *h = ctx;
	struct releasing *r = calloc(1, sizeof *r);

	ENSURE(r != NULL);
	*r = (struct releasing){h, ++h->release_number, release->side};
	take_over(&h->releasing, request);
	h->release_read = false;
	uv_timer_stop(&h->calm);
	doors_told(h->gateway->doors, release->epoch);
	doors_read(h->gateway->doors, release->side, on_release_read, r);
}

/* ---- arm and status -------------------------------------------------------------------------- */

static void answer_survey(struct hold *h)
{
	struct control_reply *reply = calloc(1, sizeof *reply);
	int64_t held;
	bool stuck;

	ENSURE(reply != NULL);
	reply->ok = true;
	count(h, &reply->survey.sessions, &held, &stuck);
	for (struct session *s = h->gateway->first; s; s = s->next) {
		s->probe_wanted = false;
		reply->survey.looked += session_counts(s) && !s->dirty && !s->unknown;
	}
	uv_timer_start(&h->arm, on_armed, KEPT_MS, 0); /* what an arm prepared may be there */
	blockers_reply(h->gateway, h->arming, reply, true, POLICY_TELL);
	h->arming = NULL;
}

static void answer_arm(struct hold *h)
{
	struct control_reply *reply = calloc(1, sizeof *reply);
	int64_t held;
	bool stuck;

	ENSURE(reply != NULL);
	reply->ok = true;
	count(h, &reply->arm.sessions, &held, &stuck);
	reply->arm.parked = park_count(h->gateway->park);
	uv_timer_start(&h->arm, on_armed, KEPT_MS, 0);
	blockers_reply(h->gateway, h->arming, reply, true, POLICY_DISCONNECT);
	h->arming = NULL;
	for (struct session *s = h->gateway->first; s; s = s->next)
		s->probe_wanted = false;
	crowd_detach_idle(h->gateway);
}

static void on_armed(uv_timer_t *timer)
{
	struct hold *h = timer->data;

	if (h->arming && h->surveying)
		answer_survey(h);
	else if (h->arming)
		answer_arm(h);
	else if (hold_stops(h))
		uv_timer_start(&h->arm, on_armed, KEPT_MS, 0);
	else
		crowd_put_away(h->gateway);
}

static void look_arming(struct hold *h)
{
	for (const struct session *s = h->gateway->first; s; s = s->next)
		if (s->probe_wanted)
			return;
	if (h->surveying)
		answer_survey(h);
	else if (!park_is_busy(h->gateway->park))
		answer_arm(h);
}

/* As arm looks, and nothing else: clients do not notice. */
static void on_survey(void *ctx, struct controld_request *request, const struct policies *policies)
{
	struct hold *h = ctx;

	if (hold_stops(h) || h->arming) {
		controld_refuse(
			request, "busy", "attempt %lld is under way", (long long)h->attempt);
		return;
	}
	take_policies(h, policies);
	h->arming = request;
	h->surveying = true;
	uv_timer_start(&h->arm, on_armed, ARM_MS, 0);
	for (struct session *s = h->gateway->first; s; s = s->next)
		s->probe_wanted = s->phase == SESSION_RUN && s->dirty;
	settle_all(h);
}

/* Every session that ran something is looked at, at its next boundary. */
static void on_arm(void *ctx, struct controld_request *request, const struct control_arm *arm,
	const struct policies *policies)
{
	struct hold *h = ctx;

	if (hold_stops(h)) {
		controld_refuse(request, "busy", "attempt %lld is held", (long long)h->attempt);
		return;
	}
	if (arm->attempt <= h->attempt) {
		controld_refuse(
			request, "stale", "attempt %lld was held before", (long long)h->attempt);
		return;
	}
	take_policies(h, policies);
	take_over(&h->arming, request);
	h->surveying = false;
	uv_timer_start(&h->arm, on_armed, ARM_MS, 0);
	/* What the database reads may have changed since, so everybody is asked again. */
	setting_names_forget(&h->gateway->names);
	for (struct session *s = h->gateway->first; s; s = s->next)
		s->probe_wanted = s->phase == SESSION_RUN;
	/* Names are never resolved in the window; what they lead to by now is known by then. */
	side_refresh(h->gateway, CONTROL_OLD);
	side_refresh(h->gateway, CONTROL_NEW);
	park_begin(h->gateway->park, arm->dst, arm->share);
	settle_all(h);
}

static void on_status(void *ctx, struct controld_request *request)
{
	struct hold *h = ctx;
	struct control_reply *reply = calloc(1, sizeof *reply);
	int64_t now_us = gateway_now_us(), oldest_us = 0;
	bool stuck;

	ENSURE(reply != NULL);
	reply->ok = true;
	reply->status.phase = h->phase;
	reply->status.side = h->gateway->likely;
	reply->status.epoch = doors_epoch(h->gateway->doors);
	count(h, &reply->status.sessions, &reply->status.held, &stuck);
	for (const struct session *s = h->gateway->first; s; s = s->next)
		reply->status.held -=
			s->phase == SESSION_HELD && s->detached && !session_is_waiting(s);
	for (const struct session *s = h->gateway->first; s; s = s->next)
		if (s->waiting_us && now_us - s->waiting_us > oldest_us)
			oldest_us = now_us - s->waiting_us;
	reply->status.oldest_ms = oldest_us / 1000;
	blockers_reply(h->gateway, request, reply, h->phase == CONTROL_DRAINING, POLICY_DISCONNECT);
}

const struct controld_ops *hold_ops(void)
{
	static const struct controld_ops ops = {.arm = on_arm,
		.hold = on_hold,
		.release = on_release,
		.status = on_status,
		.survey = on_survey};

	return &ops;
}

/* ---- what follows from news ------------------------------------------------------------------ */

static void on_look(uv_idle_t *idle)
{
	struct hold *h = idle->data;

	uv_idle_stop(idle);
	if (h->listeners_wake) {
		h->listeners_wake = false;
		listeners_wake(h->gateway);
	}
	if (h->arming)
		look_arming(h);
	if (h->phase == CONTROL_DRAINING)
		look_draining(h);
	if (h->phase == CONTROL_FLIPPING)
		look_flipping(h);
	else if (uv_is_active((uv_handle_t *)&h->calm))
		calm_down(h);
}
