/*
 * arm.c - what is done for a hold before it: every session is looked at, and renewed where that can
 * be; each role's login is tried at the other side, and logins are parked there.  A survey looks
 * and tries, and does nothing else.
 *
 * Clients are at work and do not notice: looks come one after the other, and only if that does not
 * do in a second, some at once.  Of many sessions not all are looked at in a second; what is left
 * would be looked at in the hold, where clients wait for it.  So the answer waits, but not for those
 * who do not come to a boundary.
 */
#include <stdlib.h>

#include "base/check.h"
#include "gateway/blockers.h"
#include "gateway/crowd.h"
#include "gateway/hold_priv.h"
#include "gateway/park.h"
#include "gateway/renew.h"
#include "gateway/side.h"
#include "gateway/tryout.h"

#define ARM_MS 1000	  /* for somebody to come to a boundary, where he is looked at */
#define ARM_MS_MAX 20000  /* in all, while some still do */
#define SURVEY_MS_MAX 4000 /* who asks for one waits for five seconds */
#define SCOUT_MS 5000	  /* for what is to be asked for to be found; nobody waits for that */
#define PARK_FIRST_MS 300 /* whoever has not come to be parked by then is not waited for */
#define LOOKS_MORE_MS 100 /* so often, one more at a time */
#define KEPT_MS 10000	  /* for a hold to follow, before what was prepared is put away */

static void on_armed(uv_timer_t *timer);

/* ---- answers --------------------------------------------------------------------------------- */

static void all_looked_at(struct hold *h)
{
	renew_end(h->gateway->renewals);
	tryout_end(h->gateway->tryouts);
	for (struct session *s = h->gateway->first; s; s = s->next)
		s->probe_wanted = false;
	uv_timer_start(&h->arm, on_armed, KEPT_MS, 0);
}

static int64_t looked_at(const struct gateway *g)
{
	int64_t count = 0;

	for (const struct session *s = g->first; s; s = s->next)
		count += session_counts(s) && !s->dirty && !s->unknown;
	return count;
}

/* After the commit point nobody could be let go there. */
static void refuse_blind(struct hold *h)
{
	struct gateway *g = h->gateway;

	controld_refuse(h->arming, "blind", "this gateway cannot read the register of %s: %s",
		control_side_name(gateway_other(g->likely)), tryout_blind(g->tryouts));
	h->arming = NULL;
}

static void answer(struct hold *h)
{
	struct control_reply *reply;
	int64_t sessions, held;
	bool stuck;

	all_looked_at(h);
	if (tryout_blind(h->gateway->tryouts)) {
		refuse_blind(h);
		return;
	}
	reply = calloc(1, sizeof *reply);
	ENSURE(reply != NULL);
	hold_count(h, &sessions, &held, &stuck);
	reply->ok = true;
	if (h->surveying) {
		reply->survey.sessions = sessions;
		reply->survey.looked = looked_at(h->gateway);
		reply->survey.let_in = tryout_let_in(h->gateway->tryouts);
	} else {
		reply->arm.sessions = sessions;
		reply->arm.parked = park_count(h->gateway->park);
	}
	blockers_reply(h->gateway, h->arming, reply, true,
		h->surveying ? POLICY_TELL : POLICY_DISCONNECT);
	h->arming = NULL;
	if (!h->surveying)
		crowd_detach_idle(h->gateway);
}

/* ---- looking --------------------------------------------------------------------------------- */

static void begin_to_look(struct hold *h)
{
	h->looks = true;
	h->scouts = false;
	h->looking_ms = h->got_on_ms = (int64_t)uv_now(&h->gateway->loop);
}

static int64_t looking_for_ms(const struct hold *h)
{
	return (int64_t)uv_now(&h->gateway->loop) - h->looking_ms;
}

/* Has somebody been looked at, parked or tried since this was asked before? */
static void see_whether_it_gets_on(struct hold *h)
{
	size_t left = crowd_to_look_at(h->gateway), tried = tryout_count(h->gateway->tryouts);
	int64_t parked = park_there(h->gateway->park);

	if (left < h->left || parked > h->parked || tried > h->tried)
		h->got_on_ms = (int64_t)uv_now(&h->gateway->loop);
	h->left = left;
	h->parked = parked;
	h->tried = tried;
}

bool hold_has_room_to_look(const struct hold *h)
{
	int64_t ms = looking_for_ms(h);

	return !renew_is_scouting(h->gateway->renewals) &&
	       h->looked_at <= (size_t)((ms < ARM_MS ? ms : ARM_MS) / LOOKS_MORE_MS);
}

