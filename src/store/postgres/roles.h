/*
 * roles.h - what a DBA must set up on each side before Airlock can work there, as SQL to read and
 * run, or carried out with the DBA's own login.
 *
 * No password is ever set or seen: the DBA gives the roles theirs, and puts them where libpq and
 * the servers find them (passfile, service file, certificates).
 */
#ifndef AIRLOCK_STORE_POSTGRES_ROLES_H
#define AIRLOCK_STORE_POSTGRES_ROLES_H

#include "base/buf.h"
#include "store/postgres/driver.h"

/* Appends a psql script for one side. level: 2, or 3 = airlock is a superuser. */
void roles_script(const struct store_pg *s, enum side side, int level, struct buf *out);
/* Carries the same out, logged in as `user` (who may create roles and databases). */
int roles_apply(struct store_pg *s, enum side side, int level, const char *user,
	int64_t deadline_ms, struct err *err) MUST_CHECK;
/* The level that the plan's own login has on this side: 1, 2 or 3; 0 = not set up. */
int roles_level(struct store_pg *s, enum side side, int64_t deadline_ms, int *ret_level,
	struct err *err) MUST_CHECK;

#endif
