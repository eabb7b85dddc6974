#include "plan/pack_room.h"

size_t pack_room_stores(const struct sequence *q, size_t part)
{
	size_t count = 0;

	for (size_t i = q->part_first[part]; i < q->part_first[part + 1]; i++)
		count += q->part_nodes[i] < q->plan->stores_count;
	return count;
}

void pack_room_init(struct pack_room *room, const struct sequence *q, struct arena *arena)
{
	*room = (struct pack_room){.q = q, .limit = (size_t)q->plan->limits.blast_radius};
	if (room->limit)
		reach_init(&room->reach, &q->graph, arena);
}

void pack_room_clear(struct pack_room *room)
{
	room->stores = room->parts = 0;
	room->closed = false;
	if (room->limit)
		reach_clear(&room->reach);
}

bool pack_room_add(struct pack_room *room, size_t part)
{
	const struct sequence *q = room->q;
	size_t stores = pack_room_stores(q, part), first = q->part_first[part];
	bool fits = !room->closed && room->stores + stores <= SEQUENCE_STORES_MAX &&
		    (!room->limit || reach_add(&room->reach, q->part_nodes + first,
					     q->part_first[part + 1] - first, room->limit));

	if (!fits && room->parts)
		return false;
	room->closed = room->closed || !fits; /* too large by itself: a wave of its own */
	room->stores += stores;
	room->parts++;
	return true;
}
