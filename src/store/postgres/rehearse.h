/*
 * rehearse.h - what the window does to registers, marker and link, done and taken back before the hold.
 */
#ifndef AIRLOCK_STORE_POSTGRES_REHEARSE_H
#define AIRLOCK_STORE_POSTGRES_REHEARSE_H

#include "store/postgres/driver.h"

/*
 * What cannot be done is found while clients work, and what can is done quickly later: the sessions
 * have compiled, planned and read all that it needs, down to the GRANTs.  Nobody sees it, and nothing
 * is left of it but dead rows.  ERR_LOST: a register does not stand where this attempt may begin.
 * ERR_BLOCKED: somebody holds a lock that the window needs, and is named.  ERR_REFUSED: the seal would
 * not shut the door.
 */
int pg_rehearse(
	struct store_pg *s, const struct store_call *call, struct err *err) MUST_CHECK;

#endif
