/*
 * mover_report.h - one wave's result as text and as JSON, from one struct.
 */
#ifndef AIRLOCK_CLI_MOVER_REPORT_H
#define AIRLOCK_CLI_MOVER_REPORT_H

#include <jansson.h>

#include "cli/fleet.h"
#include "cli/out.h"
#include "engine/engine.h"
#include "engine/movement.h"
#include "plan/sequence.h"

struct mover_result {
	char run[48];
	const struct fleet *fleet;
	const size_t *stores; /* the wave's stores, in the order of the engine's members */
	size_t stores_count;
	size_t wave;
	struct engine_report report;
	struct err services; /* of a service that could not be stopped, or not started again */
	const struct move_item *moves; /* services that move with the wave */
	size_t moves_count;
	enum side moves_goal;
	struct err moved; /* the first that did not come where it should */
};

/* The store behind one of the engine's members. */
const char *mover_member_name(const struct mover_result *result, size_t member);
/* No register on either side: there was no `sync`, or it was abandoned. */
bool mover_is_not_set_up(const struct core_view *view);
/* "old", "new", "none" or "unknown": the side whose register is open, as read after the end. */
const char *mover_primary(const struct core_view *view);
/* The side that every store of the wave is open on; false when there is none. */
bool mover_open_side(const struct mover_result *result, enum side *ret_side);
/* The largest of the wave's stores at its last look before the hold; -1: nobody looked. */
int64_t mover_lag_bytes(const struct mover_result *result);
/* Returns owned: an airlock.run/1 document. */
json_t *mover_json(const struct mover_result *results, size_t count);
void mover_text(struct out *out, const struct mover_result *result);
int mover_exit_code(enum core_verdict verdict);

#endif
