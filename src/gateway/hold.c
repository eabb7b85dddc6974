#include "gateway/hold.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "gateway/blockers.h"
#include "gateway/crowd.h"
#include "gateway/hold_priv.h"
#include "gateway/park.h"
#include "gateway/renew.h"
#include "gateway/say.h"
#include "gateway/tryout.h"

#define QUICK_MS 100	    /* what has been under way for less will hardly make the drain fail */
#define END_MS 1	    /* between the ends of two servers, when all are held */
#define LULL_MS_MAX 60000   /* no good moment is worth more, whatever the controller says */

static void on_look(uv_idle_t *idle);
static void on_drain(uv_timer_t *timer);
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
	ENSURE(uv_timer_init(&gateway->loop, &h->serve) == 0);
	ENSURE(uv_idle_init(&gateway->loop, &h->look) == 0);
	ENSURE(uv_check_init(&gateway->loop, &h->lulling) == 0);
	listeners_begin(&h->listeners, gateway);
	h->drain.data = h->deadline.data = h->arm.data = h->calm.data = h->serve.data =
		h->look.data = h->lulling.data = h;
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
	uv_close((uv_handle_t *)&h->serve, NULL);
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

bool hold_lets_begin(const struct hold *h, const struct session *s)
{
	return !hold_stops(h) && (!h->queues || s->calming);
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

void hold_door_opened(struct hold *h)
{
	if (h->phase == CONTROL_SHUT) {
		say("a door is open again");
		h->phase = CONTROL_RUN;
	}
	h->listeners_wake = true;
	hold_look_soon(h);
}

void hold_news(struct hold *h, struct session *s)
{
	if (s->flipping)
		release_count(h, s);
	if (h->phase == CONTROL_SHUT && s->phase == SESSION_RUN)
		hold_door_opened(h);
	hold_look_soon(h);
}

/* ---- requests -------------------------------------------------------------------------------- */

void hold_look_soon(struct hold *h)
{
	if (!h->gateway->stopping)
		uv_idle_start(&h->look, on_look);
}

void hold_take_over(struct controld_request **place, struct controld_request *request)
{
	if (*place)
		controld_refuse(*place, "busy", "another request took the place of this one");
	*place = request;
}

void hold_refuse(struct hold *h, const char *why)
{
	if (h->holding)
		controld_refuse(h->holding, "over", "%s", why);
	h->holding = NULL;
}

/* ---- holding --------------------------------------------------------------------------------- */

void hold_count(
	const struct hold *h, int64_t *ret_sessions, int64_t *ret_held, bool *ret_stuck)
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
	hold_count(h, &sessions, &reply->hold.held, &stuck);
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
	release_give_up(h);
}

/* All are held, and the seal is under way: it needs the processor too. */
static void on_end(uv_timer_t *timer)
{
	struct hold *h = timer->data;

	if (h->phase != CONTROL_HELD || !crowd_end_one(h->gateway))
		uv_timer_stop(timer);
}

static void look_draining(struct hold *h)
{
	int64_t sessions, held;
	bool stuck;

	hold_count(h, &sessions, &held, &stuck);
	if (stuck) {
		fail_drain(h, "a session cannot be carried over");
	} else if (held == sessions && !h->flushed) {
		h->flushed = true;
		listeners_flush(h->gateway);
		hold_look_soon(h);
	} else if (held == sessions) {
		uv_timer_stop(&h->drain);
		h->drained_ms = (gateway_now_us() - h->began_us) / 1000;
		h->phase = CONTROL_HELD;
		ending_what_cannot_go(&h->ending);
		if (h->holding)
			answer_hold(h);
		uv_timer_start(&h->drain, on_end, END_MS, END_MS);
	} else if (crowd_at_work(h->gateway) > 0 && crowd_is_quick(h->gateway, QUICK_MS)) {
		crowd_end_those_who_lose_nothing(h->gateway);
	}
}

static void on_drain(uv_timer_t *timer)
{
	struct hold *h = timer->data;

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

/* The hold of `attempt` begins for clients. */
static void stop_sessions(struct hold *h)
{
	int64_t now_us = gateway_now_us();

	uv_check_stop(&h->lulling);
	renew_end(h->gateway->renewals);
	tryout_end(h->gateway->tryouts);
	release_stop(h);
	h->phase = CONTROL_DRAINING;
	h->lull_ms = (now_us - h->began_us) / 1000;
	h->began_us = now_us;
	uv_timer_start(&h->drain, on_drain, (uint64_t)h->drain_ms, 0);
	uv_timer_start(&h->deadline, hold_on_deadline, (uint64_t)h->hold_ms, 0);
	crowd_settle(h->gateway);
	hold_look_soon(h);
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

void hold_take_policies(struct hold *h, const struct policies *policies)
{
	if (policies)
		h->gateway->policies = *policies;
}

/* Registers that are being read for the hold before do not end this one. */
static void leave_the_last(struct hold *h)
{
	h->expiring = false;
	if (h->releasing && h->release_read)
		release_answer(h); /* who still waits is held again, and goes on with the next one */
	else if (h->releasing)
		controld_refuse(h->releasing, "busy", "another hold has begun");
	h->releasing = NULL;
}

static void begin(struct hold *h, const struct control_hold *hold, const struct policies *policies)
{
	int64_t lull_ms;

	hold_take_policies(h, policies);
	leave_the_last(h);
	release_count_anew(h);
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
		hold_take_over(&h->holding, request);
		if (hold->attempt > h->attempt)
			begin(h, hold, policies);
		else if (h->phase == CONTROL_HELD)
			answer_hold(h);
	}
}

/* ---- status ---------------------------------------------------------------------------------- */

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
	hold_count(h, &reply->status.sessions, &reply->status.held, &stuck);
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
	static const struct controld_ops ops = {.arm = arm_on,
		.hold = on_hold,
		.release = release_on,
		.status = on_status,
		.survey = arm_on_survey};

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
	if (h->arming || h->looks)
		arm_look(h);
	if (h->phase == CONTROL_DRAINING)
		look_draining(h);
	if (h->phase == CONTROL_FLIPPING || h->queues || h->releasing)
		release_look(h);
}
