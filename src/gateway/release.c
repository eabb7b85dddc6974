/*
 * release.c - the end of a hold for its sessions: who goes on first, and when the controller hears.
 *
 * Who has waited longest is let in first, a few at a time, and keeps his place until he has been
 * served once.  Until all of these have been, nobody begins a second time: a client that has fallen
 * behind asks again at once, and every such request would take its processor time from those who
 * have waited since the hold began (docs/decisions/0034).
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "gateway/crowd.h"
#include "gateway/hold_priv.h"
#include "gateway/park.h"
#include "gateway/say.h"

#define CALM_MS 50	    /* for those who waited to be served, before the controller goes on */
#define LISTEN_FIRST_MS 250 /* others wait so long for those who listen */
#define SLOW_MS 500	    /* others do not wait longer for a login that hangs */
#define SERVE_MS 20	    /* what takes longer than this gives up its place to the next */
#define QUEUE_MS 100	    /* no second request waits longer for all the first ones */

void release_count_anew(struct hold *h)
{
	h->released = h->failed = h->waiting_us_max = 0;
	h->told = false;
}

static void set_flipping(struct hold *h, struct session *s, bool flipping)
{
	h->flipping += (size_t)flipping - (size_t)s->flipping;
	s->flipping = flipping;
}

void release_count(struct hold *h, struct session *s)
{
	bool held_again = s->phase == SESSION_HELD && hold_stops(h); /* by another hold */

	if (s->phase == SESSION_RUN) {
		int64_t waited_us = s->waiting_us ? gateway_now_us() - s->waiting_us : 0;

		h->released++;
		s->calming = waited_us > 0;
		if (s->cleared && s->cleared_us && s->tries == 0)
			pace_done(&h->pace, s->cleared_parked, gateway_now_us() - s->cleared_us);
		if (waited_us > h->waiting_us_max)
			h->waiting_us_max = waited_us;
	} else if (s->phase == SESSION_LAST_WORDS ||
		   (s->phase == SESSION_HELD && s->cleared && !held_again)) {
		h->failed++;
	} else if (s->phase != SESSION_GONE && !held_again) {
		return;
	}
	set_flipping(h, s, false);
	s->cleared = false;
}

/* ---- who is under way ---------------------------------------------------------------------- */

/* Does it take part of what the server can do at a time?  One that was turned away comes again by
 * itself, and one that hangs does nothing there: nobody has to wait for these. */
static bool takes_room(const struct session *s, int64_t now_us)
{
	int64_t since_us = now_us - s->cleared_us;

	if (s->calming && s->phase != SESSION_GONE)
		return since_us < SERVE_MS * 1000;
	return s->flipping && s->phase == SESSION_OPENING && s->tries == 0 &&
	       since_us < SLOW_MS * 1000;
}

/* Who takes none any more hardly ever takes any again, and is forgotten. */
static size_t count_under_way(struct hold *h)
{
	int64_t now_us = gateway_now_us();
	size_t count = 0;

	for (size_t i = 0; i < h->going_count; i++)
		if (takes_room(h->going[i], now_us))
			h->going[count++] = h->going[i];
	h->going_count = count;
	return count;
}

static void add_under_way(struct hold *h, struct session *s)
{
	for (size_t i = 0; i < h->going_count; i++)
		if (h->going[i] == s)
			return; /* by the hold before */
	INVARIANT(h->going_count < PACE_MAX);
	h->going[h->going_count++] = s;
}

static bool somebody_waits(const struct hold *h)
{
	if (h->flipping == 0)
		return false;
	for (const struct session *s = h->gateway->first; s; s = s->next)
		if (s->flipping && session_is_waiting(s))
			return true;
	return false;
}

/* ---- the queue ------------------------------------------------------------------------------- */

static void end_queue(struct hold *h)
{
	struct session *next;

	h->queues = false;
	for (struct session *s = h->gateway->first; s; s = next) {
		next = s->next;
		if (s->phase == SESSION_RUN)
			relay_client(s, false);
	}
}

/* Places become free, and the queue ends, by the clock too. */
static void on_serve(uv_timer_t *timer)
{
	struct hold *h = timer->data;

	if (h->queues && gateway_now_us() - h->let_go_us >= QUEUE_MS * 1000)
		end_queue(h);
	if (h->phase != CONTROL_FLIPPING && !h->queues)
		uv_timer_stop(timer); /* nobody looks for it any more */
	hold_look_soon(h);
}

static void begin_queue(struct hold *h)
{
	h->let_go_us = gateway_now_us();
	h->queues = true;
	uv_timer_start(&h->serve, on_serve, SERVE_MS, SERVE_MS);
}

void release_stop(struct hold *h)
{
	uv_timer_stop(&h->serve);
	uv_timer_stop(&h->calm);
	h->queues = false;
}

/* ---- letting go ------------------------------------------------------------------------------ */

