/* `airlock status`: one look at the registers, the links and what they mean. */
#include <inttypes.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/fleet.h"
#include "cli/mover_report.h"
#include "core/classify.h"
#include "engine/verbs.h"
#include "store/postgres/look.h"

#define LOOK_MS 5000

/* What a person is told; text and JSON come from this one struct. */
struct status {
	const char *name, *actual, *goal, *why, *next, *writes, *way_back;
	int64_t lag_bytes; /* -1 = unknown */
	int64_t attempt;
	int64_t seen_us;
	bool carried; /* clients come through a route that can hold them */
	bool silent;  /* and it does not answer */
	struct route_view clients;
};

struct meaning {
	const char *actual, *goal, *why, *next;
};

static const struct meaning meanings[] = {
	[SIGHT_ABSENT] = {"not synced", "in sync", "no register was found", "airlock sync"},
	[SIGHT_BLIND] = {"unknown", "settled", "a side does not answer",
		"bring it back, then airlock resume"},
	[SIGHT_OPEN] = {"ready", "ready", "settled", "airlock run"},
	[SIGHT_LEFTOVER] = {"leftover", "ready", "an ended attempt left a guard or a cut link",
		"airlock resume"},
	[SIGHT_SEALED] = {"sealed", "settled", "an attempt is under way, or its controller died",
		"airlock resume"},
	[SIGHT_DOUBT] = {"committing", "settled", "the destination has not answered",
		"airlock resume"},
	[SIGHT_REVOKED] = {"revoked", "ready", "the destination refused the attempt",
		"airlock resume"},
	[SIGHT_PROMOTED] = {"promoted", "baking", "the source is not retired yet",
		"airlock resume"},
	[SIGHT_TURN] = {"retired", "baking", "the way back is pending", "airlock resume"},
	[SIGHT_BROKEN] = {"broken", "settled", "the registers contradict each other",
		"do not touch anything; compare both registers"},
};

static const struct meaning baking = {
	"baking", "baking", "new is primary, old follows it", "airlock finalize, or rollback"};
static const struct meaning final = {"final", "final", "the way back was given up", "nothing"};

static const char *way_back_of(const struct core_view *view, const struct sighting *seen)
{
	enum side open = seen->src;

	if (seen->sight == SIGHT_TURN)
		return "pending";
	if (seen->sight != SIGHT_OPEN)
		return "unknown";
	if (view->door[open].reg.final)
		return "none";
	if (view->link[open] == LINK_ON)
		return "following";
	return view->link[open] == LINK_OFF ? "cut" : "none";
}

static struct meaning meaning_of(const struct core_view *view, const struct sighting *seen)
{
	if (seen->sight != SIGHT_OPEN)
		return meanings[seen->sight];
	if (view->door[seen->src].reg.final)
		return final;
	return seen->src == SIDE_NEW ? baking : meanings[SIGHT_OPEN];
}

static void look(struct fleet *fleet, size_t store, struct status *ret)
{
	struct store_pg *s = fleet->stores[store];
	int64_t epoch = 0, deadline_ms = clock_now_ms() + LOOK_MS;
	struct verb_call call = {.env = fleet->env,
		.store = &s->store,
		.route = fleet->routes[store],
		.deadline_ms = deadline_ms,
		.epoch_seen = &epoch};
	struct core_view view;
	struct sighting seen;
	struct meaning means;
	struct slot_look slot;
	struct err err = ERR_INIT;

	verb_observe(&call, &view);
	seen = classify_member(&view);
	means = meaning_of(&view, &seen);
	*ret = (struct status){.name = s->store.name,
		.actual = means.actual,
		.goal = means.goal,
		.why = means.why,
		.next = means.next,
		.writes = mover_primary(&view),
		.way_back = way_back_of(&view, &seen),
		.lag_bytes = -1,
		.attempt = seen.attempt,
		.seen_us = clock_now_us()};
	if (seen.sight == SIGHT_OPEN &&
		slot_look(s, seen.src, s->link[seen.src], deadline_ms, &slot, &err) == 0 &&
		slot.exists)
		ret->lag_bytes = slot.unsent_bytes;
	ret->carried = route_can_hold(call.route);
	ret->silent = route_look(call.route, deadline_ms, &ret->clients, &err) != 0;
}

