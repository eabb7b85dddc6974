/*
 * pack.h - the parts of each stage into as few waves as the limits allow.
 *
 * A set of parts may share a wave when none depends on another, at most SEQUENCE_STORES_MAX of
 * their nodes are stores and, with `limits.blast_radius`, no more nodes than that feel it when they
 * go wrong.  A part that is too large for the limits all by itself gets a wave of its own, which
 * plan/refuse.h refuses.
 *
 * Where each layer of the stage may be a wave, the layers are the waves and nothing is fewer.
 * Otherwise all ways of cutting are looked at for up to PACK_EXACT_MAX parts.  For more, waves are
 * filled one after the other with what has the longest chain behind it, of that the lightest, each
 * from at most PACK_LOOK_MAX candidates.
 */
#ifndef AIRLOCK_PLAN_PACK_H
#define AIRLOCK_PLAN_PACK_H

#include "plan/sequence.h"

#define PACK_EXACT_MAX 12
#define PACK_LOOK_MAX 64

struct packed {
	size_t waves;
	size_t least; /* no cutting has fewer; equal to waves where that was proven */
};

/* wave[part] is its layer within its stage, from 0, and becomes its wave there, from 0.  Of `q`
 * graph, parts and stages are made. */
void pack_stages(const struct sequence *q, uint32_t *wave, struct arena *arena,
	struct packed ret[STAGE_COUNT]);

#endif
