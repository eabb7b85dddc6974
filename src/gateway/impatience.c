#include "gateway/impatience.h"

#include "base/check.h"
#include "gateway/hold.h"
#include "gateway/say.h"
#include "gateway/session.h"

#define WAIT_MS 100 /* of a client for a look, and how often that is asked */

static void on_delivered(struct server *server)
{
	struct session *s = server->owner;

	server_close(server);
	carry_look_over(s);
}

static bool has_waited(const struct session *s)
{
	return s->waiting_us > 0 && gateway_now_us() - s->waiting_us >= WAIT_MS * 1000;
}

static void cancel(struct session *s)
{
	struct err err = ERR_INIT;

	s->hurry.changed = on_delivered;
	s->hurry.owner = s;
	if (server_cancel(&s->hurry, &s->server, &err))
		say("the look at session %u cannot be given up: %s", s->pid, err.msg);
	else
		say("the look at session %u of %.63s is given up: its client waits", s->pid,
			s->login.user);
}

static void on_time(uv_timer_t *timer)
{
	struct session *s = timer->data;

	REQUIRE(s->phase == SESSION_PROBE);
	if (has_waited(s) && !impatience_cancels(s) && !hold_stops(s->gateway->hold))
		cancel(s);
}

void impatience_begin(struct session *s)
{
	uv_timer_start(&s->timer, on_time, WAIT_MS, WAIT_MS);
}

bool impatience_cancels(const struct session *s)
{
	return server_is_open(&s->hurry);
}

void impatience_end(struct session *s)
{
	uv_timer_stop(&s->timer);
	server_close(&s->hurry);
}
