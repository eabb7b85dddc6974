/*
 * env_real.h - the env of a real process: CLOCK_BOOTTIME, the kernel's random, a pool of threads.
 *
 * With the build option -Dfailpoints=true, AIRLOCK_FAILPOINT="before:seal" makes the first
 * matching env_point write its name to the descriptor in AIRLOCK_FAILPOINT_FD and stop the process
 * with SIGSTOP; the harness then kills it, or lets it go on later.  Several points, separated by
 * commas, stop it one after the other, each once.  Without the option the points
 * cost one call and do nothing.
 */
#ifndef AIRLOCK_ENV_ENV_REAL_H
#define AIRLOCK_ENV_ENV_REAL_H

#include "base/err.h"
#include "port/env.h"

/* Starts `workers` threads.  Returns owned: env_real_free. */
int env_real_new(unsigned workers, struct env **ret_env, struct err *err) MUST_CHECK;
/* Waits for the workers; every submitted job must have been taken back.  Accepts NULL. */
void env_real_free(struct env *env);
bool env_real_has_failpoints(void);

#endif
