/*
 * leave.h - what a migration leaves on its servers when it is over, and the SQL that takes it away.
 *
 * `finalize` and `abandon` drop what costs something (links, slots, publications).  What is left
 * belongs to the DBA: roles, the control database with the registers, the schemas with the guard.
 * Airlock's own login may not drop them, and a gateway goes on reading the registers.
 */
#ifndef AIRLOCK_STORE_POSTGRES_LEAVE_H
#define AIRLOCK_STORE_POSTGRES_LEAVE_H

#include "base/buf.h"
#include "store/postgres/driver.h"

/* Appends what is there now, as read from the catalogs: "role airlock, ..."; nothing when nothing
 * is.  *ret_shut: no client role but ours may connect to the migrated database. */
int pg_left(struct store_pg *s, enum side side, int64_t deadline_ms, struct buf *out,
	bool *ret_shut, struct err *err) MUST_CHECK;
/* Appends a psql script for a superuser.  It stops before it touches anything while the migration
 * stands open, and takes control database and roles only with the last migration that uses them. */
void leave_script(const struct store_pg *s, enum side side, struct buf *out);

#endif
