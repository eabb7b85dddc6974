/*
 * moves.h - the services that move with a wave (engine/movement.h), around its stores: before them,
 * after them, and for `resume`; with the journal as their memory.
 *
 * While the stores can still go back, what fails takes the whole wave back: undone, exit code 5.
 * Once they are across, a service that fails is taken back alone and remains for `resume`
 * (timed-out, exit code 8; law 8).  Where an observation does not answer after something was
 * touched, the answer is unknown (exit code 6).
 *
 * A service without `move` is not touched and not observed: it stands where people put it.
 */
#ifndef AIRLOCK_CLI_MOVES_H
#define AIRLOCK_CLI_MOVES_H

#include "cli/mover.h"
#include "cli/mover_report.h"
#include "cli/moves_memory.h"

struct moves {
	struct cmd_ctx *ctx;
	struct mover_result *result;
	const struct mover_order *order;
	const struct wave_record *record; /* of this wave, as it stood at the beginning */
	struct movement movement;
	struct moves_writer writer;
};

/* Is there anything to do for this wave, if it has no store? */
bool moves_concern(struct cmd_ctx *ctx, const struct mover_order *order, const struct wave *wave,
	const struct wave_record *records);
/* ERR_REFUSED names a wave that an earlier controller left half moved. */
int moves_need_settled(const struct mover_order *order, const struct wave_record *records,
	struct err *err) MUST_CHECK;
/* ERR_REFUSED names a service with `move` that is not observed on `side`, and what to do: before a
 * command after which it could not follow. */
int moves_need_side(struct cmd_ctx *ctx, enum side side, const char *because, const char *instead,
	struct err *err) MUST_CHECK;
/* After the waves of a `resume`: records of waves in which the plan moves nothing any more. */
void moves_leave_orphans(
	struct cmd_ctx *ctx, const struct sequence *sequence, const struct wave_record *records);

/* `moves` borrows everything and stays where it is until moves_after. */
void moves_open(struct moves *moves, struct cmd_ctx *ctx, struct mover_result *result,
	const struct mover_order *order, const struct wave *wave,
	const struct wave_record *records);
/* False: the wave ends here, and result->report.verdict says how. */
bool moves_before(struct moves *moves);
/* With the stores' verdict in result->report; may make it worse. */
void moves_after(struct moves *moves);

#endif
