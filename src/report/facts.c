#include "report/facts.h"

#include <string.h>

#include "base/check.h"

static bool kind_is(const struct record_row *row, const char *kind)
{
	return strcmp(row->kind, kind) == 0;
}

static bool is_decision(const struct record_row *row)
{
	return kind_is(row, "approval") || kind_is(row, "waiver") || kind_is(row, "waived") ||
	       kind_is(row, "declare") || kind_is(row, "sync") || kind_is(row, "abandon");
}

static void add(struct rows *rows, const struct record_row *row)
{
	rows->list[rows->count++] = row;
}

/* The newest row of a key stands where the first one stood. */
static void add_newest(struct rows *rows, const struct record_row *row)
{
	for (size_t i = 0; i < rows->count; i++)
		if (strcmp(rows->list[i]->key, row->key) == 0) {
			rows->list[i] = row;
			return;
		}
	add(rows, row);
}

static int64_t time_of(const struct record_row *row, const char *key)
{
	const char *text = row_string(row, key);

	return text[0] ? stamp_ms(text) : -1;
}

static void add_gate(struct facts *facts, const struct record_row *row)
{
	struct gate_fact *gate = facts->gates, *end = facts->gates + facts->gates_count;
	size_t asked;

	while (gate < end && strcmp(gate->id, row->key) != 0)
		gate++;
	facts->gates_count += gate == end;
	asked = gate == end ? 0 : gate->asked;
	*gate = (struct gate_fact){.row = row,
		.id = row->key,
		.state = row_string(row, "state"),
		.evidence = row_string(row, "evidence"),
		.remedy = row_string(row, "remedy"),
		.required = json_is_true(json_object_get(row->detail, "required")),
		.measured_ms = time_of(row, "measured_at"),
		.until_ms = time_of(row, "valid_until"),
		.asked = asked + 1};
}

static struct rows room_for(const struct record *record, struct arena *arena)
{
	return (struct rows){
		.list = arena_calloc(arena, record->count + 1, sizeof(struct record_row *))};
}

void facts_make(const struct record *record, struct arena *arena, struct facts *ret)
{
	struct facts facts = {
		.gates = arena_calloc(arena, record->count + 1, sizeof(struct gate_fact)),
		.decisions = room_for(record, arena),
		.verifies = room_for(record, arena),
		.alarms = room_for(record, arena),
		.writers = room_for(record, arena),
	};

	for (size_t i = 0; i < record->count; i++) {
		const struct record_row *row = &record->rows[i];

		if (is_decision(row))
			add(&facts.decisions, row);
		else if (kind_is(row, "verify"))
			add(&facts.verifies, row);
		else if (kind_is(row, "guard"))
			add(&facts.alarms, row);
		else if (kind_is(row, "writer"))
			add_newest(&facts.writers, row);
		else if (kind_is(row, "evidence") && row->key[0])
			add_gate(&facts, row);
	}
	*ret = facts;
}

bool gate_fact_fresh(const struct gate_fact *gate, int64_t at_ms)
{
	REQUIRE(gate->row != NULL);
	return gate->measured_ms >= 0 && gate->until_ms >= at_ms && gate->measured_ms <= at_ms;
}
