#include "cli/status_view.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/mover_report.h"
#include "cli/wrap.h"
#include "core/classify.h"
#include "engine/verbs.h"
#include "store/postgres/early.h"
#include "store/postgres/look.h"

#define BLOCKERS_SHOWN 16

struct meaning {
	const char *actual, *goal, *why, *waits_for, *who, *next, *undo;
};

#define A_CONTROLLER "its controller while it lives; airlock resume"

static const struct meaning meanings[] = {
	[SIGHT_ABSENT] = {"not synced", "in sync", "no register was found", "nothing", "nobody",
		"airlock sync", "nothing to undo"},
	[SIGHT_BLIND] = {"unknown", "settled", "a side does not answer", "a side that answers",
		"whoever runs that server", "bring it back, then airlock resume", "not known"},
	[SIGHT_OPEN] = {"ready", "ready", "settled", "nothing", "nobody", "airlock run",
		"airlock abandon"},
	[SIGHT_LEFTOVER] = {"leftover", "ready", "an ended attempt left a guard or a cut link",
		"the guard or the link to be put back", A_CONTROLLER, "airlock resume",
		"resume puts it back"},
	[SIGHT_SEALED] = {"sealed", "settled", "an attempt is under way, or its controller died",
		"the end of the attempt", A_CONTROLLER, "airlock resume",
		"resume opens the source again"},
	[SIGHT_DOUBT] = {"committing", "settled", "the destination has not answered",
		"the destination's register", "the destination's server; airlock resume asks it",
		"airlock resume", "none: the destination decides"},
	[SIGHT_REVOKED] = {"revoked", "ready", "the destination refused the attempt",
		"the source to be opened again", A_CONTROLLER, "airlock resume",
		"resume opens the source again"},
	[SIGHT_PROMOTED] = {"promoted", "baking", "the source is not retired yet",
		"the source to be retired", A_CONTROLLER, "airlock resume", "airlock rollback"},
	[SIGHT_TURN] = {"retired", "baking", "the way back is pending", "the way back to be turned",
		A_CONTROLLER, "airlock resume", "airlock rollback"},
	[SIGHT_BROKEN] = {"broken", "settled", "the registers contradict each other", "a person",
		"whoever knows what was done to the registers",
		"do not touch anything; compare both registers", "not known"},
};

static const struct meaning baking = {"baking", "baking", "new is primary, old follows it",
	"a decision", "whoever may approve", "airlock finalize, or rollback", "airlock rollback"};
static const struct meaning final = {"final", "final", "the way back was given up", "nothing",
	"nobody", "nothing", "none: it was finalized"};

/* ---- looking --------------------------------------------------------------------------------- */

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

/* Who stands in a drain's way is what everybody waits for. */
static void blocked_by(struct status_view *view)
{
	const struct route_blocker *b = &view->clients.blockers[0];

	if (!view->carried || view->silent || view->clients.blockers_count == 0 ||
		strcmp(view->clients.phase, "draining") != 0)
		return;
	snprintf(view->waits_for, sizeof view->waits_for,
		"%zu session%s, first pid %" PRId64 " of %s (%s)%s%s, %s for %.1f s",
		view->clients.blockers_count, view->clients.blockers_count == 1 ? "" : "s", b->pid,
		b->user, b->application, b->client[0] ? " from " : "", b->client, b->kind,
		(double)b->age_ms / 1000);
	view->who = "that application, or the deadline";
}

/* Which side, and why: who reads "a side" at night has two servers to look at. */
static void silent_side(const struct err silence[SIDE_COUNT], struct status_view *view)
{
	for (int s = 0; view->blind && s < SIDE_COUNT; s++)
		if (silence[s].code != ERR_OK) {
			snprintf(view->waits_for, sizeof view->waits_for, "an answer: %.300s",
				silence[s].msg);
			return;
		}
}

static void look_early(struct store_pg *s, int64_t deadline_ms, struct status_view *view)
{
	struct err ignored = ERR_INIT;
	PG_ROWS_AUTO rows = PG_ROWS_INIT;

	if (!early_is_wanted(s) || early_seen(s, deadline_ms, &rows, &ignored))
		return;
	for (size_t i = 0; i < rows.rows && i < STATUS_EARLY_MAX; i++) {
		snprintf(view->early[i].role, sizeof view->early[i].role, "%s",
			pg_text(&rows, i, 0));
		view->early[i].sessions = pg_int(&rows, i, 1);
		view->early_count++;
	}
}

