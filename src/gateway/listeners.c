#include "gateway/listeners.h"

#include "base/check.h"
#include "gateway/hold.h"

#define LOOK_MS 1000 /* how often an open door is looked for, for those who never ask */

void listeners_flush(struct gateway *gateway)
{
	for (struct session *s = gateway->first; s; s = s->next)
		if (s->phase == SESSION_HELD && s->state.channels && server_is_open(&s->server))
			carry_flush(s);
}

bool listeners_are_under_way(const struct gateway *gateway)
{
	for (const struct session *s = gateway->first; s; s = s->next)
		if (s->flipping && s->state.channels)
			return true;
	return false;
}

void listeners_wake(struct gateway *gateway)
{
	struct session *next;

	for (struct session *s = gateway->first; s; s = next) {
		next = s->next;
		if (s->phase != SESSION_HELD || !s->state.channels)
			continue;
		s->detached = false;
		session_settle(s);
	}
}

/* ---- those who have no server ---------------------------------------------------------------- */

static void look(struct listeners *l, enum control_side side);

static bool somebody_is_deaf(const struct gateway *gateway)
{
	for (const struct session *s = gateway->first; s; s = s->next)
		if (s->phase == SESSION_HELD && s->state.channels && !s->flipping &&
			!server_is_open(&s->server))
			return true;
	return false;
}

static void on_look(void *ctx, const struct door_view *view, const struct err *err)
{
	struct listeners *l = ctx;
	struct gateway *g = l->gateway;

	l->looking = false;
	if (g->stopping || hold_stops(g->hold))
		return;
	if (err->code == ERR_OK && view->open) {
		g->likely = l->aim;
		hold_door_opened(g->hold);
	} else if (l->looks == 1) {
		look(l, gateway_other(l->aim));
	}
}

static void look(struct listeners *l, enum control_side side)
{
	l->looking = true;
	l->looks++;
	l->aim = side;
	doors_read(l->gateway->doors, side, on_look, l);
}

static void on_time(uv_timer_t *timer)
{
	struct listeners *l = timer->data;

	if (l->looking || hold_stops(l->gateway->hold) || !somebody_is_deaf(l->gateway))
		return;
	l->looks = 0;
	look(l, l->gateway->likely);
}

void listeners_begin(struct listeners *l, struct gateway *gateway)
{
	*l = (struct listeners){.gateway = gateway};
	ENSURE(uv_timer_init(&gateway->loop, &l->timer) == 0);
	l->timer.data = l;
	uv_timer_start(&l->timer, on_time, LOOK_MS, LOOK_MS);
}

void listeners_stop(struct listeners *l)
{
	uv_close((uv_handle_t *)&l->timer, NULL);
}
