#include "gateway/blockers.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "gateway/hold.h"
#include "gateway/tryout.h"

struct asking {
	struct controld_request *request;
	struct control_reply *reply; /* owned */
};

/* ---- what stands in the way ------------------------------------------------------------------ */

struct hindrance {
	unsigned lost; /* the bit; 0 = none of them */
	enum policy policy;
	const char *cls; /* as control_blocker.cls; NULL = nothing is in the way */
};

static enum policy_class class_of(unsigned bit)
{
	switch ((enum state_lost)bit) {
	case STATE_TEMP:
		return CLASS_TEMP_TABLES;
	case STATE_ADVISORY:
		return CLASS_ADVISORY_LOCKS;
	case STATE_CURSOR:
		return CLASS_HOLD_CURSORS;
	case STATE_LISTEN:
		return CLASS_LISTEN;
	case STATE_CURRVAL:
		return CLASS_CURRVAL;
	case STATE_LASTVAL:
		return CLASS_LASTVAL;
	case STATE_STATEMENT:
		return CLASS_STATEMENTS;
	case STATE_SIZE:
	case STATE_REPLICATION:
	case STATE_REPLAY:
		break;
	}
	return CLASS_UNKNOWN;
}

static const char kept_out[] = "login"; /* by the other side */

static bool is_kept_out(const struct hindrance *h)
{
	return h->cls == kept_out;
}

/* Of what the session loses, what the plan is strictest about. */
static struct hindrance hindrance_of(const struct session *s)
{
	const enum policy *of = s->gateway->policies.of;
	struct hindrance found = {.policy = POLICY_TELL};

	if (!session_counts(s))
		return found;
	if (s->unknown)
		return (struct hindrance){0, of[CLASS_UNKNOWN], "unknown"};
	if (tryout_refusal(s))
		return (struct hindrance){0, of[CLASS_UNKNOWN], kept_out};
	for (unsigned i = 0; s->state.lost && i < STATE_LOST_COUNT; i++) {
		unsigned bit = s->state.lost & (1u << i);

		if (bit && (!found.cls || of[class_of(bit)] > found.policy))
			found = (struct hindrance){bit, of[class_of(bit)], state_lost_name(bit)};
	}
	return found;
}

/* Under way: whoever is not where it could be held. */
static struct hindrance busy_of(const struct session *s)
{
	struct hindrance found = {.policy = s->gateway->policies.of[CLASS_TRANSACTIONS]};

	if (s->phase == SESSION_HELD && !session_is_held(s))
		found.cls = "unread";
	if (s->phase == SESSION_RUN && !session_at_boundary(s))
		found.cls = track_is_safe(&s->track) ? "unread" : "transaction";
	if (s->phase == SESSION_PROBE ||
		(s->phase == SESSION_OPENING && hold_stops(s->gateway->hold)))
		found.cls = carry_waits(s) ? "unread" : "silent";
	return found;
}

enum policy blockers_policy(const struct session *s)
{
	return hindrance_of(s).policy;
}

bool blockers_is_stuck(const struct session *s)
{
	struct hindrance found = hindrance_of(s);

	return found.policy == POLICY_BLOCK && (s->unknown || is_kept_out(&found) || !s->dirty);
}

/* ---- naming ---------------------------------------------------------------------------------- */

/* How old what is known of it is; 0 = it is seen now. */
static int64_t age_of_look(const struct session *s, const struct hindrance *h)
{
	int64_t now_ms = (int64_t)uv_now(&s->gateway->loop), looked_ms = now_ms;

	if (h->lost)
		looked_ms = s->looked_ms;
	else if (is_kept_out(h))
		looked_ms = tryout_ms(s->gateway->tryouts);
	return now_ms > looked_ms ? now_ms - looked_ms : 0;
}

static void add(struct control_reply *reply, const struct session *s, const struct hindrance *h)
{
	struct control_blocker *b = &reply->blockers[reply->blockers_count];
	const char *application = params_get(&s->told, "application_name");
	int64_t now_ms = (int64_t)uv_now(&s->gateway->loop);

	if (!h->cls || reply->blockers_count == CONTROL_BLOCKERS_MAX)
		return;
	reply->blockers_count++;
	*b = (struct control_blocker){.pid = s->server.pid,
		.age_ms = now_ms > s->active_ms ? now_ms - s->active_ms : 0,
		.looked_ms = age_of_look(s, h)};
	snprintf(b->user, sizeof b->user, "%.63s", s->login.user);
	snprintf(b->application, sizeof b->application, "%.63s", application ? application : "");
	snprintf(b->address, sizeof b->address, "%s", s->account.client.address);
	b->port = s->account.client.port;
	snprintf(b->cls, sizeof b->cls, "%.15s", h->cls);
	snprintf(b->policy, sizeof b->policy, "%s", policy_name(h->policy));
	if (h->lost)
		snprintf(b->text, sizeof b->text, "%.95s", state_example(&s->state, h->lost));
	else if (is_kept_out(h))
		snprintf(b->text, sizeof b->text, "%.95s", tryout_refusal(s));
	else if (s->unknown)
		snprintf(b->text, sizeof b->text, "%.95s", s->why);
}

/* What it loses comes before what it is doing, unless that goes across. */
static struct hindrance worst_of(const struct session *s, bool busy)
{
	struct hindrance lost = hindrance_of(s), under_way = busy_of(s);

	if (busy && under_way.cls && lost.policy == POLICY_TELL)
		return under_way;
	return lost;
}

void blockers_add(struct control_reply *reply, const struct session *s)
{
	struct hindrance found = worst_of(s, true);

	add(reply, s, &found);
}

/* ---- answering ------------------------------------------------------------------------------- */

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

/* Those first that end an attempt: there may be more than fit. */
static void add_all(
	struct gateway *gateway, struct control_reply *reply, bool busy, enum policy least)
{
	for (int policy = POLICY_COUNT - 1; policy >= (int)least; policy--) {
		for (const struct session *s = gateway->first; s; s = s->next) {
			struct hindrance found = worst_of(s, busy);

			if (found.cls && found.policy == (enum policy)policy)
				add(reply, s, &found);
		}
	}
}

void blockers_reply(struct gateway *gateway, struct controld_request *request,
	struct control_reply *reply, bool busy, enum policy least)
{
	struct asking *a = calloc(1, sizeof *a);
	int32_t pids[DOORS_PIDS_MAX];
	size_t count = 0;

	ENSURE(a != NULL);
	*a = (struct asking){request, reply};
	add_all(gateway, reply, busy, least);
	for (size_t i = 0; i < reply->blockers_count && count < DOORS_PIDS_MAX; i++)
		pids[count++] = (int32_t)reply->blockers[i].pid;
	if (count > 0)
		doors_sessions(gateway->doors, gateway->likely, pids, count, on_facts, a);
	else
		answer(a);
}