void status_look(struct fleet *fleet, size_t store, int64_t look_ms, struct status_view *ret)
{
	struct store_pg *s = fleet->stores[store];
	int64_t epoch = 0, deadline_ms = clock_now_ms() + look_ms;
	struct verb_call call = {.env = fleet->env,
		.store = &s->store,
		.route = fleet->routes[store],
		.deadline_ms = deadline_ms,
		.epoch_seen = &epoch};
	struct err silence[SIDE_COUNT] = {ERR_INIT, ERR_INIT};
	struct core_view view;
	struct sighting seen;
	struct meaning means;
	struct slot_look slot;
	struct err err = ERR_INIT;

	call.ret_silence = silence;
	verb_observe(&call, &view);
	seen = classify_member(&view);
	means = meaning_of(&view, &seen);
	*ret = (struct status_view){.name = s->store.name,
		.actual = means.actual,
		.goal = means.goal,
		.why = means.why,
		.who = means.who,
		.next = means.next,
		.undo = means.undo,
		.writes = mover_primary(&view),
		.way_back = way_back_of(&view, &seen),
		.lag_bytes = -1,
		.undo_ms = -1,
		.deadline_ms = seen.sight == SIGHT_SEALED ? view.door[seen.src].reg.left_ms : -1,
		.attempt = seen.attempt,
		.blind = seen.sight == SIGHT_BLIND,
		.seen_us = clock_now_us()};
	snprintf(ret->waits_for, sizeof ret->waits_for, "%s", means.waits_for);
	if (seen.sight == SIGHT_OPEN &&
		slot_look(s, seen.src, s->link[seen.src], deadline_ms, &slot, &err) == 0 &&
		slot.exists)
		ret->lag_bytes = slot.unsent_bytes;
	silent_side(silence, ret);
	ret->carried = route_can_hold(call.route);
	ret->silent = route_look(call.route, deadline_ms, &ret->clients, &err) != 0;
	blocked_by(ret);
	look_early(s, deadline_ms, ret);
}

struct costing {
	const char *store;
	double ms;
};

static bool take_verdict(const struct journal_row *row, void *arg)
{
	struct costing *costing = arg;
	json_t *doc = json_loads(row->entry.detail, 0, NULL);
	const json_t *window = json_object_get(json_object_get(doc, "stall_ms"), "window");

	if (json_is_number(window) &&
		json_object_get(json_object_get(doc, "primary"), costing->store) != NULL)
		costing->ms = json_number_value(window);
	json_decref(doc);
	return true;
}

void status_cost(struct cmd_ctx *ctx, struct status_view *view)
{
	struct journal_filter filter = {.kind = "verdict", .last = 32};
	struct costing costing = {view->name, -1};
	struct err err = ERR_INIT;

	/* Only where taking it back is a crossing: an estimate, and none is no error. */
	if (ctx->journal == NULL || strcmp(view->undo, "airlock rollback") != 0 ||
		journal_each(ctx->journal, &filter, take_verdict, &costing, &err))
		return;
	if (costing.ms >= 0)
		view->undo_ms = (int64_t)(costing.ms + 0.5);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *blockers_json(const struct route_view *view)
{
	json_t *all = json_array();

	for (size_t i = 0; i < view->blockers_count; i++) {
		const struct route_blocker *b = &view->blockers[i];

		json_array_append_new(all,
			json_pack("{s:I, s:o, s:o, s:o, s:I, s:s, s:s, s:I, s:o}", "pid",
				(json_int_t)b->pid, "user", out_json_string(b->user), "application",
				out_json_string(b->application), "client",
				out_json_string(b->client), "age_ms", (json_int_t)b->age_ms,
				"class", b->kind, "policy", b->policy, "looked_ms",
				(json_int_t)b->looked_ms, "text", out_json_string(b->text)));
	}
	return all;
}

static json_t *clients_json(const struct status_view *st)
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

static json_t *early_json(const struct status_view *st)
{
	json_t *all = json_array();

	for (size_t i = 0; i < st->early_count; i++)
		json_array_append_new(all,
			json_pack("{s:o, s:I}", "role", out_json_string(st->early[i].role),
				"sessions", (json_int_t)st->early[i].sessions));
	return all;
}

static json_t *known_json(int64_t value)
{
	return value < 0 ? json_null() : json_integer(value);
}

static int64_t seen_ms_ago(const struct status_view *st)
{
	return (clock_now_us() - st->seen_us) / 1000;
}

json_t *status_json(const struct status_view *st)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:s, s:s, s:o, s:s, s:s, s:o, s:I, "
			 "s:b, s:I, s:o, s:o}",
		"name", st->name, "actual", st->actual, "goal", st->goal, "why", st->why,
		"waits_for", out_json_string(st->waits_for), "who", st->who, "deadline_ms",
		known_json(st->deadline_ms), "next", st->next, "undo", st->undo, "undo_ms",
		known_json(st->undo_ms), "writes", st->writes, "way_back", st->way_back,
		"lag_bytes", known_json(st->lag_bytes), "attempt", (json_int_t)st->attempt, "blind",
		st->blind, "seen_ms_ago", (json_int_t)seen_ms_ago(st), "clients", clients_json(st),
		"early_readers", early_json(st));
}

json_t *status_document(json_t *stores, json_t *services)
{
	char at[CLOCK_STAMP_BYTES];

	clock_stamp(at);
	return json_pack("{s:s, s:s, s:o, s:o}", "schema", "airlock.status/1", "at", at, "stores",
		stores, "services", services);
}

/* ---- text ------------------------------------------------------------------------------------ */