static json_t *blockers_json(const struct route_view *view)
{
	json_t *all = json_array();

	for (size_t i = 0; i < view->blockers_count; i++) {
		const struct route_blocker *b = &view->blockers[i];

		json_array_append_new(all,
			json_pack("{s:I, s:o, s:o, s:I, s:s, s:o}", "pid", (json_int_t)b->pid,
				"user", out_json_string(b->user), "application",
				out_json_string(b->application), "age_ms", (json_int_t)b->age_ms,
				"class", b->kind, "text", out_json_string(b->text)));
	}
	return all;
}

static json_t *clients_json(const struct status *st)
{
	const struct route_view *v = &st->clients;

	if (!st->carried)
		return json_null();
	if (st->silent)
		return json_pack("{s:s}", "phase", "unknown");
	return json_pack("{s:s, s:I, s:I, s:I, s:o}", "phase", v->phase, "sessions",
		(json_int_t)v->sessions, "held", (json_int_t)v->held, "oldest_ms",
		(json_int_t)v->oldest_ms, "blockers", blockers_json(v));
}

static void clients_text(struct out *out, const struct status *st)
{
	const struct route_view *v = &st->clients;

	if (!st->carried)
		return;
	if (st->silent) {
		out_data(out, "  clients: the gateway does not answer\n");
		return;
	}
	out_data(out,
		"  clients: %s, %" PRId64 " sessions, %" PRId64 " held, the oldest for %" PRId64
		" ms\n",
		v->phase, v->sessions, v->held, v->oldest_ms);
	for (size_t i = 0; i < v->blockers_count; i++) {
		const struct route_blocker *b = &v->blockers[i];
		BUF_AUTO raw = BUF_INIT;
		BUF_AUTO safe = BUF_INIT;

		buf_printf(&raw, "%s (%s), %s for %.1f s: %s", b->user, b->application, b->kind,
			(double)b->age_ms / 1000, b->text);
		out_safe(&safe, buf_str(&raw));
		out_data(out, "    pid %" PRId64 ", %s\n", b->pid, buf_str(&safe));
	}
}

static json_t *status_json(const struct status *st)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:n, s:I, s:o}", "name",
		st->name, "actual", st->actual, "goal", st->goal, "why", st->why, "next", st->next,
		"writes", st->writes, "way_back", st->way_back, "lag_bytes",
		st->lag_bytes < 0 ? json_null() : json_integer(st->lag_bytes), "attempt",
		(json_int_t)st->attempt, "undo_ms", "seen_ms_ago",
		(json_int_t)((clock_now_us() - st->seen_us) / 1000), "clients", clients_json(st));
}

static void status_text(struct out *out, const struct status *st)
{
	char lag[32] = "-";

	if (st->lag_bytes >= 0)
		snprintf(lag, sizeof lag, "%" PRId64 "B", st->lag_bytes);
	out_data(out, "%-14s %-11s %-8s %-9s %10s\n", st->name, st->actual, st->writes,
		st->way_back, lag);
	out_data(out, "  %s (attempt %" PRId64 "); next: %s\n", st->why, st->attempt, st->next);
	clients_text(out, st);
}

int cmd_status(struct cmd_ctx *ctx, struct err *err)
{
	json_t *stores = json_array();
	FLEET_AUTO fleet = {0};

	if (fleet_open(ctx->plan, &fleet, err))
		return -1;
	if (!ctx->out->json)
		out_data(ctx->out, "%-14s %-11s %-8s %-9s %10s\n", "STORE", "ACTUAL", "WRITES",
			"WAY BACK", "LAG");
	for (size_t i = 0; i < ctx->plan->stores_count; i++) {
		struct status st;

		look(&fleet, i, &st);
		if (ctx->out->json)
			json_array_append_new(stores, status_json(&st));
		else
			status_text(ctx->out, &st);
	}
	if (ctx->out->json)
		out_json(ctx->out,
			json_pack("{s:s, s:O}", "schema", "airlock.status/1", "stores", stores));
	json_decref(stores);
	return 0;
}
