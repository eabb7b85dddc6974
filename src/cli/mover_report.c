#include "cli/mover_report.h"

#include <string.h>

#include "base/check.h"
#include "report/window.h"

bool mover_is_not_set_up(const struct core_view *view)
{
	return view->reachable[SIDE_OLD] && view->reachable[SIDE_NEW] &&
	       view->door[SIDE_OLD].reg.state == REG_ABSENT &&
	       view->door[SIDE_NEW].reg.state == REG_ABSENT;
}

const char *mover_primary(const struct core_view *view)
{
	bool seen = view->reachable[SIDE_OLD] && view->reachable[SIDE_NEW];

	/* Without a register nobody of ours knows who serves. */
	seen = seen && !mover_is_not_set_up(view);
	for (int side = 0; side < SIDE_COUNT; side++)
		if (view->reachable[side] && view->door[side].reg.state == REG_ACTIVE)
			return side_name((enum side)side);
	return seen ? "none" : "unknown";
}

bool mover_open_side(const struct mover_result *result, enum side *ret_side)
{
	const char *first;

	if (result->stores_count == 0)
		return false;
	first = mover_primary(&result->report.view[0]);
	for (size_t m = 1; m < result->stores_count; m++)
		if (strcmp(mover_primary(&result->report.view[m]), first) != 0)
			return false;
	*ret_side = strcmp(first, side_name(SIDE_NEW)) == 0 ? SIDE_NEW : SIDE_OLD;
	return strcmp(first, side_name(*ret_side)) == 0;
}

static json_t *json_ms(bool known, double ms)
{
	return known ? json_real(ms) : json_null();
}

/* Sessions that waited at once, over all stores of the wave. */
static int64_t held_count(const struct engine_report *report)
{
	int64_t count = 0;

	for (size_t i = 0; i < CORE_MEMBERS_MAX; i++)
		count += report->held[i].held;
	return count;
}

/* Nobody is drained by a route that cannot hold. */
static json_t *drain_json(const struct engine_report *report)
{
	int64_t longest = -1;

	for (size_t i = 0; i < CORE_MEMBERS_MAX; i++)
		if (report->held[i].held > 0 && report->held[i].drain_ms > longest)
			longest = report->held[i].drain_ms;
	return longest < 0 ? json_null() : json_real((double)longest);
}

static json_t *parts_json(const struct engine_report *report)
{
	json_t *all = json_object();

	for (size_t i = 0; i < window_parts(); i++) {
		double ms = 0;
		bool known = window_part_ms(report->part, i, &ms);

		json_object_set_new(all, window_part_name(i), json_ms(known, ms));
	}
	json_object_set_new(all, "drain", drain_json(report));
	return all;
}

/* The longest wait of a request behind a route that can tell; false when none could. */
static bool stall_ms(const struct engine_report *report, double *ret_ms)
{
	int64_t longest = -1;

	for (size_t i = 0; report->part[VERB_RELEASE].ran && i < CORE_MEMBERS_MAX; i++)
		if (report->held[i].held > 0 && report->released[i].stall_ms > longest)
			longest = report->released[i].stall_ms;
	*ret_ms = (double)longest;
	return longest >= 0;
}

static bool is_over_budget(const struct mover_result *result, double *ret_ms)
{
	return stall_ms(&result->report, ret_ms) &&
	       *ret_ms > (double)result->fleet->plan->budgets.stall_ms;
}

const char *mover_member_name(const struct mover_result *result, size_t member)
{
	return result->fleet->stores[result->stores[member]]->store.name;
}

int64_t mover_lag_bytes(const struct mover_result *result)
{
	int64_t largest = -1;

	for (size_t m = 0; m < result->stores_count; m++) {
		const struct store *store = &result->fleet->stores[result->stores[m]]->store;

		if (store->lag_seen && store->lag_bytes > largest)
			largest = store->lag_bytes;
	}
	return largest;
}

