#include "plan/sequence.h"

#include "base/check.h"
#include "plan/pack.h"

const char *stage_name(enum stage stage)
{
	static const char *const names[] = {
		[STAGE_SUPPORT] = "supporting services",
		[STAGE_REPLAYABLE] = "read-only and replayable services",
		[STAGE_STORES] = "stores",
		[STAGE_ENTRY] = "entry points",
	};

	REQUIRE(stage < ARRAY_LEN(names));
	return names[stage];
}

/* ---- parts ---- */

static void group_nodes(struct sequence *q, struct arena *arena)
{
	size_t n = q->graph.nodes;

	q->part_first = arena_calloc(arena, q->parts + 1, sizeof *q->part_first);
	q->part_nodes = arena_calloc(arena, n + 1, sizeof *q->part_nodes);
	for (size_t node = 0; node < n; node++)
		q->part_first[q->part_of[node]]++;
	for (size_t p = 0; p < q->parts; p++)
		q->part_first[p + 1] += q->part_first[p];
	for (size_t node = n; node-- > 0;)
		q->part_nodes[--q->part_first[q->part_of[node]]] = (uint32_t)node;
}

static void make_parts(struct sequence *q, struct arena *arena, struct arena *scratch)
{
	q->part_of = arena_calloc(arena, q->graph.nodes + 1, sizeof *q->part_of);
	q->parts = graph_components(&q->graph, EDGE_ALL, scratch, q->part_of);
	group_nodes(q, arena);
}

/* ---- stages, and layers inside them ---- */

static void raise_to(struct sequence *q, uint32_t *layer, size_t part, uint8_t stage, uint32_t at)
{
	if (stage < q->part_stage[part])
		return;
	if (stage > q->part_stage[part]) {
		q->part_stage[part] = stage;
		layer[part] = 0;
	}
	if (at > layer[part])
		layer[part] = at;
}

/* What has this part before it comes at least one layer later, in its stage or a later one. */
static void push_on(struct sequence *q, uint32_t *layer, size_t part)
{
	const struct edge_index *by = &q->graph.by_first;

	for (size_t i = q->part_first[part]; i < q->part_first[part + 1]; i++) {
		size_t node = q->part_nodes[i];

		for (size_t e = by->start[node]; e < by->start[node + 1]; e++) {
			size_t after = q->part_of[tie_second(graph_edge(&q->graph, by, e))];

			if (after != part)
				raise_to(q, layer, after, q->part_stage[part], layer[part] + 1);
		}
	}
}

/* Parts are numbered against the order of movement, so one walk from the back sees each after all
 * that it depends on. */
static void make_stages(struct sequence *q, uint32_t *layer, struct arena *arena)
{
	q->part_stage = arena_calloc(arena, q->parts + 1, sizeof *q->part_stage);
	for (size_t p = q->parts; p-- > 0;) {
		for (size_t i = q->part_first[p]; i < q->part_first[p + 1]; i++)
			raise_to(q, layer, p,
				(uint8_t)tier_rank(node_tier(q->plan, q->part_nodes[i])), 0);
		push_on(q, layer, p);
	}
}

/* ---- waves ---- */

static void number_waves(struct sequence *q, const struct packed *packed, uint32_t *wave)
{
	uint32_t base[STAGE_COUNT];

	for (size_t s = 0; s < STAGE_COUNT; s++) {
		base[s] = (uint32_t)q->count + 1;
		q->count += packed[s].waves;
		q->least += packed[s].least;
	}
	for (size_t p = 0; p < q->parts; p++)
		wave[p] += base[q->part_stage[p]];
}

static void add_member(struct wave *wave, const struct plan *plan, size_t node)
{
	bool is_store = node < plan->stores_count;

	if (is_store && wave->decider == PLAN_NONE)
		wave->decider = node;
	if (node_tier(plan, node) > wave->tier)
		wave->tier = node_tier(plan, node);
	wave->members[wave->members_count++] = node;
}

static void fill_waves(struct sequence *q, struct arena *arena)
{
	size_t *members = arena_calloc(arena, q->graph.nodes + 1, sizeof *members);

	q->waves = arena_calloc(arena, q->count + 1, sizeof *q->waves);
	for (size_t i = 0; i < q->count; i++)
		q->waves[i] = (struct wave){.n = i + 1, .decider = PLAN_NONE};
	for (size_t node = 0; node < q->graph.nodes; node++)
		q->waves[q->wave_of[node] - 1].members_count++;
	for (size_t i = 0; i < q->count; i++) {
		struct wave *wave = &q->waves[i];

		INVARIANT(wave->members_count > 0);
		wave->members = members;
		members += wave->members_count;
		wave->members_count = 0;
	}
	for (size_t node = 0; node < q->graph.nodes; node++) {
		struct wave *wave = &q->waves[q->wave_of[node] - 1];

		wave->stage = (enum stage)q->part_stage[q->part_of[node]];
		add_member(wave, q->plan, node);
	}
}

void sequence_make(const struct plan *plan, struct arena *arena, struct sequence *ret_sequence)
{
	struct sequence q = {.plan = plan};
	struct packed packed[STAGE_COUNT];
	ARENA_AUTO scratch = ARENA_INIT;
	uint32_t *wave; /* by part: first its layer in its stage, then its wave there, then its wave
			 */

	graph_make(plan, arena, &q.graph);
	make_parts(&q, arena, &scratch);
	wave = arena_calloc(&scratch, q.parts + 1, sizeof *wave);
	make_stages(&q, wave, arena);
	pack_stages(&q, wave, &scratch, packed);
	number_waves(&q, packed, wave);
	q.wave_of = arena_calloc(arena, q.graph.nodes + 1, sizeof *q.wave_of);
	for (size_t node = 0; node < q.graph.nodes; node++)
		q.wave_of[node] = wave[q.part_of[node]];
	fill_waves(&q, arena);
	ENSURE(q.least <= q.count);
	*ret_sequence = q;
}
