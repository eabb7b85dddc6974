#include "gateway/listeners.h"

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