void hold_looks_at_one(struct hold *h)
{
	h->looked_at++;
}

static bool is_time_up(const struct hold *h)
{
	int64_t now_ms = (int64_t)uv_now(&h->gateway->loop), ms = now_ms - h->asked_ms;

	if (ms >= (h->surveying ? SURVEY_MS_MAX : ARM_MS_MAX))
		return true;
	if (h->scouts || renew_is_scouting(h->gateway->renewals))
		return ms >= SCOUT_MS;
	return now_ms - h->got_on_ms >= ARM_MS;
}

/* Also by the clock there is room for more looks, and who lets wait too long is not waited for. */
static void on_armed(uv_timer_t *timer)
{
	struct hold *h = timer->data;

	see_whether_it_gets_on(h);
	if (h->arming && !is_time_up(h)) {
		uv_timer_start(&h->arm, on_armed, LOOKS_MORE_MS, 0);
		hold_look_soon(h);
	} else if (h->arming) {
		answer(h);
	} else if (hold_stops(h)) {
		uv_timer_start(&h->arm, on_armed, KEPT_MS, 0);
	} else {
		begin_to_look(h);
		crowd_put_away(h->gateway);
		hold_look_soon(h);
	}
}

/* True while somebody is still to be looked at. */
static bool look_at_some(struct hold *h)
{
	bool wanted = false, room = hold_has_room_to_look(h);

	for (struct session *s = h->gateway->first, *next; s; s = next) {
		next = s->next;
		if (room && s->probe_wanted && s->phase == SESSION_RUN) {
			session_settle(s);
			room = s->phase != SESSION_PROBE || hold_has_room_to_look(h);
		}
		wanted |= s->probe_wanted;
	}
	return wanted;
}

/* Parking makes the other side's server work, which may be on this machine: that first. */
static bool is_preparing(struct hold *h)
{
	bool tries = h->arming && tryout_some(h->gateway->tryouts);
	bool parks = h->arming && !h->surveying && park_is_busy(h->gateway->park);

	if (!h->arming || (parks && looking_for_ms(h) < PARK_FIRST_MS))
		return parks;
	return renew_some(h->gateway->renewals) || parks || tries;
}

void arm_look(struct hold *h)
{
	bool scouts = renew_is_scouting(h->gateway->renewals);
	bool preparing = is_preparing(h);

	if (h->scouts && !scouts)
		begin_to_look(h); /* what has passed was not for that */
	h->scouts = scouts;
	h->looked_at = crowd_looked_at(h->gateway);
	h->looks = look_at_some(h) || preparing;
	if (h->arming && !h->looks)
		answer(h);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void begin(struct hold *h, struct controld_request *request,
	const struct policies *policies, bool survey)
{
	hold_take_policies(h, policies);
	hold_take_over(&h->arming, request);
	h->surveying = survey;
	h->asked_ms = (int64_t)uv_now(&h->gateway->loop);
	begin_to_look(h);
	tryout_begin(h->gateway->tryouts);
	uv_timer_start(&h->arm, on_armed, LOOKS_MORE_MS, 0);
}

/* As arm looks, and nothing else. */
void arm_on_survey(void *ctx, struct controld_request *request, const struct policies *policies)
{
	struct hold *h = ctx;

	if (hold_stops(h) || h->arming) {
		controld_refuse(
			request, "busy", "attempt %lld is under way", (long long)h->attempt);
		return;
	}
	begin(h, request, policies, true);
	for (struct session *s = h->gateway->first; s; s = s->next)
		s->probe_wanted = s->phase == SESSION_RUN && s->dirty;
	if (!h->gateway->names.known)
		renew_scout(h->gateway->renewals);
	see_whether_it_gets_on(h);
	hold_look_soon(h);
}

/* Every session is looked at, for what the database reads may have changed since. */
void arm_on(void *ctx, struct controld_request *request, const struct control_arm *arm,
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
	begin(h, request, policies, false);
	renew_begin(h->gateway->renewals);
	/* Names are never resolved in the window; what they lead to by now is known by then. */
	side_refresh(h->gateway, CONTROL_OLD);
	side_refresh(h->gateway, CONTROL_NEW);
	park_begin(h->gateway->park, arm->dst, arm->share);
	see_whether_it_gets_on(h);
	hold_look_soon(h);
}