static json_t *problems_json(const struct mover_result *result)
{
	const struct engine_report *report = &result->report;
	json_t *all = json_array();
	double stall = 0;

	if (report->cause.code != ERR_OK && report->verdict != VERDICT_DONE) {
		json_array_append_new(
			all, json_pack("{s:s, s:s, s:s, s:o}", "id", err_name(report->cause.code),
				     "step", verb_word(report->cause_verb), "store",
				     mover_member_name(result, report->cause_member), "message",
				     out_json_string(report->cause.msg)));
	}
	if (result->services.code != ERR_OK)
		json_array_append_new(all,
			json_pack("{s:s, s:s, s:o}", "id", err_name(result->services.code), "step",
				"services", "message", out_json_string(result->services.msg)));
	if (result->moved.code != ERR_OK)
		json_array_append_new(all,
			json_pack("{s:s, s:s, s:o}", "id", err_name(result->moved.code), "step",
				"move", "message", out_json_string(result->moved.msg)));
	for (size_t m = 0; m < result->stores_count; m++)
		if (report->tried[m].unproven > 0)
			json_array_append_new(all,
				json_pack("{s:s, s:s, s:s, s:i, s:s}", "id", "NOT_PROVEN", "step",
					verb_word(VERB_TRY), "store", mover_member_name(result, m),
					"law", 3, "message", report->tried[m].why));
	if (is_over_budget(result, &stall))
		json_array_append_new(all,
			json_pack("{s:s, s:s, s:s, s:f}", "id", "OVER_BUDGET", "step",
				verb_word(VERB_RELEASE), "message",
				"a client waited longer than budgets.stall", "stall_ms", stall));
	for (size_t m = 0; m < result->stores_count; m++)
		if (report->unreleased[m].code != ERR_OK)
			json_array_append_new(all,
				json_pack("{s:s, s:s, s:s, s:o}", "id", "NOT_RELEASED", "step",
					verb_word(VERB_RELEASE), "store",
					mover_member_name(result, m), "message",
					out_json_string(report->unreleased[m].msg)));
	for (size_t m = 0; m < result->stores_count; m++)
		if (report->released[m].failed > 0)
			json_array_append_new(all,
				json_pack("{s:s, s:s, s:s, s:I, s:s}", "id", "NOT_CARRIED", "step",
					verb_word(VERB_RELEASE), "store",
					mover_member_name(result, m), "sessions",
					(json_int_t)report->released[m].failed, "message",
					"sessions could not go on there: the gateway's log says "
					"why"));
	if (report->ended > 0)
		json_array_append_new(
			all, json_pack("{s:s, s:s, s:I, s:o}", "id", "DISCONNECTED", "step",
				     verb_word(VERB_HOLD), "sessions", (json_int_t)report->ended,
				     "message", out_json_string(report->ended_who)));
	if (report->later)
		json_array_append_new(
			all, json_pack("{s:s, s:s}", "id", "LATER", "message",
				     "something harmless remains: `airlock resume` finishes it"));
	return all;
}

static const char *seen_name(const struct move_item *item)
{
	return item->seen.known ? side_name(item->seen.side) : "unknown";
}

static void add_services(json_t *all, const struct mover_result *result)
{
	for (size_t i = 0; i < result->moves_count; i++) {
		const struct move_item *item = &result->moves[i];

		json_array_append_new(all,
			json_pack("{s:s, s:I, s:s, s:s, s:s}", "name", item->service->name, "wave",
				(json_int_t)result->wave, "goal", side_name(result->moves_goal),
				"side", seen_name(item), "state", move_state_name(item->state)));
	}
}

/* The worst verdict of the waves is the verdict of the run. */
static const struct mover_result *worst(const struct mover_result *results, size_t count)
{
	const struct mover_result *ret = &results[0];

	for (size_t i = 1; i < count; i++)
		if (results[i].report.verdict > ret->report.verdict)
			ret = &results[i];
	return ret;
}