static void lag_text(const struct status_view *st, char ret[32])
{
	if (st->lag_bytes < 0)
		snprintf(ret, 32, "-");
	else if (st->lag_bytes < 10 << 20)
		snprintf(ret, 32, "%" PRId64 "B", st->lag_bytes);
	else
		snprintf(ret, 32, "%" PRId64 "MB", st->lag_bytes >> 20);
}

static void waits_text(const struct status_view *st, struct buf *out)
{
	buf_printf(out, "waits for %s", st->waits_for);
	if (strcmp(st->who, "nobody") != 0)
		buf_printf(out, " (can end it: %s)", st->who);
	if (st->deadline_ms >= 0)
		buf_printf(out, ", deadline in %.1f s", (double)st->deadline_ms / 1000);
}

static void undo_text(const struct status_view *st, struct buf *out)
{
	buf_printf(out, "undo: %s", st->undo);
	if (st->undo_ms >= 0)
		buf_printf(out, ", about %" PRId64 " ms by the last window", st->undo_ms);
}

/* In a hold, what everybody waits for; outside, what stood in the way when it was last looked at.
 */
static void blocker_text(struct out *out, const struct route_blocker *b)
{
	BUF_AUTO raw = BUF_INIT;
	BUF_AUTO lines = BUF_INIT;

	buf_printf(&raw, "pid %" PRId64 ", %s (%s)", b->pid, b->user, b->application);
	if (b->client[0])
		buf_printf(&raw, " from %s", b->client);
	buf_printf(&raw, ", %s for %.1f s", b->kind, (double)b->age_ms / 1000);
	if (b->policy[0])
		buf_printf(&raw, ", policy %s", b->policy);
	if (b->looked_ms >= 1000)
		buf_printf(&raw, ", seen %.0f s ago", (double)b->looked_ms / 1000);
	buf_printf(&raw, ": %s", b->text);
	wrap_text(&lines, buf_str(&raw), 0, 4);
	out_text(out, &lines);
}

static void clients_text(struct out *out, const struct status_view *st)
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
	for (size_t i = 0; i < v->blockers_count && i < BLOCKERS_SHOWN; i++)
		blocker_text(out, &v->blockers[i]);
	if (v->blockers_count > BLOCKERS_SHOWN)
		out_data(out, "    and %zu more\n", v->blockers_count - BLOCKERS_SHOWN);
}

static void early_text(struct out *out, const struct status_view *st)
{
	for (size_t i = 0; i < st->early_count; i++) {
		BUF_AUTO role = BUF_INIT;

		out_safe(&role, st->early[i].role);
		out_data(out, "  watched: %s reads new before promotion, %" PRId64 " session%s\n",
			buf_str(&role), st->early[i].sessions,
			st->early[i].sessions == 1 ? "" : "s");
	}
}

void status_head(struct out *out)
{
	out_data(out, "%-14s %-11s %-9s %-8s %-9s %10s %8s\n", "STORE", "ACTUAL", "GOAL", "WRITES",
		"WAY BACK", "LAG", "SEEN");
}

void status_text(struct out *out, const struct status_view *st)
{
	char lag[32];
	BUF_AUTO raw = BUF_INIT;
	BUF_AUTO lines = BUF_INIT;

	lag_text(st, lag);
	wrap_name(&lines, st->name, STATUS_NAME_COLUMNS);
	buf_printf(&lines, "%-11s %-9s %-8s %-9s %10s %6.1fs\n", st->actual, st->goal, st->writes,
		st->way_back, lag, (double)seen_ms_ago(st) / 1000);
	buf_printf(&raw, "%s (attempt %" PRId64 "); ", st->why, st->attempt);
	waits_text(st, &raw);
	buf_printf(&raw, "; next: %s; ", st->next);
	undo_text(st, &raw);
	buf_puts(&lines, "  ");
	wrap_text(&lines, buf_str(&raw), 2, 2);
	out_text(out, &lines);
	early_text(out, st);
	clients_text(out, st);
}

void status_line(const struct status_view *st, struct buf *line)
{
	char lag[32];
	BUF_AUTO raw = BUF_INIT;

	lag_text(st, lag);
	buf_printf(&raw, "%s %s", st->name, st->actual);
	if (strcmp(st->actual, st->goal) != 0)
		buf_printf(&raw, " -> %s", st->goal);
	buf_printf(&raw, ": %s | writes %s | way back %s | lag %s", st->why, st->writes,
		st->way_back, lag);
	if (st->carried && st->silent)
		buf_puts(&raw, " | gateway silent");
	else if (st->carried)
		buf_printf(&raw, " | %s %" PRId64 " of %" PRId64 ", oldest %.1fs",
			st->clients.phase, st->clients.held, st->clients.sessions,
			(double)st->clients.oldest_ms / 1000);
	buf_puts(&raw, " | ");
	waits_text(st, &raw);
	buf_printf(&raw, " | next: %s | ", st->next);
	undo_text(st, &raw);
	buf_printf(&raw, " | seen %.1fs ago", (double)seen_ms_ago(st) / 1000);
	if (st->blind)
		buf_puts(&raw, ", STALE");
	out_safe(line, buf_str(&raw));
}
