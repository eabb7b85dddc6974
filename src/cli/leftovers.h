/*
 * leftovers.h - what a migration that is over leaves on its servers, told as it is there now, with
 * the commands that remove it.
 */
#ifndef AIRLOCK_CLI_LEFTOVERS_H
#define AIRLOCK_CLI_LEFTOVERS_H

#include "cli/cmd.h"
#include "cli/fleet.h"

/* A side that does not answer is told, and changes nothing: the command itself is done (law 8). */
void leftovers_tell(struct cmd_ctx *ctx, struct fleet *fleet);

#endif
