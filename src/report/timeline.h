/*
 * timeline.h - which door of which store was open when, and which connections crossed between the
 * environments meanwhile, out of the rows of the journal.  Pure.
 *
 * A door is open or shut only where a row says so: a copy that follows (kind "sync"), and each move
 * of the machine.  Where a controller's rows end in the middle, and before the first row, it is
 * unknown.  A stretch ends where the next begins; the last one ends with the last row.
 */
#ifndef AIRLOCK_REPORT_TIMELINE_H
#define AIRLOCK_REPORT_TIMELINE_H

#include "plan/sequence.h"
#include "report/attempts.h"
#include "report/places.h"

enum seen_door { SEEN_UNKNOWN, SEEN_OPEN, SEEN_SHUT };

struct doors {
	enum seen_door side[SIDE_COUNT];
};

struct stretch {
	int64_t from_ms, to_ms;
	struct doors doors;
	const char *why; /* the row's sentence, or why nothing is known */
	int64_t seq;	 /* that row */
};

struct lane {
	size_t store; /* the plan's */
	struct stretch *stretches;
	size_t count;
};

/* One stretch during which the ends of a connection were, or may have been, in two environments. */
struct overlap_span {
	int64_t from_ms, to_ms;
	bool certain; /* false: one end is a service, whose side no row tells then */
};

struct overlap {
	size_t from, to; /* nodes */
	bool intended;
	bool early; /* `from` reads new before `to` is promoted */
	const struct plan_overlap *declared; /* NULL when it is not */
	struct overlap_span *spans;
	size_t count;
	bool too_long; /* one that is certain lasted longer than the plan allows */
};

/* A service that `run` stopped (`during: stop`), from when it was about to until it ran again. */
struct pause {
	const char *service;
	int64_t from_ms, to_ms;
	bool ended; /* false: no row says that it runs again */
	int64_t seq;
};

struct timeline {
	int64_t from_ms, to_ms; /* first and last row; both 0 when there is none */
	struct lane *lanes;	/* by the plan's store index */
	size_t lanes_count;
	struct overlap *overlaps;
	size_t overlaps_count;
	struct pause *pauses;
	size_t pauses_count;
	struct places places; /* of services that the plan moves */
	int64_t *instants;    /* sorted, each once: where anything begins or ends */
	size_t instants_count;
	int64_t both_open_ms; /* 0, or law 1 was broken according to the rows */
};

void timeline_make(const struct plan *plan, const struct sequence *sequence,
	const struct record *record, const struct attempts *attempts, struct arena *arena,
	struct timeline *ret);

const char *seen_door_name(enum seen_door door); /* "open" */
/* "old", "new", "nobody" or "unknown": who admits writes with these doors. */
const char *doors_writes(const struct doors *doors);

#endif
