/*
 * lane.h - one thread's work: the next chunk of a piece, the same question to both sides.
 */
#ifndef AIRLOCK_VERIFY_LANE_H
#define AIRLOCK_VERIFY_LANE_H

#include <pthread.h>

#include "verify/verify.h"

struct lanes {
	pthread_mutex_t mutex; /* over the tables' numbers and pieces, `err`, `running` */
	pthread_cond_t changed;
	unsigned running;
	_Atomic bool ending;
	struct err err;	      /* the first error of any */
	pthread_mutex_t look; /* over the store's control connections; never held with `mutex` */
};

/* One connection, with what a comparison needs pinned. */
int lane_open(struct store_pg *s, enum side side, struct pg **ret, struct err *err) MUST_CHECK;
/* The direction now; waits while a cutover is under way. */
int lane_direction(struct verify *verify, struct direction *ret, struct err *err) MUST_CHECK;
/* Starts the lanes; each counts itself out of `running` at its end. */
int lane_start(struct verify *verify, pthread_t *ret_thread, struct err *err) MUST_CHECK;

#endif
