/*
 * state.h - where a comparison stands, kept beside the journal so that a killed one goes on.
 *
 * The file is replaced as a whole and is at most a second old; chunks that were compared after it
 * was written are compared again.  It is advice: one that is missing, damaged, older than a day, or
 * of another plan, method, direction or set of tables is ignored.
 */
#ifndef AIRLOCK_VERIFY_STATE_H
#define AIRLOCK_VERIFY_STATE_H

#include "verify/verify.h"

/* Takes the right to compare this store with this state directory: the fd, or -1 with ERR_BUSY.
 * It ends with the process or with close. */
int verify_state_lock(const struct verify *verify, int *ret_fd, struct err *err) MUST_CHECK;
/* Fills the tables; true when there was something to go on with. */
bool verify_state_load(struct verify *verify);
/* The caller holds the lanes' mutex. */
int verify_state_save(const struct verify *verify, struct err *err) MUST_CHECK;
void verify_state_forget(const struct verify *verify);

#endif
