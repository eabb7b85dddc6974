/*
 * help.h - help texts, made from commands.def.  80 columns are enough.
 */
#ifndef AIRLOCK_CLI_HELP_H
#define AIRLOCK_CLI_HELP_H

#include "cli/command.h"
#include "cli/out.h"

/* The overview when command is NULL. */
void help_print(struct out *out, const struct command *command);
/* "airlock run [--approve HASH] ...", wrapped and indented, with a newline at the end. */
void help_synopsis(const struct command *command, struct buf *out);

#endif
