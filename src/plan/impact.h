/*
 * impact.h - who feels it when a wave goes wrong, and what another cutting would have cost.  On
 * demand, wave by wave: all of it written out would be quadratic.  Pure.
 */
#ifndef AIRLOCK_PLAN_IMPACT_H
#define AIRLOCK_PLAN_IMPACT_H

#include "plan/reach.h"
#include "plan/sequence.h"

struct impact {
	struct reach reach; /* of the wave that was asked for last */
};

void impact_init(struct impact *im, const struct sequence *q, struct arena *arena);

/* How many feel it: members, and what reads, writes or needs them, directly or through others. */
size_t impact_radius(struct impact *im, const struct wave *wave);
/* Those of them that are no members, sorted; *ret_nodes is in arena.  Returns how many. */
size_t impact_beyond(
	struct impact *im, const struct wave *wave, struct arena *arena, uint32_t **ret_nodes);

/* The cutting with this wave and the next in one cutover. */
struct impact_merged {
	size_t broken;		 /* dependencies that would not be respected any more */
	const struct tie *first; /* one of them, or NULL */
	bool stages;		 /* the two belong to different stages */
	size_t radius;		 /* of both at once */
	size_t stores;		 /* in both */
};
/* `n` is the wave's number, less than q->count. */
struct impact_merged impact_merge(struct impact *im, const struct sequence *q, size_t n);

/* The cutting with each part of this wave in a cutover of its own. */
struct impact_split {
	size_t parts;  /* so many cutovers instead of one */
	size_t radius; /* the largest of them */
};
struct impact_split impact_split(
	struct impact *im, const struct sequence *q, const struct wave *wave);

#endif
