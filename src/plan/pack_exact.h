/*
 * pack_exact.h - the fewest waves for a handful of parts, by looking at all ways of cutting.
 *
 * What has moved is a set; a wave adds parts that are ready, none of which depends on another.  The
 * fewest waves from each set to all of them is found from the back, 3^n steps at most.  Among
 * equally few ways the one is taken whose earlier waves hold the earlier parts of the list.
 */
#ifndef AIRLOCK_PLAN_PACK_EXACT_H
#define AIRLOCK_PLAN_PACK_EXACT_H

#include "plan/pack_room.h"

/* At most PACK_EXACT_MAX parts of one stage, lightest first.  Sets wave[part] from 0 and returns
 * how many waves there are. */
size_t pack_exact(const struct sequence *q, const uint32_t *parts, size_t count,
	struct pack_room *room, struct arena *arena, uint32_t *wave);

#endif
