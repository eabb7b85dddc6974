/*
 * refusal.h - what a plan would do by accident, found from its order.
 *
 * A refusal is no error of the text: the waves are known and shown.  `airlock run` and `airlock
 * check` refuse while one stands; resume, rollback and status do not care, since what is under way
 * has to be finished by whatever version and plan there are.
 *
 *   P-CROSSING     two that talk stand in different environments, undeclared
 *   P-EARLY        a service that is to read new early would move with its store or after it
 *   P-JOB-TWICE    a job would run on both sides
 *   P-JOB-NOWHERE  a job would run on neither
 *   P-ENDPOINTS    an order between entry points that the waves break
 *   P-INGRESS      an ingress switch for a tier that keeps state
 *   P-BLAST        a wave is larger than the limit and can not be divided
 *   P-WAVE-STORES  more stores in one piece than a cutover carries
 */
#ifndef AIRLOCK_PLAN_REFUSAL_H
#define AIRLOCK_PLAN_REFUSAL_H

#include "plan/overlap.h"
#include "plan/sequence.h"

struct refusal {
	const char *id;
	const struct tie *edge; /* stands where this is written; NULL: below */
	size_t node;		/* at this node's `key`; PLAN_NONE: at limits.blast_radius */
	const char *key;	/* NULL: the node itself */
	const char *message, *help;
};

typedef void refusal_fn(void *arg, const struct refusal *refusal);

/* Calls fn for each, whose texts are in arena. */
void refusals_find(const struct sequence *q, struct arena *arena, refusal_fn *fn, void *arg);

#endif
