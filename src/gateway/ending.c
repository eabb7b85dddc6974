#include "gateway/ending.h"

#include "gateway/say.h"

void ending_begin(struct ending *e, struct gateway *gateway, int64_t attempt)
{
	*e = (struct ending){.gateway = gateway, .attempt = attempt};
}

static void end_session(struct ending *e, struct session *s, const char *why)
{
	blockers_add(&e->reply, s);
	e->reply.hold.disconnected++;
	say("attempt %lld: session %u of %.63s is ended: %s", (long long)e->attempt, s->server.pid,
		s->login.user, why);
	session_refuse(s, "57P01",
		"the database moves to another server, and this session cannot go along: %s", why);
}

void ending_what_cannot_go(struct ending *e)
{
	struct session *next;

	for (struct session *s = e->gateway->first; s; s = next) {
		next = s->next;
		if (s->phase == SESSION_HELD && blockers_policy(s) == POLICY_DISCONNECT)
			end_session(e, s,
				s->unknown ? "its state is not known"
					   : "it holds what only its own server has");
	}
}

bool ending_would_help(const struct ending *e)
{
	if (e->gateway->policies.of[CLASS_TRANSACTIONS] != POLICY_DISCONNECT || e->overtime)
		return false;
	for (const struct session *s = e->gateway->first; s; s = s->next)
		if (s->phase == SESSION_RUN && session_at_boundary(s))
			return false; /* let on, and not rid of what it holds */
	return true;
}

void ending_transactions(struct ending *e)
{
	struct session *next;

	e->overtime = true;
	for (struct session *s = e->gateway->first; s; s = next) {
		next = s->next;
		if (s->phase == SESSION_RUN || (s->phase == SESSION_HELD && !session_is_held(s)))
			end_session(e, s, "its transaction did not end in time");
	}
}
