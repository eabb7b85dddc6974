/*
 * places.h - on which side each service was when, out of the rows of kind "move" that `run`,
 * `rollback` and `resume` write for services that the plan moves.  Pure.
 *
 * A service is on a side only where its own observation said so, from that row on.  Before the
 * first such row, while its command ran, and where the observation gave no answer, it is unknown.
 * A service that no row tells about has no lane.
 */
#ifndef AIRLOCK_REPORT_PLACES_H
#define AIRLOCK_REPORT_PLACES_H

#include "plan/plan.h"
#include "port/store.h"
#include "report/record.h"

struct place_stretch {
	int64_t from_ms, to_ms;
	enum side side;	 /* SIDE_COUNT = unknown */
	bool moving;	 /* its command was under way */
	const char *why; /* the row's sentence */
	int64_t seq;	 /* that row; 0 = before the first */
};

struct place_lane {
	size_t service; /* the plan's */
	struct place_stretch *stretches;
	size_t count;
};

struct places {
	struct place_lane *lanes;
	size_t count;
};

/* `from_ms` and `to_ms` are the first and the last row's times. */
void places_make(const struct plan *plan, const struct record *record, int64_t from_ms,
	int64_t to_ms, struct arena *arena, struct places *ret);
/* SIDE_COUNT = no row tells. */
enum side place_at(const struct places *places, size_t service, int64_t at_ms);
/* "old", "new", "moving" or "unknown" */
const char *place_name(const struct place_stretch *stretch);

#endif
