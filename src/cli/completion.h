/*
 * completion.h - what a shell completes after `airlock`, made from commands.def.
 */
#ifndef AIRLOCK_CLI_COMPLETION_H
#define AIRLOCK_CLI_COMPLETION_H

#include "base/buf.h"

void completion_bash(struct buf *out);
void completion_zsh(struct buf *out);

#endif
