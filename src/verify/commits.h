/*
 * commits.h - transactions that are committed and not yet shown.  A commit is in the log, and so
 * perhaps at the destination, before its own server shows it: for a moment that a busy machine draws
 * out, and where a standby has to confirm it, until that does.
 */
#ifndef AIRLOCK_VERIFY_COMMITS_H
#define AIRLOCK_VERIFY_COMMITS_H

#include "store/postgres/pg.h"

struct env;

/*
 * Waits for whoever may be committing in the source's database now; who only has a transaction open is
 * not.  *ret_all_shown: whatever was in the log when this was called is shown by the next look.
 */
int commits_settle(struct pg *src, struct env *env, bool *ret_all_shown, struct err *err) MUST_CHECK;

#endif
