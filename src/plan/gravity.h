/*
 * gravity.h - how much state holds a store where it is, and what a crossing edge costs.
 *
 * Pure functions over measurements that somebody else took (`airlock discover`) and kept in the
 * journal.  Nothing here decides an order: the order of waves is a function of the plan alone, so
 * that what was approved is what is run, with or without a journal.  Where measurements speak for
 * another order than the plan's, `airlock plan` says so and shows the `order` line.
 *
 * What was not measured is GRAVITY_UNKNOWN, never 0.
 */
#ifndef AIRLOCK_PLAN_GRAVITY_H
#define AIRLOCK_PLAN_GRAVITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/plan.h"

#define GRAVITY_UNKNOWN (-1)

/* One store as it was seen on its open side.  gravity_store_init() makes all of it unknown. */
struct gravity_store {
	int64_t measured_at_ms;	  /* Unix time; GRAVITY_UNKNOWN = never looked */
	int64_t watched_ms;	  /* how long the rates below were watched */
	int64_t bytes;		  /* of the database, on disk */
	double rows_written_s;	  /* rows inserted, updated and deleted in a second */
	double xacts_s;		  /* transactions in a second, reading ones too */
	int64_t writers;	  /* kinds of session (role, application, address) seen writing */
	int64_t writers_declared; /* those of them that a service of the plan accounts for */
};

/* One edge of the plan: a service, or a store, and what it reads, writes or needs. */
struct gravity_edge {
	size_t from, to; /* nodes */
	int64_t measured_at_ms;
	double calls_s; /* requests that `from` sends to `to` in a second */
	/* What one request takes longer while its ends stand in different environments. */
	double round_trip_added_ms;
};

/* All that is remembered.  Arrays are borrowed; either may be empty. */
struct gravity_book {
	struct gravity_store *stores; /* by store: plan->stores_count of them, or NULL */
	struct gravity_edge *edges;   /* any order, at most one per pair */
	size_t edges_count;
};

void gravity_store_init(struct gravity_store *ret);

/*
 * Points, for comparing stores of one plan with each other and for nothing else.
 *   size        one for each factor of ten beyond 1 MB
 *   rate        one for each factor of ten beyond 1 row written in a second
 *   writers     one for each distinct writer beyond the first
 *   strangers   two for each writer that was only seen and is declared nowhere
 * A part that was not measured is GRAVITY_UNKNOWN and counts as 0; `complete` is false then and
 * the sum is a lower bound.
 */
struct gravity {
	double size, rate, writers, strangers;
	double sum;
	bool complete;
};

/* `declared_writers` is what the plan says, and stands in where nobody has looked. */
struct gravity gravity_of(const struct gravity_store *seen, size_t declared_writers);
/* How many services of the plan write to it. */
size_t gravity_declared_writers(const struct plan *plan, size_t store);

/* NULL where nothing is remembered.  `book` may be NULL. */
const struct gravity_store *gravity_seen(const struct gravity_book *book, size_t store);
const struct gravity_edge *gravity_edge_seen(
	const struct gravity_book *book, size_t from, size_t to);
/* Milliseconds of waiting that a second of this edge adds, or GRAVITY_UNKNOWN. */
double gravity_edge_cost_ms(const struct gravity_edge *edge);

#endif
