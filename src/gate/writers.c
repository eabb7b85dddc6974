/*
 * writers.c - nobody writes whom the plan does not know.  The open side's sessions are watched for
 * a moment, and what was seen before within the look-back counts as well: the wrong moment to learn
 * of a job that runs once an hour is the hour after the cutover.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "discover/writers.h"
#include "gate/gates.h"

#define VALID_S 60
#define WATCH_MS 500
#define PAUSE_MS 25
#define LOOK_BACK_MS (INT64_C(7) * 24 * 3600 * 1000)
#define SHOWN_MAX 5

static bool required(const struct plan *plan)
{
	return gate_asked(plan, "writers") != NULL;
}

static int64_t look_back_ms(const struct plan *plan)
{
	const struct plan_gate *gate = gate_asked(plan, "writers");
	int64_t ms;

	if (gate == NULL || !gate_setting_ms(gate, "look_back", &ms))
		return LOOK_BACK_MS;
	return ms;
}

static void say_undeclared(struct gate_answer *ret, const struct writer *w)
{
	BUF_AUTO who = BUF_INIT;
	BUF_AUTO lines = BUF_INIT;
	char since[CLOCK_STAMP_BYTES], last[CLOCK_STAMP_BYTES];

	writer_describe(w, &who);
	gate_answer_say(ret, "undeclared writer on %s: %s, first seen %s, last write %s",
		side_name(w->side), buf_str(&who), clock_date(w->first_s, since),
		clock_date(w->wrote_s, last));
	if (w->here && w->writes > 0)
		gate_answer_say(
			ret, "at least %" PRId64 " transactions in %d ms", w->writes, WATCH_MS);
	writer_plan_lines(w, &lines);
	gate_answer_advise(ret, "Find its owner; then declare it in the plan: %s", buf_str(&lines));
}

/* Sessions that could write and were not seen doing so are told, no more. */
static size_t count_unknown(const struct gate_world *world, size_t store)
{
	size_t count = 0;
	bool writes;

	for (size_t i = 0; i < world->writers->count; i++) {
		const struct writer *w = &world->writers->rows[i];

		count += w->here && !w->wrote && strcmp(w->store, world->plan_store->name) == 0 &&
			 writer_service(world->plan, store, w, &writes) == NULL;
	}
	return count;
}

/* The server counted rows that nobody who was seen can have written. */
static void judge_counts(struct gate_world *world, size_t store, struct gate_answer *ret)
{
	const struct writers *w = world->writers;

	if (writers_explain(world->plan, store, world->src, w))
		return;
	gate_answer_lower(ret, GATE_NOT_PROVEN);
	gate_answer_say(ret,
		"%" PRId64 " rows were written in %d ms and nobody was seen who could have written "
		"them; %" PRId64 " of %" PRId64 " new sessions came and went between two looks",
		w->counted.rows, WATCH_MS, w->counted.unseen, w->counted.sessions);
	gate_answer_advise(ret,
		"Watch for longer (airlock discover --for 10m), or install pg_stat_statements, "
		"which counts by role.");
}

/* Behind a gateway that does not tell, everybody has the same address.  It matters to the answer
 * only when the plan goes by addresses; it is said in any case. */
static void judge_gateway(struct gate_world *world, size_t store, struct gate_answer *ret)
{
	const struct writers_gateway *g =
		writers_gateway_of(world->writers, world->plan_store->name);
	size_t untold = 0;

	for (size_t i = 0; g != NULL && i < world->writers->count; i++) {
		const struct writer *w = &world->writers->rows[i];

		untold += w->here && w->gateway.untold &&
			  strcmp(w->store, world->plan_store->name) == 0;
	}
	if (g == NULL || (!g->silent && untold == 0))
		return;
	if (g->silent)
		gate_answer_say(ret, "who comes through gateway %s cannot be told apart: %s",
			g->route, g->why);
	if (untold > 0)
		gate_answer_say(ret,
			"%zu kind(s) of session behind gateway %s are judged by user and "
			"application alone",
			untold, g->route);
	if (writers_need_addresses(world->plan, store)) {
		gate_answer_lower(ret, GATE_NOT_PROVEN);
		gate_answer_advise(ret,
			"The plan goes by addresses, and only the gateway knows them: see to it "
			"that it answers at its control socket, then check again.");
	}
}

static void judge(struct gate_world *world, struct gate_answer *ret)
{
	size_t store = (size_t)(world->plan_store - world->plan->stores);
	int64_t since_s = (int64_t)time(NULL) - look_back_ms(world->plan) / 1000;
	size_t undeclared = 0, unknown = count_unknown(world, store);

	for (size_t i = 0; i < world->writers->count; i++) {
		const struct writer *w = &world->writers->rows[i];

		if (!writer_is_undeclared(world->plan, store, w, since_s))
			continue;
		gate_answer_lower(ret, GATE_FAIL);
		if (undeclared++ < SHOWN_MAX)
			say_undeclared(ret, w);
	}
	if (undeclared > SHOWN_MAX)
		gate_answer_say(ret, "and %zu more: airlock discover", undeclared - SHOWN_MAX);
	if (undeclared == 0)
		gate_answer_say(ret, "no undeclared writer seen in the look-back");
	judge_counts(world, store, ret);
	judge_gateway(world, store, ret);
	if (unknown > 0)
		gate_answer_say(ret,
			"%zu kind(s) of session that the plan does not know, not seen writing",
			unknown);
}

static int assess(struct gate_world *world, struct gate_answer *ret, struct err *err)
{
	gate_answer_init(ret, VALID_S);
	REQUIRE(world->writers != NULL);
	if (writers_watch(world->store, world->route, world->src, WATCH_MS, PAUSE_MS, world->deadline_ms,
		    world->writers, err))
		return -1;
	judge(world, ret);
	if (world->writers->blind) {
		gate_answer_lower(ret, GATE_NOT_PROVEN);
		gate_answer_say(ret, "the server hides what other roles' sessions do");
		gate_answer_advise(ret, "GRANT pg_monitor TO airlock on %s (init-roles does).",
			side_name(world->src));
	}
	return 0;
}

const struct gate gate_writers = {
	.id = "writers",
	.what = "nobody writes whom the plan does not know",
	.waivable = true,
	.required = required,
	.assess = assess,
};
