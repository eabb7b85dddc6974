/*
 * catalog.h - what a store's cluster knows of who depends on the store (catalog.def): slots and
 * their consumers, subscriptions, foreign servers, connection strings in functions, pg_cron, and
 * other databases of the same cluster that point at it.
 *
 * Least rights: pg_monitor, CONNECT.  What is hidden is told as not observable, and no question
 * fails the others.  Thread: the store's.
 */
#ifndef AIRLOCK_DISCOVER_CATALOG_H
#define AIRLOCK_DISCOVER_CATALOG_H

#include "discover/finding.h"
#include "discover/target.h"
#include "store/postgres/driver.h"

#define CATALOG_DATABASES_MAX 64

/* Fails only when the store's own database could not be asked at all. */
int catalog_look(struct store_pg *store, enum side side, struct targets *targets,
	int64_t deadline_ms, struct findings *f, struct err *err) MUST_CHECK;

#endif
