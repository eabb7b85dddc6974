/*
 * waiver.h - gates that a person signed for: kept in the journal (kind "waiver", key = the gate),
 * bound to the plan's hash and to a time (law 9).
 */
#ifndef AIRLOCK_CLI_WAIVER_H
#define AIRLOCK_CLI_WAIVER_H

#include "cli/cmd.h"
#include "gate/gates.h"

/* Turns what does not pass and is waived into GATE_WAIVED; its evidence then begins with who, why
 * and until when.  Without a journal nothing is waived. */
void waiver_apply(struct cmd_ctx *ctx, struct gates_round *round);
/* One row for each that the round goes on because of; also told. */
int waiver_record_use(
	struct cmd_ctx *ctx, const struct gates_round *round, struct err *err) MUST_CHECK;

#endif
