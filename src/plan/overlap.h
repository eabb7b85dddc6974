/*
 * overlap.h - what crosses between the environments, from the end of which wave to the end of
 * which, and whether the plan declares it.
 *
 * Between the end of a wave and the end of the next what has moved is on new and the rest on old.
 * Two nodes that talk and do not move in the same wave cross in between: one row each, whatever
 * the number of waves, so that all of it is linear in the edges.
 */
#ifndef AIRLOCK_PLAN_OVERLAP_H
#define AIRLOCK_PLAN_OVERLAP_H

#include "plan/sequence.h"

struct crossing {
	uint32_t from, to; /* nodes: `from` asks, and pays for the way */
	uint32_t begin;	   /* it crosses from the end of this wave, from 1 ... */
	uint32_t end;	   /* ... to the end of this one */
	uint8_t kinds;	   /* EDGE_READS, EDGE_WRITES, EDGE_NEEDS */
	/* `from` moved first and reads the new side of `to` before it is promoted (early_reader):
	 * no request crosses, the data does, and is as old as the lag. */
	bool early;
	uint32_t overlap; /* the first entry of plan->overlaps that permits it, or CROSSING_ACCIDENT
			   */
	uint32_t edge;	  /* the first edge of the pair, in graph.edges */
};

#define CROSSING_ACCIDENT UINT32_MAX

struct crossings {
	struct crossing *list; /* by begin, then as in the graph */
	size_t count;
	size_t accidents; /* of them not declared, and not early */
	/* By wave, from 0: how many cross from its end to the end of the next, and how many of
	 * those are not declared.  The last wave has none. */
	uint32_t *open, *open_accidents;
};

/* In arena.  Linear in nodes plus edges plus waves. */
void crossings_find(const struct sequence *q, struct arena *arena, struct crossings *ret);

/* Nobody means it. */
static inline bool crossing_is_accident(const struct crossing *c)
{
	return c->overlap == CROSSING_ACCIDENT && !c->early;
}

/* Does it cross after wave n (from 1)? */
static inline bool crossing_is_open(const struct crossing *c, size_t n)
{
	return c->begin <= n && n < c->end;
}
/* "reads and writes": what `from` does with `to`. */
const char *crossing_verbs(const struct crossing *c);

#endif
