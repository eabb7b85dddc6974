#include "report/places.h"

#include <string.h>

#include "base/check.h"

static enum side observed(const struct record_row *row)
{
	const char *side = row_string(row, "observed");

	for (int i = 0; i < SIDE_COUNT; i++)
		if (strcmp(side, side_name((enum side)i)) == 0)
			return (enum side)i;
	return SIDE_COUNT;
}

static bool is_of(const struct record_row *row, const struct plan_service *service)
{
	return strcmp(row->kind, "move") == 0 && strcmp(row->key, service->name) == 0;
}

/* What does not change goes on; what takes no time is not drawn. */
static void turn_to(struct place_lane *lane, const struct record_row *row)
{
	struct place_stretch *last = &lane->stretches[lane->count - 1];
	bool moving = strcmp(row_string(row, "state"), "intent") == 0;
	enum side side = moving ? SIDE_COUNT : observed(row);
	int64_t at_ms = row->at_ms > last->from_ms ? row->at_ms : last->from_ms;

	if (last->side == side && last->moving == moving)
		return;
	last->to_ms = at_ms;
	if (at_ms == last->from_ms)
		lane->count--;
	lane->stretches[lane->count++] = (struct place_stretch){.from_ms = at_ms,
		.to_ms = at_ms,
		.side = side,
		.moving = moving,
		.why = row->text,
		.seq = row->seq};
}

static void make_lane(const struct plan *plan, const struct record *record, size_t service,
	int64_t from_ms, int64_t to_ms, struct arena *arena, struct places *ret)
{
	struct place_lane lane = {.service = service};
	size_t rows = 0;

	for (size_t i = 0; i < record->count; i++)
		rows += is_of(&record->rows[i], &plan->services[service]);
	if (rows == 0)
		return;
	lane.stretches = arena_calloc(arena, rows + 1, sizeof *lane.stretches);
	lane.stretches[lane.count++] = (struct place_stretch){
		.from_ms = from_ms, .side = SIDE_COUNT, .why = "it had not been observed yet"};
	for (size_t i = 0; i < record->count; i++)
		if (is_of(&record->rows[i], &plan->services[service]))
			turn_to(&lane, &record->rows[i]);
	lane.stretches[lane.count - 1].to_ms = to_ms;
	ret->lanes[ret->count++] = lane;
}

void places_make(const struct plan *plan, const struct record *record, int64_t from_ms,
	int64_t to_ms, struct arena *arena, struct places *ret)
{
	*ret = (struct places){
		.lanes = arena_calloc(arena, plan->services_count + 1, sizeof *ret->lanes)};
	for (size_t i = 0; i < plan->services_count; i++)
		make_lane(plan, record, i, from_ms, to_ms, arena, ret);
}

enum side place_at(const struct places *places, size_t service, int64_t at_ms)
{
	enum side ret = SIDE_COUNT;

	for (size_t i = 0; i < places->count; i++) {
		const struct place_lane *lane = &places->lanes[i];

		if (lane->service != service)
			continue;
		for (size_t s = 0; s < lane->count && lane->stretches[s].from_ms <= at_ms; s++)
			ret = lane->stretches[s].side;
	}
	return ret;
}

const char *place_name(const struct place_stretch *stretch)
{
	if (stretch->moving)
		return "moving";
	return stretch->side < SIDE_COUNT ? side_name(stretch->side) : "unknown";
}
