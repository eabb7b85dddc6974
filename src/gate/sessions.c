/*
 * sessions.c - the clients behind a gateway can be carried over.  Every session is looked at on its
 * own server, as before a hold; who holds what cannot go along is named, with what the plan wants
 * to become of it.  A route that cannot hold carries nobody, so nobody can be in the way.
 */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "gate/gates.h"

#define VALID_S 60
#define SHOWN_MAX 5u
#define SURVEY_MS 5000 /* sessions get a second to come to a boundary */

/* A gateway that does not answer could hold nobody: the attempt would fail at its first step. */
static bool required(const struct plan *plan)
{
	for (size_t i = 0; i < plan->stores_count; i++)
		if (plan->routes[plan->stores[i].route].kind == ROUTE_GATEWAY)
			return true;
	return false;
}

static bool is_policy(const struct route_blocker *b, const char *policy)
{
	return strcmp(b->policy, policy) == 0;
}

/* The class of what goes across without a word of the server's: it is counted, not named. */
static bool is_told(const struct route_blocker *b)
{
	return is_policy(b, "tell");
}

static bool is_busy(const struct route_blocker *b)
{
	return strcmp(b->kind, "transaction") == 0 || strcmp(b->kind, "unread") == 0 ||
	       strcmp(b->kind, "silent") == 0;
}

static void name(struct gate_answer *ret, const struct route_blocker *b)
{
	gate_answer_say(ret, "pid %" PRId64 ", %s (%s)%s%s: %s, policy %s%s%s", b->pid, b->user,
		b->application, b->client[0] ? " from " : "", b->client, b->kind, b->policy,
		b->text[0] ? ": " : "", b->text);
}

static size_t count_told(const struct route_view *view, const char *kind)
{
	size_t count = 0;

	for (size_t i = 0; i < view->blockers_count; i++)
		count += is_told(&view->blockers[i]) && strcmp(view->blockers[i].kind, kind) == 0;
	return count;
}

static void say_told(struct gate_answer *ret, const struct route_view *view)
{
	size_t listen = count_told(view, "listen"), lastval = count_told(view, "lastval");
	const char *least = view->blockers_count == ROUTE_BLOCKERS_MAX ? "at least " : "";

	if (listen > 0)
		gate_answer_say(ret,
			"%s%zu session(s) LISTEN: the channels go along, a NOTIFY whose commit "
			"comes "
			"between the hold and the flip does not",
			least, listen);
	if (lastval > 0)
		gate_answer_say(ret,
			"in %s%zu session(s) lastval() and currval() are defined, and would be an "
			"error after the flip until nextval() is called there",
			least, lastval);
}

/* The strictest policies' come first. */
static void advise(struct gate_answer *ret, const char *kind)
{
	gate_answer_advise(ret,
		strcmp(kind, "login") == 0
			? "Mend what keeps these roles out of the other side, then check again: "
			  "`airlock explain session-%s`."
			: "Let these sessions end what they hold, or say in the route what becomes "
			  "of such (carry: {temp_tables: wait}): `airlock explain session-%s`.",
		kind);
}

static void judge(const struct route_view *view, int64_t drain_ms, struct gate_answer *ret)
{
	size_t shown = 0, more = 0;

	for (size_t i = 0; i < view->blockers_count; i++) {
		const struct route_blocker *b = &view->blockers[i];

		if (is_told(b) || (is_busy(b) && b->age_ms <= drain_ms))
			continue;
		if (is_policy(b, "block"))
			gate_answer_lower(ret, GATE_FAIL);
		if (shown++ < SHOWN_MAX)
			name(ret, b);
		else
			more++;
	}
	if (more > 0)
		gate_answer_say(ret, "and %zu more: airlock status", more);
	if (ret->state == GATE_FAIL)
		advise(ret, view->blockers[0].kind);
	say_told(ret, view);
	gate_answer_say(ret,
		"%" PRId64 " session(s), the state of %" PRId64
		" of them read; %" PRId64
		" role(s) were let in up to the door of the other side; that it can make their "
		"state again is NOT PROVEN before the flip",
		view->sessions, view->looked, view->let_in);
}

/* It says itself that nobody could be carried, or is not there.  -1: neither, err is as it was. */
static int no_survey(struct gate_answer *ret, struct err *err)
{
	const char *advice;

	if (err->code == ERR_REFUSED)
		advice = "If it is about a register: the route's register_user must be able to log "
			 "in on both sides, from where the gateway runs (pg_hba.conf, its "
			 "password: airlock init-roles). Otherwise the gateway's plan is another.";
	else if (err->code == ERR_UNREACHABLE)
		advice = "Start it (airlock-gateway --plan PLAN --route ROUTE) as the user who "
			 "runs airlock; its log says why it ended.";
	else
		return -1;
	gate_answer_lower(ret, err->code == ERR_REFUSED ? GATE_FAIL : GATE_NOT_PROVEN);
	gate_answer_say(ret, "%s", err->msg);
	gate_answer_advise(ret, "%s", advice);
	*err = ERR_INIT;
	return 0;
}

static int assess(struct gate_world *world, struct gate_answer *ret, struct err *err)
{
	int64_t deadline_ms = clock_now_ms() + SURVEY_MS;
	struct route_view view;

	gate_answer_init(ret, VALID_S);
	if (!route_can_hold(world->route)) {
		gate_answer_say(ret, "no gateway: clients reconnect by themselves");
		return 0;
	}
	if (route_survey(world->route, deadline_ms, &view, err))
		return no_survey(ret, err);
	judge(&view, world->plan->budgets.drain_ms, ret);
	return 0;
}

const struct gate gate_sessions = {
	.id = "sessions",
	.what = "sessions behind the gateway can be carried over, or the plan says what becomes of "
		"them",
	.waivable = true,
	.required = required,
	.assess = assess,
};
