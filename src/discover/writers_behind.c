#include "discover/writers_behind.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"

#define PATIENCE_MS 2000
/* A server process id is used again some day: one that has ended is its own no more. */
#define JUST_ENDED_MS 10000
#define ALL_AGAIN_MS 1000
#define ALL_AGAIN_TIMES 25 /* as long as reading all took */
#define GATEWAY_PROGRAM "airlock-gateway"

struct behind behind_init(struct route *route, struct writers *w, const char *store, enum side side,
	int64_t deadline_ms)
{
	struct behind b = {.route = route != NULL && route_can_hold(route) ? route : NULL,
		.w = w,
		.store = store,
		.side = side,
		.deadline_ms = deadline_ms};
	const struct writers_gateway *known = writers_gateway_of(w, store);

	if (known != NULL) {
		b.accounts.carrier = known->carrier;
		b.accounts.ended = known->ended;
	}
	for (size_t i = 0; i < w->count; i++)
		if (w->rows[i].side == side && strcmp(w->rows[i].store, store) == 0)
			memset(&w->rows[i].gateway, 0, sizeof w->rows[i].gateway);
	return b;
}

void behind_fini(struct behind *b)
{
	route_accounts_fini(&b->accounts);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void note_gateway(struct behind *b, const struct err *err)
{
	struct writers_gateway *g = writers_gateway_at(b->w, b->store);

	if (!b->asked) {
		g->forgotten = 0;
		g->fell_silent = false;
	}
	g->fell_silent = g->fell_silent || (b->silent && !g->silent);
	b->asked = true;
	g->carrier = b->accounts.carrier;
	g->ended = b->accounts.ended;
	snprintf(g->route, sizeof g->route, "%s", b->route->name);
	g->silent = b->silent;
	g->clients = b->accounts.clients;
	g->forgotten += b->accounts.forgotten;
	snprintf(g->why, sizeof g->why, "%.255s", b->silent ? err->msg : "");
}

void behind_ask(struct behind *b, bool all)
{
	int64_t begun_us = clock_now_us(), until_ms = begun_us / 1000 + PATIENCE_MS;
	struct err err = ERR_INIT;

	if (b->route == NULL || b->silent)
		return;
	if (all)
		b->accounts.came = 0;
	b->ended_before = b->accounts.ended;
	all = b->accounts.came == 0;
	b->silent = route_accounts(b->route, until_ms < b->deadline_ms ? until_ms : b->deadline_ms,
			    &b->accounts, &err) != 0;
	if (all) {
		b->all_at_ms = clock_now_ms();
		b->all_us = clock_now_us() - begun_us;
	}
	note_gateway(b, &err);
}

void behind_ask_again(struct behind *b)
{
	writers_gateway_at(b->w, b->store)->forgotten -= b->accounts.forgotten;
	b->accounts.ended = b->ended_before;
	behind_ask(b, true);
}

bool behind_may_ask_all(const struct behind *b, const struct behind_session *session)
{
	int64_t pause_ms = b->all_us * ALL_AGAIN_TIMES / 1000;

	return b->route != NULL && !b->silent && behind_find(b, session) == NULL &&
	       clock_now_ms() - b->all_at_ms > (pause_ms > ALL_AGAIN_MS ? pause_ms : ALL_AGAIN_MS);
}

void behind_meet(struct behind *b, const struct behind_session *session, bool *asked)
{
	if (!*asked)
		behind_ask(b, false);
	*asked = true;
	if (behind_may_ask_all(b, session))
		behind_ask_again(b);
}

/* ---- whose session? -------------------------------------------------------------------------- */

/* The server's process says it; where both know the very connection, that must agree. */
static bool is_his(const struct route_account *a, const struct behind *b,
	const struct behind_session *session)
{
	if (a->pid != session->pid || a->pid == 0 || a->side != b->side ||
		strcmp(a->user, session->user) != 0 || (a->ended && a->ended_ms > JUST_ENDED_MS))
		return false;
	return strcmp(a->via, session->address) != 0 || a->via_port == session->port;
}

const struct route_account *behind_find(
	const struct behind *b, const struct behind_session *session)
{
	for (size_t i = 0; i < b->accounts.count; i++)
		if (is_his(&b->accounts.rows[i], b, session))
			return &b->accounts.rows[i];
	return NULL;
}

void behind_note(const struct behind *b, const struct route_account *client, struct writer *row)
{
	if (b->route == NULL)
		return;
	snprintf(row->gateway.route, sizeof row->gateway.route, "%s", b->route->name);
	if (client != NULL)
		row->gateway.sessions++;
	else if (!b->silent)
		row->gateway.past++;
}

void behind_process(struct writer *row, const struct process *found)
{
	if (found->pid == 0) {
		snprintf(row->why, sizeof row->why, "%s", found->why);
		return;
	}
	snprintf(row->process, sizeof row->process, "%s", found->text);
	row->gateway.untold = row->gateway.sessions == 0 && row->gateway.route[0] != '\0' &&
			      strcmp(found->program, GATEWAY_PROGRAM) == 0;
}

/* ---- what the accounts tell ------------------------------------------------------------------ */

/* Who went while the pages were read stands on both lists. */
static bool is_told_twice(const struct behind *b, const struct route_account *a)
{
	for (size_t i = 0; a->ended && i < b->accounts.count; i++) {
		const struct route_account *other = &b->accounts.rows[i];

		if (!other->ended && other->port == a->port && other->pid == a->pid &&
			strcmp(other->address, a->address) == 0)
			return true;
	}
	return false;
}

static void take_times(struct writer *row, const struct route_account *a, int64_t now_s)
{
	int64_t came_s = now_s - a->came_ms / 1000, last_s = now_s - a->ended_ms / 1000;

	if (row->first_s == 0)
		row->fresh = true;
	if (row->first_s == 0 || came_s < row->first_s)
		row->first_s = came_s;
	if (last_s > row->last_s)
		row->last_s = last_s;
}

static void take_writes(struct writer *row, const struct route_account *a, int64_t now_s)
{
	int64_t wrote_s = now_s - a->wrote_ms / 1000;

	if (a->writes == 0)
		return;
	row->fresh = row->fresh || row->wrote_s == 0;
	row->wrote = true;
	if (wrote_s > row->wrote_s)
		row->wrote_s = wrote_s;
	if (row->evidence[0] == '\0')
		snprintf(row->evidence, sizeof row->evidence, "%s, by its gateway's account",
			a->wrote);
	writer_called(row, a->application, true);
}

/* A session that no look has seen. */
static struct writer *row_for(struct behind *b, const struct route_account *a)
{
	struct writer *row = writers_at(b->w, b->store, b->side, a->user, a->application, a->address);

	struct process process = {.why = "its session has ended"};

	behind_note(b, a, row);
	if (row->here)
		return row;
	if (!a->ended)
		process_of_peer(a->address, a->port, &process);
	behind_process(row, &process);
	row->gateway.told = row->here = true;
	return row;
}

int64_t behind_tell(
	struct behind *b, behind_row_cb row_of, void *ctx, bool last, int64_t watched_ms)
{
	int64_t now_s = (int64_t)time(NULL), unseen = 0;

	for (size_t i = 0; i < b->accounts.count; i++) {
		const struct route_account *a = &b->accounts.rows[i];
		size_t seen = SIZE_MAX;
		struct writer *row;

		/* Those that are there have their turn when all is over. */
		if (a->side != b->side || (!a->ended && !last) || writers_are_ours(a->user) ||
			(a->pid == 0 && a->transactions == 0) || is_told_twice(b, a))
			continue;
		if (a->pid != 0 && (!a->ended || a->ended_ms <= watched_ms))
			seen = row_of(ctx, a->pid);
		if (seen == SIZE_MAX)
			unseen += a->ended && a->came_ms < watched_ms;
		row = seen != SIZE_MAX ? &b->w->rows[seen] : row_for(b, a);
		take_times(row, a, now_s);
		take_writes(row, a, now_s);
		row->gateway.transactions += a->transactions;
		row->gateway.writes += a->writes;
		row->gateway.rows += a->rows;
	}
	return unseen;
}
