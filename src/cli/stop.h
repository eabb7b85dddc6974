/*
 * stop.h - SIGINT and SIGTERM as a flag: a command that is asked to stop comes to its own end.
 */
#ifndef AIRLOCK_CLI_STOP_H
#define AIRLOCK_CLI_STOP_H

#include <signal.h>

#include "port/env.h"

/* From now on a signal sets the flag and wakes `env`, whichever thread it lands on (NULL: nobody
 * waits in an env). */
void stop_listen(struct env *env);
/* No signal any more: before the env goes away. */
void stop_ignore(void);

extern const volatile sig_atomic_t *const stop_asked;

#endif
