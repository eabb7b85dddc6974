/*
 * conformance.h - the same cases over every driver of the contracts arbiter and store.
 *
 * A driver's test fills in a world: two handles on the same store (two controllers), and what a
 * client of that store can do.  Every case begins after `reset`: as `sync` leaves a store, old open
 * at attempt 0, new shut, the link of old on, the link of new off.
 */
#ifndef AIRLOCK_TESTS_CONFORMANCE_CONFORMANCE_H
#define AIRLOCK_TESTS_CONFORMANCE_CONFORMANCE_H

#include <stdbool.h>

#include "port/store.h"

struct conformance_world {
	const char *name;
	void *arg;
	struct store *store, *other; /* valid after reset; borrowed */
	bool quiet;		     /* prints nothing */
	const char *only;	     /* the one case to run; NULL = all */
	int64_t patience_ms;	     /* within which every call that can succeed does */

	void (*reset)(struct conformance_world *world);
	/* A client connects anew and writes one row; whether that was acknowledged. */
	bool (*write)(void *arg, enum side side);
	/* Client rows on this side, each copy counted. */
	long (*rows)(void *arg, enum side side);
	/* Returns when both sides have what the enabled link can bring, or after a while. */
	void (*catch_up)(void *arg);
	/* The last value that the store's sequence gave on this side. */
	int64_t (*sequence)(void *arg, enum side side);
	/* A person with the right to takes a value there, whatever the door says; that value. */
	int64_t (*draw)(void *arg, enum side side);
	/* A client connects and stays; whether it is still connected. */
	void (*stay)(void *arg, enum side side);
	bool (*stays)(void *arg);
};

/* Runs every case, or the one that is asked for; prints those that fail.  Returns how many did. */
int conformance_run(struct conformance_world *world);

#endif
