#include "plan/pack_exact.h"

#include "base/check.h"
#include "plan/pack.h"

struct exact {
	const struct sequence *q;
	const uint32_t *parts;
	size_t count;
	uint32_t before[PACK_EXACT_MAX]; /* by part: the set of those that it depends on */
	bool *fits;			 /* by set: may it be a wave? */
	uint8_t *waves;			 /* by set that has moved: the fewest waves for the rest */
};

static size_t slot_of(const struct exact *x, uint32_t part)
{
	size_t slot = 0;

	while (slot < x->count && x->parts[slot] != part)
		slot++;
	return slot;
}

static void find_before(struct exact *x, size_t slot)
{
	const struct sequence *q = x->q;
	const struct edge_index *by = &q->graph.by_second;
	uint32_t part = x->parts[slot];

	for (size_t i = q->part_first[part]; i < q->part_first[part + 1]; i++) {
		size_t node = q->part_nodes[i];

		for (size_t e = by->start[node]; e < by->start[node + 1]; e++) {
			uint32_t on = q->part_of[tie_first(graph_edge(&q->graph, by, e))];
			size_t at = on == part ? x->count : slot_of(x, on);

			if (at < x->count)
				x->before[slot] |= 1u << at;
		}
	}
}

/* More never fits where less does not. */
static void find_fits(struct exact *x, struct pack_room *room)
{
	for (uint32_t set = 1; set < 1u << x->count; set++) {
		uint32_t rest = set & (set - 1);

		x->fits[set] = !rest || x->fits[rest];
		pack_room_clear(room);
		for (size_t i = 0; x->fits[set] && i < x->count; i++)
			if (set & 1u << i)
				x->fits[set] = pack_room_add(room, x->parts[i]);
	}
}

static uint32_t ready_after(const struct exact *x, uint32_t moved)
{
	uint32_t ready = 0;

	for (size_t i = 0; i < x->count; i++)
		if (!(moved & 1u << i) && (x->before[i] & moved) == x->before[i])
			ready |= 1u << i;
	return ready;
}

/* Sets that no order reaches get a number too, which nobody asks for. */
static void find_waves(struct exact *x)
{
	uint32_t all = (1u << x->count) - 1;

	x->waves[all] = 0;
	for (uint32_t moved = all; moved-- > 0;) {
		uint32_t ready = ready_after(x, moved);

		x->waves[moved] = UINT8_MAX;
		for (uint32_t set = ready; set; set = (set - 1) & ready)
			if (x->fits[set] && x->waves[moved | set] + 1 < x->waves[moved])
				x->waves[moved] = (uint8_t)(x->waves[moved | set] + 1);
	}
}

/* The first part in which two sets differ decides: the one that has it is better. */
static bool is_better(uint32_t set, uint32_t than)
{
	uint32_t differs = set ^ than;

	return set & differs & -differs;
}

static uint32_t next_wave(const struct exact *x, uint32_t moved)
{
	uint32_t ready = ready_after(x, moved), best = 0;

	for (uint32_t set = ready; set; set = (set - 1) & ready)
		if (x->fits[set] && x->waves[moved | set] + 1 == x->waves[moved] &&
			is_better(set, best))
			best = set;
	ENSURE(best != 0);
	return best;
}

size_t pack_exact(const struct sequence *q, const uint32_t *parts, size_t count,
	struct pack_room *room, struct arena *arena, uint32_t *wave)
{
	struct exact x = {.q = q, .parts = parts, .count = count};
	size_t waves = 0;

	REQUIRE(count <= PACK_EXACT_MAX);
	x.fits = arena_calloc(arena, (size_t)1 << count, sizeof *x.fits);
	x.waves = arena_calloc(arena, (size_t)1 << count, sizeof *x.waves);
	for (size_t i = 0; i < count; i++)
		find_before(&x, i);
	find_fits(&x, room);
	find_waves(&x);
	for (uint32_t moved = 0; moved != (1u << count) - 1; waves++) {
		uint32_t set = next_wave(&x, moved);

		for (size_t i = 0; i < count; i++)
			if (set & 1u << i)
				wave[parts[i]] = (uint32_t)waves;
		moved |= set;
	}
	return waves;
}
