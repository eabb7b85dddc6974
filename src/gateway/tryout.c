#include "gateway/tryout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/grow.h"
#include "gateway/hold.h"
#include "gateway/say.h"
#include "gateway/session.h"

#define SILENT_MS 500 /* of what gets no answer, when nobody waits for it any more */

enum outcome { OUTCOME_UNKNOWN, OUTCOME_LET_IN, OUTCOME_KEPT_OUT };

struct trial {
	char user[64];
	enum outcome outcome;
	char why[160]; /* it is kept out */
};

struct tryouts {
	struct gateway *gateway;
	enum control_side side; /* where */
	bool on;
	struct trial *trials;
	size_t count, cap, of_outcome[3];
	struct server server; /* of the one under way */
	struct session *of;   /* whose login that is */
	int64_t begun_us;
	unsigned asks; /* for the register, not answered yet */
	int64_t asked_us;
	char blind[200]; /* it could not be read; "" = it was, or is being */
};

struct tryouts *tryout_new(struct gateway *gateway)
{
	struct tryouts *t = calloc(1, sizeof *t);

	ENSURE(t != NULL);
	t->gateway = gateway;
	return t;
}

void tryout_free(struct tryouts *t)
{
	if (t)
		free(t->trials);
	free(t);
}

static bool has_waited_since(int64_t us)
{
	return gateway_now_us() - us >= SILENT_MS * 1000;
}

/* ---- what was found -------------------------------------------------------------------------- */

static const struct trial *find(const struct tryouts *t, const char *user)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->trials[i].user, user) == 0)
			return &t->trials[i];
	return NULL;
}

static void record(
	struct tryouts *t, const struct session *s, enum outcome outcome, const char *why)
{
	struct trial *trial;

	t->trials = grow(t->trials, t->count, &t->cap, sizeof *t->trials);
	trial = &t->trials[t->count++];
	*trial = (struct trial){.outcome = outcome};
	t->of_outcome[outcome]++;
	snprintf(trial->user, sizeof trial->user, "%.63s", s->login.user);
	if (outcome != OUTCOME_KEPT_OUT)
		return;
	snprintf(trial->why, sizeof trial->why, "%s: %.140s", control_side_name(t->side), why);
	say("%s would not be let in by %s: %s", trial->user, control_side_name(t->side), why);
}

size_t tryout_count(const struct tryouts *t)
{
	return t->count;
}

int64_t tryout_let_in(const struct tryouts *t)
{
	return (int64_t)t->of_outcome[OUTCOME_LET_IN];
}

const char *tryout_refusal(const struct session *s)
{
	const struct tryouts *t = s->gateway->tryouts;
	const struct trial *trial;

	if (t->of_outcome[OUTCOME_KEPT_OUT] == 0 || t->side == s->gateway->likely)
		return NULL;
	trial = find(t, s->login.user);
	return trial && trial->outcome == OUTCOME_KEPT_OUT ? trial->why : NULL;
}

/* ---- the register ---------------------------------------------------------------------------- */

const char *tryout_blind(const struct tryouts *t)
{
	return t->blind[0] ? t->blind : NULL;
}

static void on_door(void *ctx, const struct door_view *view, const struct err *err)
{
	struct tryouts *t = ctx;

	(void)view; /* shut, as it should be */
	INVARIANT(t->asks > 0);
	if (--t->asks > 0)
		return; /* that was for a trial before */
	snprintf(t->blind, sizeof t->blind, "%.190s", err->code == ERR_OK ? "" : err->msg);
	hold_look_soon(t->gateway->hold);
}

static void ask(struct tryouts *t)
{
	t->blind[0] = '\0';
	t->asks++;
	t->asked_us = gateway_now_us();
	doors_read(t->gateway->doors, t->side, on_door, t);
}

/* ---- trying ---------------------------------------------------------------------------------- */

static void stop(struct tryouts *t)
{
	server_close(&t->server);
	t->of = NULL;
}

/* Who it is that comes is asked before the door is. */
static enum outcome outcome_of(const struct server *server)
{
	const char *sqlstate = server->err.sqlstate;

	if (server->phase == SERVER_IN || strcmp(sqlstate, "42501") == 0 ||
		strcmp(sqlstate, "55000") == 0)
		return OUTCOME_LET_IN;
	if (!sqlstate[0] || strncmp(sqlstate, "28", 2) == 0 || strncmp(sqlstate, "3D", 2) == 0)
		return OUTCOME_KEPT_OUT;
	return OUTCOME_UNKNOWN;
}

static void on_tried(struct server *server)
{
	struct tryouts *t = server->owner;
	struct session *s = t->of;

	record(t, s, outcome_of(server), server->err.msg);
	stop(t);
	hold_news(t->gateway->hold, s);
}

static struct session *next_untried(const struct tryouts *t)
{
	for (struct session *s = t->gateway->first; s; s = s->next)
		if (session_counts(s) && !find(t, s->login.user))
			return s;
	return NULL;
}

static void try(struct tryouts *t, struct session *s)
{
	struct server_login login = session_login(s);
	struct err err = ERR_INIT;

	t->server.changed = on_tried;
	t->server.owner = t;
	t->server.park = false;
	t->of = s;
	t->begun_us = gateway_now_us();
	if (server_open(&t->server, t->gateway, t->side, &login, &err) == 0)
		return;
	record(t, s, OUTCOME_KEPT_OUT, err.msg);
	t->of = NULL;
}

void tryout_begin(struct tryouts *t)
{
	stop(t);
	t->count = 0;
	memset(t->of_outcome, 0, sizeof t->of_outcome);
	t->side = gateway_other(t->gateway->likely);
	t->on = true;
	ask(t);
}

bool tryout_some(struct tryouts *t)
{
	struct session *s = NULL;

	while (t->on && !t->of && (s = next_untried(t)) != NULL)
		try(t, s);
	t->on = t->on && (t->of || t->asks > 0);
	return t->on;
}

void tryout_end(struct tryouts *t)
{
	if (t->of && has_waited_since(t->begun_us))
		record(t, t->of, OUTCOME_KEPT_OUT, "it does not answer a login");
	if (t->asks > 0 && has_waited_since(t->asked_us))
		snprintf(t->blind, sizeof t->blind, "it does not answer");
	stop(t);
	t->on = false;
}

void tryout_leave(struct session *s)
{
	if (s->gateway->tryouts->of == s)
		stop(s->gateway->tryouts);
}