json_t *mover_json(const struct mover_result *results, size_t count)
{
	const struct mover_result *last = worst(results, count);
	json_t *primary = json_object(), *problems = json_array(), *services = json_array();
	double window = 0, stall = 0;
	bool known, stalled;
	int64_t attempts = 0, held = 0, ended = 0, lag = -1;

	REQUIRE(count > 0);
	for (size_t i = 0; i < count; i++) {
		json_t *found = problems_json(&results[i]);

		json_array_extend(problems, found);
		json_decref(found);
		add_services(services, &results[i]);
		attempts += results[i].report.attempts_made;
		ended += results[i].report.ended;
		if (held_count(&results[i].report) > held)
			held = held_count(&results[i].report);
		if (mover_lag_bytes(&results[i]) > lag)
			lag = mover_lag_bytes(&results[i]);
		for (size_t m = 0; m < results[i].stores_count; m++)
			json_object_set_new(primary, mover_member_name(&results[i], m),
				json_string(mover_primary(&results[i].report.view[m])));
	}
	known = window_ms(last->report.part, &window);
	stalled = stall_ms(&last->report, &stall);
	return json_pack(
		"{s:s, s:s, s:s, s:o, s:{s:o, s:n, s:o, s:o}, s:I, s:I, s:o, s:I, s:I, s:o, s:o}",
		"schema", "airlock.run/1", "run", last->run, "verdict",
		core_verdict_name(last->report.verdict), "primary", primary, "stall_ms", "max",
		json_ms(stalled, stall), "p99", "window", json_ms(known, window), "parts",
		parts_json(&last->report), "held_max", (json_int_t)held, "disconnected",
		(json_int_t)ended, "lag_bytes", lag < 0 ? json_null() : json_integer(lag),
		"attempts", (json_int_t)attempts, "attempt", (json_int_t)last->report.attempt,
		"problems", problems, "services", services);
}

static void parts_text(struct out *out, const struct engine_report *report)
{
	double ms = 0;

	if (!window_ms(report->part, &ms))
		return;
	out_data(out, "  window %.1f ms:", ms);
	for (size_t i = 0; i < window_parts(); i++)
		if (window_part_ms(report->part, i, &ms) && window_part_verb(i) != VERB_HOLD &&
			window_part_verb(i) != VERB_RELEASE)
			out_data(out, " %s %.1f", window_part_name(i), ms);
	out_data(out, "\n");
}

/* What a tired person can do about a service that is not where it should be. */
static void moved_advice(struct out *out, const struct mover_result *result)
{
	switch (result->report.verdict) {
	case VERDICT_TIMED_OUT:
		out_data(out, "  the stores are served where they are; when the cause is gone: "
			      "`airlock resume`, or go back: `airlock rollback`\n");
		break;
	case VERDICT_UNKNOWN:
		out_data(out, "  nobody knows where that service is; when its `observe` answers: "
			      "`airlock resume`\n");
		break;
	case VERDICT_UNDONE:
		out_data(out, "  what this wave had moved is back, as observed\n");
		break;
	case VERDICT_DONE:
	case VERDICT_REFUSED:
	case VERDICT_NONE:
		break;
	}
}

/* Law 13: what is not known, why, and the one command that settles it. */
static void unknown_text(struct out *out, const struct mover_result *result)
{
	bool silent = false;

	for (size_t m = 0; m < result->stores_count; m++)
		for (int s = 0; s < SIDE_COUNT; s++) {
			const struct err *why = &result->report.silence[m][s];
			BUF_AUTO safe = BUF_INIT;

			if (result->report.view[m].reachable[s])
				continue;
			silent = true;
			out_safe(&safe, why->code != ERR_OK ? why->msg : "no answer");
			out_data(out, "  %s of %s does not answer: %s\n", side_name((enum side)s),
				mover_member_name(result, m), buf_str(&safe));
		}
	if (silent)
		out_data(out, "  until then Airlock opens no door; when the silent side is back: "
			      "`airlock resume`\n");
	else
		out_data(out, "  Airlock opens no door; `airlock status` shows what each store's "
			      "registers say\n");
}

