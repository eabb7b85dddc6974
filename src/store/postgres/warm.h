/*
 * warm.h - the functions of the window, compiled and planned in our sessions before the hold.
 */
#ifndef AIRLOCK_STORE_POSTGRES_WARM_H
#define AIRLOCK_STORE_POSTGRES_WARM_H

#include "store/postgres/driver.h"

/* Calls what is not rehearsed for a plan that does not exist: it compiles, plans, and finds nothing
 * to do.  Outside a hold; changes nothing. */
int pg_warm(struct store_pg *s, enum side src, int64_t deadline_ms, struct err *err) MUST_CHECK;

#endif
