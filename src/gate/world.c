#include "gate/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "plan/text.h"

/* Not set up yet: no control database, no function, no right to use it. */
static bool is_not_there(const struct err *err)
{
	return err->code == ERR_SQL || err->code == ERR_RIGHTS ||
	       strcmp(err->sqlstate, "3D000") == 0;
}

static int read_door(struct gate_world *world, enum side side, struct err *err)
{
	struct err failed = ERR_INIT;

	if (arbiter_read(&world->store->store, side, world->deadline_ms, &world->door[side],
		    &failed) == 0)
		return 0;
	world->door[side] = (struct door){.reg.state = REG_ABSENT};
	if (is_not_there(&failed))
		return 0;
	*err = failed;
	return -1;
}

static int read_links(struct gate_world *world, struct err *err)
{
	for (int side = 0; side < SIDE_COUNT; side++) {
		struct err failed = ERR_INIT;
		enum link_seen seen;

		if (pg_link_seen(&world->store->store, (enum side)side, world->deadline_ms, &seen,
			    &failed) == 0) {
			world->synced |= seen == LINK_ON || seen == LINK_OFF;
		} else if (!is_not_there(&failed)) {
			*err = failed;
			return -1;
		}
	}
	return 0;
}

int gate_world_init(struct gate_world *world, const struct plan *plan, size_t store_index,
	struct store_pg *store, int64_t deadline_ms, struct err *err)
{
	REQUIRE(store_index < plan->stores_count);
	*world = (struct gate_world){.plan = plan,
		.plan_store = &plan->stores[store_index],
		.store = store,
		.deadline_ms = deadline_ms};
	if (read_door(world, SIDE_OLD, err) || read_door(world, SIDE_NEW, err) ||
		read_links(world, err))
		return -1;
	if (world->door[SIDE_NEW].reg.state == REG_ACTIVE &&
		world->door[SIDE_OLD].reg.state != REG_ACTIVE)
		world->src = SIDE_NEW;
	world->final = world->door[SIDE_OLD].reg.final || world->door[SIDE_NEW].reg.final;
	return 0;
}

void gate_world_fini(struct gate_world *world)
{
	hazard_report_fini(&world->hazards);
}

void gate_law(struct gate_world *world, int number, enum side side, enum law_state state,
	const char *fmt, ...)
{
	struct law_row *row;
	va_list ap;

	if (world->laws_count == LAW_ROWS_MAX)
		return;
	row = &world->laws[world->laws_count++];
	*row = (struct law_row){.law = number, .side = side, .state = state};
	va_start(ap, fmt);
	vsnprintf(row->what, sizeof row->what, fmt, ap);
	va_end(ap);
}

const char *law_state_name(enum law_state state)
{
	static const char *const names[] = {"enforced", "watched", "NOT PROVEN"};

	REQUIRE(state <= LAW_NOT_PROVEN);
	return names[state];
}

const struct plan_gate *gate_asked(const struct plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->gates_count; i++)
		if (strcmp(plan->gates[i].id, id) == 0)
			return &plan->gates[i];
	return NULL;
}

bool gate_setting_ms(const struct plan_gate *gate, const char *key, int64_t *ret_ms)
{
	const char *text = plan_setting_get(gate->settings, gate->settings_count, key);

	return text != NULL && text_time_ms(text, ret_ms) == TEXT_OK;
}

/* ---- answers ------------------------------------------------------------------------------- */

void gate_answer_init(struct gate_answer *answer, int64_t valid_s)
{
	*answer = (struct gate_answer){
		.state = GATE_PASS, .measured_at_s = (int64_t)time(NULL), .valid_s = valid_s};
}

void gate_answer_fini(struct gate_answer *answer)
{
	buf_fini(&answer->evidence);
	buf_fini(&answer->remedy);
}

static int rank(enum gate_state state)
{
	return state == GATE_FAIL ? 2 : state == GATE_PASS ? 0 : 1;
}

void gate_answer_lower(struct gate_answer *answer, enum gate_state state)
{
	if (rank(state) > rank(answer->state))
		answer->state = state;
}

static void append(struct buf *out, const char *fmt, va_list ap)
{
	char *text;

	ENSURE(vasprintf(&text, fmt, ap) >= 0);
	if (out->len > 0)
		buf_puts(out, "; ");
	buf_puts(out, text);
	free(text);
}

void gate_answer_say(struct gate_answer *answer, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	append(&answer->evidence, fmt, ap);
	va_end(ap);
}

void gate_answer_advise(struct gate_answer *answer, const char *fmt, ...)
{
	va_list ap;

	if (answer->remedy.len > 0)
		return;
	va_start(ap, fmt);
	append(&answer->remedy, fmt, ap);
	va_end(ap);
}