/* Whom the move did not bring along. */
static void clients_text(struct out *out, const struct mover_result *result)
{
	const struct engine_report *report = &result->report;
	BUF_AUTO why = BUF_INIT;

	for (size_t m = 0; m < result->stores_count; m++) {
		if (report->unreleased[m].code == ERR_OK)
			continue;
		buf_clear(&why);
		out_safe(&why, report->unreleased[m].msg);
		out_data(out, "  CLIENTS of %s MAY WAIT OR BE REFUSED: its route did not say that "
			      "they went on: %s\n",
			mover_member_name(result, m), buf_str(&why));
	}
	for (size_t m = 0; m < result->stores_count; m++)
		if (report->released[m].failed > 0)
			out_data(out,
				"  %lld sessions of %s could not go on: the gateway's log says "
				"why\n",
				(long long)report->released[m].failed,
				mover_member_name(result, m));
	if (report->ended > 0) {
		buf_clear(&why);
		out_safe(&why, report->ended_who);
		out_data(out, "  %lld sessions were ended, as the plan wants it: %s\n",
			(long long)report->ended, buf_str(&why));
	}
}

void mover_text(struct out *out, const struct mover_result *result)
{
	const struct engine_report *report = &result->report;
	double stall = 0;
	BUF_AUTO why = BUF_INIT;

	out_data(out, "wave %zu: %s", result->wave, core_verdict_name(report->verdict));
	for (size_t m = 0; m < result->stores_count; m++)
		out_data(out, "%s %s writes to %s", m ? "," : ";", mover_member_name(result, m),
			mover_primary(&report->view[m]));
	for (size_t i = 0; i < result->moves_count; i++)
		out_data(out, "%s %s %s %s", result->stores_count + i ? "," : ";",
			result->moves[i].service->name,
			result->moves[i].seen.known ? "is on" : "is on a side that is",
			seen_name(&result->moves[i]));
	if (result->stores_count > 0)
		out_data(out, " (attempt %lld)", (long long)report->attempt);
	out_data(out, "\n");
	parts_text(out, report);
	if (report->part[VERB_HOLD].ran && mover_lag_bytes(result) >= 0)
		out_data(out, "  %lld bytes not yet confirmed by the other side at the hold\n",
			(long long)mover_lag_bytes(result));
	if (stall_ms(report, &stall))
		out_data(out, "  longest wait of a client %.0f ms%s\n", stall,
			is_over_budget(result, &stall) ? ", longer than budgets.stall" : "");
	if (report->cause.code != ERR_OK && report->verdict != VERDICT_DONE) {
		out_safe(&why, report->cause.msg);
		out_data(out, "  why: %s: %s\n", verb_word(report->cause_verb), buf_str(&why));
	}
	clients_text(out, result);
	for (size_t m = 0; m < result->stores_count; m++)
		if (report->tried[m].unproven > 0)
			out_data(out, "  NOT PROVEN (law 3) on %s: %s; its refusal was not seen\n",
				mover_member_name(result, m), report->tried[m].why);
	if (result->services.code != ERR_OK) {
		buf_clear(&why);
		out_safe(&why, result->services.msg);
		out_data(out, "  services: %s\n", buf_str(&why));
	}
	if (result->moved.code != ERR_OK) {
		buf_clear(&why);
		out_safe(&why, result->moved.msg);
		out_data(out, "  why: move: %s\n", buf_str(&why));
	}
	if (report->later)
		out_data(out, "  something harmless remains: `airlock resume` finishes it\n");
	if (result->moved.code != ERR_OK)
		moved_advice(out, result);
	else if (report->verdict == VERDICT_UNKNOWN)
		unknown_text(out, result);
	else if (report->verdict == VERDICT_TIMED_OUT)
		out_data(out, "  clients are served; when the silent side is back: `airlock "
			      "resume`\n");
	else if (report->verdict == VERDICT_REFUSED && report->cause.code == ERR_OK &&
		 result->services.code == ERR_OK)
		out_data(out, "  an attempt is under way: `airlock resume` settles it\n");
}

int mover_exit_code(enum core_verdict verdict)
{
	switch (verdict) {
	case VERDICT_DONE:
		return 0;
	case VERDICT_UNDONE:
		return 5;
	case VERDICT_REFUSED:
		return 3;
	case VERDICT_TIMED_OUT:
		return 8;
	case VERDICT_UNKNOWN:
		return 6;
	case VERDICT_NONE:
		break;
	}
	INVARIANT(verdict != VERDICT_NONE);
	return 1;
}
