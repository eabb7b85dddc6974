#include "gateway/blockers.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

struct asking {
	struct controld_request *request;
	struct control_reply *reply; /* owned */
};

bool blockers_is_stuck(const struct session *s)
{
	return session_counts(s) && (s->unknown || (!s->dirty && (s->state.lost & STATE_BLOCKS)));
}

const char *blockers_class(const struct session *s)
{
	if (!session_counts(s))
		return NULL;
	if (s->unknown)
		return "unknown";
	if (s->state.lost & STATE_BLOCKS) /* as it was when it was last looked at */
		return state_lost_name(s->state.lost & STATE_BLOCKS);
	if (s->phase != SESSION_RUN || session_at_boundary(s))
		return NULL;
	return track_is_safe(&s->track) ? "unread" : "transaction";
}

static void add(struct control_reply *reply, const struct session *s, const char *cls)
{
	struct control_blocker *b = &reply->blockers[reply->blockers_count++];
	const char *application = params_get(&s->told, "application_name");

	*b = (struct control_blocker){.pid = s->server.pid};
	snprintf(b->user, sizeof b->user, "%.63s", s->login.user);
	snprintf(b->application, sizeof b->application, "%.63s", application ? application : "");
	snprintf(b->cls, sizeof b->cls, "%.15s", cls);
	if (s->unknown)
		snprintf(b->text, sizeof b->text, "%.95s", s->why);
	else
		snprintf(b->text, sizeof b->text, "%.95s", s->state.example);
}

static void answer(struct asking *a)
{
	controld_reply(a->request, a->reply);
	free(a->reply);
	free(a);
}

static void on_facts(
	void *ctx, const struct door_session *sessions, size_t count, const struct err *err)
{
	struct asking *a = ctx;

	for (size_t i = 0; err->code == ERR_OK && i < count; i++) {
		for (size_t j = 0; j < a->reply->blockers_count; j++) {
			struct control_blocker *b = &a->reply->blockers[j];

			if (b->pid != sessions[i].pid)
				continue;
			b->age_ms = sessions[i].age_ms;
			if (!b->text[0])
				snprintf(b->text, sizeof b->text, "%s", sessions[i].text);
		}
	}
	answer(a);
}

void blockers_reply(
	struct gateway *gateway, struct controld_request *request, struct control_reply *reply)
{
	struct asking *a = calloc(1, sizeof *a);
	int32_t pids[DOORS_PIDS_MAX];
	size_t count = 0;

	ENSURE(a != NULL);
	*a = (struct asking){request, reply};
	for (const struct session *s = gateway->first; s; s = s->next) {
		const char *cls = blockers_class(s);

		if (!cls || reply->blockers_count == CONTROL_BLOCKERS_MAX)
			continue;
		if (count < DOORS_PIDS_MAX)
			pids[count++] = (int32_t)s->server.pid;
		add(reply, s, cls);
	}
	if (count > 0)
		doors_sessions(gateway->doors, gateway->likely, pids, count, on_facts, a);
	else
		answer(a);
}
