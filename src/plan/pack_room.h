/* pack_room.h - what fits into one wave, part by part.  Pure. */
#ifndef AIRLOCK_PLAN_PACK_ROOM_H
#define AIRLOCK_PLAN_PACK_ROOM_H

#include "plan/reach.h"
#include "plan/sequence.h"

struct pack_room {
	const struct sequence *q; /* borrowed */
	size_t limit;		  /* of the blast radius; 0 = none */
	struct reach reach;	  /* of the parts inside; only with a limit */
	size_t stores, parts;
	bool closed; /* one part that is too large by itself is in it, and nothing else comes in */
};

void pack_room_init(struct pack_room *room, const struct sequence *q, struct arena *arena);
/* Empty again. */
void pack_room_clear(struct pack_room *room);
/* False, and nothing changes, when it does not fit.  The first part always goes in. */
bool pack_room_add(struct pack_room *room, size_t part);
/* How many of a part's nodes are stores. */
size_t pack_room_stores(const struct sequence *q, size_t part);

#endif
