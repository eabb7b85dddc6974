#include "gateway/crowd.h"

bool crowd_is_elsewhere(const struct gateway *gateway, enum control_side src)
{
	for (const struct session *s = gateway->first; s; s = s->next)
		if (s->phase == SESSION_RUN && s->server.side != src)
			return true;
	return false;
}

size_t crowd_at_work(const struct gateway *gateway)
{
	size_t count = 0;

	for (const struct session *s = gateway->first; s; s = s->next)
		count += s->phase == SESSION_RUN && !session_at_boundary(s);
	return count;
}

size_t crowd_looked_at(const struct gateway *gateway)
{
	size_t count = 0;

	for (const struct session *s = gateway->first; s; s = s->next)
		count += s->phase == SESSION_PROBE && !s->flushing;
	return count;
}

size_t crowd_to_look_at(const struct gateway *gateway)
{
	size_t count = 0;

	for (const struct session *s = gateway->first; s; s = s->next)
		count += s->probe_wanted || s->renew != RENEW_NOT;
	return count;
}

bool crowd_is_idle(const struct session *s)
{
	return s->active_ms < (int64_t)uv_now(&s->gateway->loop) - s->gateway->patience_ms;
}

void crowd_detach_idle(struct gateway *gateway)
{
	struct session *next;

	for (struct session *s = gateway->first; s; s = next) {
		next = s->next;
		if (s->phase == SESSION_RUN && session_at_boundary(s) && !session_is_waiting(s) &&
			!s->dirty && !s->unknown && s->state.lost == 0 && crowd_is_idle(s))
			session_detach(s);
	}
}

bool crowd_is_calm(const struct gateway *gateway)
{
	for (const struct session *s = gateway->first; s; s = s->next)
		if (s->calming)
			return false;
	return true;
}

bool crowd_is_quick(const struct gateway *gateway, int64_t ms)
{
	int64_t since_ms = (int64_t)uv_now(&gateway->loop) - ms;

	for (const struct session *s = gateway->first; s; s = s->next)
		if ((s->phase == SESSION_RUN || s->phase == SESSION_HELD) && !session_is_held(s) &&
			s->began_ms < since_ms)
			return false;
	return true;
}

static bool may_end(const struct session *s)
{
	return s->phase == SESSION_HELD && server_is_open(&s->server) && !s->state.channels;
}

void crowd_end_those_who_lose_nothing(struct gateway *gateway)
{
	for (struct session *s = gateway->first; s; s = s->next)
		if (may_end(s) && s->state.lost == 0 && !s->unknown)
			server_close(&s->server);
}

bool crowd_end_one(struct gateway *gateway)
{
	for (struct session *s = gateway->first; s; s = s->next)
		if (may_end(s)) {
			server_close(&s->server);
			return true;
		}
	return false;
}

void crowd_put_away(struct gateway *gateway)
{
	for (struct session *s = gateway->first; s; s = s->next)
		s->probe_wanted = s->kept != 0 && s->phase == SESSION_RUN;
}

void crowd_settle(struct gateway *gateway)
{
	struct session *next;

	for (struct session *s = gateway->first; s; s = next) {
		next = s->next;
		session_settle(s);
	}
}
