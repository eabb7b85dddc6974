/*
 * audit.h - did anybody write on the shut side?  A logical slot (test_decoding, only-local) sees
 * every local change and none that replication brought.
 */
#ifndef AIRLOCK_STORE_POSTGRES_AUDIT_H
#define AIRLOCK_STORE_POSTGRES_AUDIT_H

#include "store/postgres/driver.h"

/* Outside a hold: refuses stray writes on the shut side, and moves both audit slots forward so that
 * they keep no log; on the shut side only up to what was looked at and found clean. */
int pg_audit_visit(
	struct store_pg *s, enum side shut, int64_t deadline_ms, struct err *err) MUST_CHECK;

#endif
