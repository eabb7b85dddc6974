#include "gate/gates.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static const struct gate *const table[] = {
	&gate_hazards,
	&gate_rights,
	&gate_writers,
	&gate_sessions,
	&gate_verifiers,
	&gate_links,
	&gate_lag,
	&gate_audit,
	&gate_clock,
};

/* Designed, and not in this version: a plan that asks for one is refused when it is read. */
static const struct {
	const char *id, *what;
} later[] = {
	{"restore", "a backup of the new side is restored and queried"},
	{"alerts", "an alert fired in the new environment arrives"},
	{"rehearsal", "the plan was rehearsed, and the predicted stall fits the budget"},
};

size_t gates_count(void)
{
	return ARRAY_LEN(table);
}

const struct gate *gate_at(size_t i)
{
	REQUIRE(i < ARRAY_LEN(table));
	return table[i];
}

const struct gate *gate_find(const char *id)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i]->id, id) == 0)
			return table[i];
	return NULL;
}

int gate_must_exist(const char *id, struct err *err)
{
	BUF_AUTO names = BUF_INIT;

	if (gate_find(id) != NULL)
		return 0;
	for (size_t i = 0; i < gates_count(); i++)
		buf_printf(&names, "%s%s", i > 0 ? ", " : "", gate_at(i)->id);
	return err_set(err, ERR_USAGE, "there is no gate '%.60s': %s", id, buf_str(&names));
}

/* ---- one gate ------------------------------------------------------------------------------ */

static void could_not(struct gate_answer *answer, const struct err *err)
{
	gate_answer_lower(answer, GATE_NOT_PROVEN);
	gate_answer_say(answer, "could not be looked at: %s", err->msg);
	gate_answer_advise(answer, err->code == ERR_UNREACHABLE || err->code == ERR_TIMEOUT
					   ? "Make both servers reachable, then check again."
					   : "See to that, then check again.");
}

/* Adds what was found about one store to what is known of the others. */
static void merge(
	struct gate_answer *into, const struct gate_answer *from, const char *store, bool several)
{
	gate_answer_lower(into, from->state);
	if (from->valid_s < into->valid_s)
		into->valid_s = from->valid_s;
	if (several)
		gate_answer_say(into, "%s: %s", store, buf_str(&from->evidence));
	else
		gate_answer_say(into, "%s", buf_str(&from->evidence));
	if (from->remedy.len > 0)
		gate_answer_advise(into, "%s", buf_str(&from->remedy));
}

struct world_state {
	bool known;
	struct err err;
};

static int ask_store(const struct gate *gate, struct gate_world *world,
	const struct world_state *state, struct gate_answer *ret, struct err *err)
{
	struct err failed = ERR_INIT;

	gate_answer_init(ret, 60);
	if (!state->known) {
		could_not(ret, &state->err);
		return 0;
	}
	if (gate->assess(world, ret, &failed) == 0)
		return 0;
	if (failed.code == ERR_NOMEM || err_class(failed.code) == ERR_CLASS_BUG) {
		*err = failed;
		return -1;
	}
	could_not(ret, &failed);
	return 0;
}

static int ask_gate(const struct gate *gate, struct gates_round *round,
	const struct world_state *states, struct err *err)
{
	struct gate_result *result = &round->results[round->count++];

	*result = (struct gate_result){.id = gate->id,
		.what = gate->what,
		.required = gate->required(round->worlds[0].plan)};
	gate_answer_init(&result->answer, INT64_MAX);
	for (size_t i = 0; i < round->worlds_count; i++) {
		GATE_ANSWER_AUTO one = {0};

		if (ask_store(gate, &round->worlds[i], &states[i], &one, err))
			return -1;
		merge(&result->answer, &one, round->worlds[i].plan_store->name,
			round->worlds_count > 1);
	}
	return 0;
}

static void list_later(struct gates_round *round)
{
	for (size_t i = 0; i < ARRAY_LEN(later); i++) {
		struct gate_result *result = &round->results[round->count++];

		*result = (struct gate_result){.id = later[i].id, .what = later[i].what};
		gate_answer_init(&result->answer, 0);
		result->answer.state = GATE_NOT_PROVEN;
		gate_answer_say(&result->answer, "not available in this version");
	}
}

static void free_states(struct world_state **states)
{
	free(*states);
}

/* ---- all of them --------------------------------------------------------------------------- */

int gates_ask(const struct plan *plan, struct store_pg *const *stores,
	struct route *const *routes, const char *only, int64_t deadline_ms, struct writers *writers, struct gates_round *ret_round,
	struct err *err)
{
	GATES_ROUND_AUTO round = {0};
	struct world_state *states __attribute__((cleanup(free_states))) = NULL;

	REQUIRE(plan->stores_count > 0);
	round.results = calloc(ARRAY_LEN(table) + ARRAY_LEN(later), sizeof *round.results);
	round.worlds = calloc(plan->stores_count, sizeof *round.worlds);
	states = calloc(plan->stores_count, sizeof *states);
	if (round.results == NULL || round.worlds == NULL || states == NULL)
		return err_set(err, ERR_NOMEM, "no memory for the gates");
	for (size_t i = 0; i < plan->stores_count; i++) {
		states[i].known = gate_world_init(&round.worlds[i], plan, i, stores[i], deadline_ms,
					  &states[i].err) == 0;
		round.worlds[i].writers = writers;
		round.worlds[i].route = routes[i];
		round.worlds_count++;
	}
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (only != NULL && strcmp(table[i]->id, only) != 0)
			continue;
		if (ask_gate(table[i], &round, states, err))
			return -1;
	}
	if (only == NULL)
		list_later(&round);
	*ret_round = round;
	round = (struct gates_round){0};
	return 0;
}

void gates_round_fini(struct gates_round *round)
{
	for (size_t i = 0; i < round->count; i++)
		gate_answer_fini(&round->results[i].answer);
	for (size_t i = 0; i < round->worlds_count; i++)
		gate_world_fini(&round->worlds[i]);
	free(round->results);
	free(round->worlds);
	*round = (struct gates_round){0};
}

bool gate_refuses(const struct gate_result *result)
{
	enum gate_state state = result->answer.state;

	if (state == GATE_PASS || state == GATE_WAIVED)
		return false;
	return state == GATE_FAIL || result->required;
}

bool gates_ready(const struct gates_round *round)
{
	for (size_t i = 0; i < round->count; i++)
		if (gate_refuses(&round->results[i]))
			return false;
	return true;
}

int gates_verdict(const struct gates_round *round, struct err *err)
{
	for (size_t i = 0; i < round->count; i++) {
		const struct gate_result *result = &round->results[i];

		if (gate_refuses(result))
			return err_set(err, ERR_REFUSED, "gate %s: %s: %s%s%s", result->id,
				gate_state_name(result->answer.state),
				buf_str(&result->answer.evidence),
				result->answer.remedy.len > 0 ? ". " : "",
				buf_str(&result->answer.remedy));
	}
	return 0;
}
