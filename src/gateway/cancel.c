/* cancel.c - a CancelRequest goes to whatever server its session has now. */
#include "base/check.h"
#include "gateway/session.h"

static struct session *find(struct gateway *g, uint32_t pid, uint32_t secret)
{
	for (struct session *s = g->first; s; s = s->next)
		if (s->greeted && s->pid == pid && s->secret == secret)
			return s;
	return NULL;
}

static void on_cancelled(struct server *server)
{
	session_close(server->owner); /* the client learns nothing but that it is over */
}

/* A held session has nothing under way: there is nothing to cancel, and nothing is sent. */
void cancel_begin(struct session *s, uint32_t pid, uint32_t secret)
{
	struct session *of = find(s->gateway, pid, secret);
	struct err err = ERR_INIT;

	REQUIRE(s->phase == SESSION_HELLO);
	if (!of || of->phase != SESSION_RUN) {
		session_close(s);
		return;
	}
	s->phase = SESSION_CANCEL;
	s->client->reading = false; /* it has said all, and may leave */
	s->cancel_of = of;
	session_ref(of);
	of->cancels++;
	s->server.changed = on_cancelled;
	s->server.owner = s;
	if (server_cancel(&s->server, &of->server, &err))
		session_close(s);
}
