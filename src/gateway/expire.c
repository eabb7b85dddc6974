/*
 * expire.c - the end of a hold that nobody released (law 6): the registers say where clients go on.
 */
#include "base/check.h"
#include "gateway/hold_priv.h"
#include "gateway/say.h"

#define AGAIN_MS 20   /* until the register is read again after it was moved */
#define ABORTS_MAX 3u /* tries to end an expired attempt, before no door is open */

/* No door is open.  Who waits is refused; the others are looked after when they ask. */
static void shut(struct hold *h)
{
	struct session *next;

	say("the hold of attempt %lld is over and no door is open: requests are refused",
		(long long)h->attempt);
	hold_refuse(h, "the hold's deadline passed");
	h->ended = true;
	h->phase = CONTROL_SHUT;
	for (struct session *s = h->gateway->first; s; s = next) {
		next = s->next;
		if (s->phase != SESSION_HELD)
			continue;
		session_leave_server(s);
		if (session_is_waiting(s))
			session_refuse(
				s, "57P03", "neither side of the database accepts sessions now");
	}
}

/* True while the answer still matters. */
static bool goes_on_expiring(struct hold *h)
{
	if (hold_stops(h) && h->expiring)
		return true;
	h->expiring = false;
	return false;
}

static void on_dst_read(void *ctx, const struct door_view *view, const struct err *err)
{
	struct hold *h = ctx;

	if (!goes_on_expiring(h))
		return;
	h->expiring = false;
	if (err->code == ERR_OK && view->open)
		hold_let_go(h, gateway_other(h->src), view->epoch);
	else
		shut(h);
}

static void on_aborted(void *ctx, bool moved, const struct err *err)
{
	struct hold *h = ctx;

	if (!goes_on_expiring(h))
		return;
	h->expiring = false;
	if (moved)
		say("attempt %lld had expired: %s is open again", (long long)h->attempt,
			control_side_name(h->src));
	else if (err->code != ERR_OK)
		say("attempt %lld cannot be ended: %s", (long long)h->attempt, err->msg);
	uv_timer_start(&h->deadline, hold_on_deadline, AGAIN_MS, 0); /* the register tells */
}

/* Sealed by the attempt that holds us: it may still go on until its time is up there. */
static void on_sealed(struct hold *h, int64_t left_ms)
{
	if (left_ms > 0) {
		h->expiring = false;
		uv_timer_start(&h->deadline, hold_on_deadline, (uint64_t)left_ms + 1, 0);
		return;
	}
	h->aborts++;
	doors_abort_if_expired(h->gateway->doors, h->src, h->attempt, on_aborted, h);
}

static void on_src_read(void *ctx, const struct door_view *view, const struct err *err)
{
	struct hold *h = ctx;

	if (!goes_on_expiring(h))
		return;
	if (err->code == ERR_OK && view->open)
		hold_let_go(h, h->src, view->epoch);
	else if (err->code == ERR_OK && view->state == DOOR_SEALED && view->attempt == h->attempt &&
		 h->aborts < ABORTS_MAX)
		on_sealed(h, view->left_ms);
	else
		doors_read(h->gateway->doors, gateway_other(h->src), on_dst_read, h);
}

void hold_on_deadline(uv_timer_t *timer)
{
	struct hold *h = timer->data;

	if (!hold_stops(h) || h->expiring)
		return;
	h->expiring = true;
	doors_read(h->gateway->doors, h->src, on_src_read, h);
}
