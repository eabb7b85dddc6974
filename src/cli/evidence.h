/*
 * evidence.h - what gates found, kept in the journal (kind "evidence", key = the gate): the newest
 * of a gate holds until it expires.
 */
#ifndef AIRLOCK_CLI_EVIDENCE_H
#define AIRLOCK_CLI_EVIDENCE_H

#include "cli/cmd.h"
#include "gate/gates.h"

/* One durable row for each gate that measured something; nothing without a journal.  Call it only
 * while nobody is held. */
int evidence_keep(struct cmd_ctx *ctx, const struct gates_round *round, struct err *err) MUST_CHECK;

#endif