static void on_slow(uv_timer_t *timer)
{
	struct hold *h = timer->data;

	h->flipping_us = 0; /* listeners had their time, by whichever clock */
	hold_look_soon(h);
}

/* flipping_us: since when those who listen are first; 0 = they need not be. */
static void begin_to_let_go(struct hold *h, int64_t flipping_us, uint64_t slow_ms)
{
	uv_timer_stop(&h->deadline);
	uv_timer_stop(&h->calm);
	h->ended = true;
	h->phase = CONTROL_FLIPPING;
	h->flipping_us = flipping_us;
	h->on_us = 0;
	uv_timer_start(&h->drain, on_slow, slow_ms, SLOW_MS / 2);
	begin_queue(h);
	pace_begin(&h->pace, gateway_openings_least());
}

void hold_let_go(struct hold *h, enum control_side side, int64_t epoch)
{
	uv_check_stop(&h->lulling);
	hold_refuse(h, "the hold's deadline passed");
	h->expiring = false;
	if (h->told)
		release_count_anew(h);
	begin_to_let_go(h, gateway_now_us(), LISTEN_FIRST_MS + 1);
	h->gateway->likely = side;
	for (struct session *s = h->gateway->first, *next; s; s = next) {
		next = s->next;
		if (s->phase != SESSION_HELD)
			continue;
		set_flipping(h, s, !s->detached || session_is_waiting(s));
		s->cleared = false;
		if (server_is_open(&s->server) &&
			(s->server.side != side || s->server.epoch != epoch))
			session_leave_server(s);
	}
	hold_look_soon(h);
}

void release_give_up(struct hold *h)
{
	begin_to_let_go(h, 0, SLOW_MS / 2); /* those who listen still do */
	for (struct session *s = h->gateway->first; s; s = s->next) {
		set_flipping(h, s,
			s->phase == SESSION_HELD && (!s->detached || session_is_waiting(s)));
		s->cleared = false;
	}
	hold_look_soon(h);
}

static size_t clear_some(struct hold *h, bool waiting, size_t under_way)
{
	bool listen = gateway_now_us() - h->flipping_us <= LISTEN_FIRST_MS * 1000 &&
		      listeners_are_under_way(h->gateway);
	struct session *s;

	while (under_way < pace_room(&h->pace) &&
		(s = session_to_clear(h->gateway, waiting, listen)) != NULL) {
		s->cleared = true;
		s->cleared_us = server_is_open(&s->server) ? 0 : gateway_now_us();
		s->cleared_parked = server_is_open(&s->parked);
		session_settle(s);
		if (s->phase != SESSION_OPENING)
			continue;
		add_under_way(h, s);
		under_way++;
	}
	return under_way;
}

void hold_calmed(struct hold *h, struct session *s)
{
	s->calming = false;
	hold_look_soon(h);
}

/* ---- the answer ------------------------------------------------------------------------------ */

void release_answer(struct hold *h)
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
		release_answer(h);
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
		release_answer(h);
	else if (!uv_is_active((uv_handle_t *)&h->calm))
		uv_timer_start(&h->calm, on_calm, CALM_MS, 0);
}

static void all_have_gone_on(struct hold *h)
{
	h->phase = CONTROL_RUN;
	uv_timer_stop(&h->drain);
	park_end(h->gateway->park);
	say("attempt %lld: %lld sessions went on on %s, %lld could not, the longest waited %lld ms",
		(long long)h->attempt, (long long)h->released,
		control_side_name(h->gateway->likely), (long long)h->failed,
		(long long)(h->waiting_us_max / 1000));
}

static void look_flipping(struct hold *h)
{
	clear_some(h, false, clear_some(h, true, count_under_way(h)));
	if (h->flipping == 0)
		all_have_gone_on(h);
}

void release_look(struct hold *h)
{
	bool waiting;

	if (h->phase == CONTROL_FLIPPING)
		look_flipping(h);
	waiting = somebody_waits(h);
	if (!waiting && h->releasing && h->release_read)
		calm_down(h);
	if (h->queues && !waiting && count_under_way(h) == 0)
		end_queue(h);
	if (h->phase != CONTROL_FLIPPING && !h->queues)
		uv_timer_stop(&h->serve);
}

/* ---- the request ----------------------------------------------------------------------------- */

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

void release_on(
	void *ctx, struct controld_request *request, const struct control_release *release)
{
	struct hold *h = ctx;
	struct releasing *r = calloc(1, sizeof *r);

	ENSURE(r != NULL);
	*r = (struct releasing){h, ++h->release_number, release->side};
	hold_take_over(&h->releasing, request);
	h->release_read = false;
	uv_timer_stop(&h->calm);
	doors_told(h->gateway->doors, release->epoch);
	doors_read(h->gateway->doors, release->side, on_release_read, r);
}
