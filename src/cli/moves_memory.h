/*
 * moves_memory.h - what the journal says of services that move: rows of kind "wave" (key "wave-N")
 * and "move" (key = the service), see engine/movement.h.
 *
 * The detail of a "wave" row: plan, hash, goal, state, attempt (of this wave's services, from 1),
 * stores, services (each with tier, when, exec, observe, undo; only their names where the row would
 * grow too long).  Of a "move" row: plan, service, state, undoing, goal, observed ("old", "new",
 * "unknown"), attempt, command, undo, and once it ran status, ms, output, why.
 *
 * It tells what was under way; where a service stands is what its observation says.
 */
#ifndef AIRLOCK_CLI_MOVES_MEMORY_H
#define AIRLOCK_CLI_MOVES_MEMORY_H

#include "cli/cmd.h"
#include "engine/movement.h"

struct wave_record {
	enum wave_state state; /* WAVE_NONE: there is none */
	enum side goal;
	int64_t attempt;
	char at[32];
	const char **services; /* that it was about, in the context's arena */
	size_t services_count;
};

/* Half moved: only `resume` may touch it. */
bool wave_is_under_way(const struct wave_record *record);
/* Was it about this service?  The plan may have been changed since, and its waves with it. */
bool wave_concerns(const struct wave_record *record, const char *service);

/* The newest record of each wave of this plan, by its number, in the context's arena: elements 0 ..
 * PLAN_MEMBERS_MAX.  All are WAVE_NONE without a journal. */
int moves_recall_waves(
	struct cmd_ctx *ctx, struct wave_record **ret_by_number, struct err *err) MUST_CHECK;
/*
 * What that attempt did with each of the items: those that it touched are MOVE_INTENT, since only
 * an observation says where they are now.  Items that the record is not about are taken out: what
 * was never begun is not finished.
 */
int moves_recall_items(struct cmd_ctx *ctx, size_t wave, const struct wave_record *record,
	struct movement *m, struct err *err) MUST_CHECK;

/* Who writes, for the rows. */
struct moves_writer {
	struct cmd_ctx *ctx;
	const char *run;
	size_t wave;
	int64_t attempt;
	const struct movement *movement;
	const size_t *stores;
	size_t stores_count;
};

/* Durable on return; ERR_REFUSED without a journal. */
int moves_remember_wave(
	const struct moves_writer *w, enum wave_state state, struct err *err) MUST_CHECK;
int moves_remember(
	const struct moves_writer *w, const struct move_note *note, struct err *err) MUST_CHECK;

#endif
