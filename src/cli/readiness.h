/*
 * readiness.h - the gates, asked right before a move; a required one that does not pass refuses it.
 */
#ifndef AIRLOCK_CLI_READINESS_H
#define AIRLOCK_CLI_READINESS_H

#include "cli/cmd.h"
#include "cli/fleet.h"

/* ERR_REFUSED names the first gate that refuses, its evidence and remedy.  Nothing was touched. */
int readiness_need(struct cmd_ctx *ctx, struct fleet *fleet, struct err *err) MUST_CHECK;

#endif
