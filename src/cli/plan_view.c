#include "cli/plan_view.h"

#include <inttypes.h>

#include "base/check.h"
#include "plan/text.h"

void plan_view_make(struct plan_view *ret, const struct plan *plan, const struct gravity_book *book,
	int64_t now_ms, struct arena *arena)
{
	*ret = (struct plan_view){.plan = plan, .book = *book, .now_ms = now_ms, .arena = arena};
	sequence_make(plan, arena, &ret->sequence);
	crossings_find(&ret->sequence, arena, &ret->crossings);
	for (size_t n = 0; n < ret->sequence.count; n++)
		ret->rows += ret->crossings.open[n];
	impact_init(&ret->impact, &ret->sequence, arena);
}

bool plan_view_lists(
	const struct plan_view *v, const struct crossing *c, const struct wave *wave, size_t most)
{
	return v->rows <= most ? crossing_is_open(c, wave->n) : c->begin == wave->n;
}

const char *plan_view_age(const struct plan_view *v, int64_t measured_at_ms)
{
	int64_t s = (v->now_ms - measured_at_ms) / 1000;

	if (measured_at_ms < 0)
		return "not measured";
	if (s < 0)
		return "measured in the future, look at the clocks";
	if (s < 120)
		return arena_printf(v->arena, "measured %" PRId64 " s ago", s);
	if (s < 7200)
		return arena_printf(v->arena, "measured %" PRId64 " min ago", s / 60);
	if (s < 172800)
		return arena_printf(v->arena, "measured %" PRId64 " h ago", s / 3600);
	return arena_printf(v->arena, "measured %" PRId64 " days ago", s / 86400);
}

/* ", size 3.0 (1GB)" or ", size not measured". */
static void add_part(struct buf *out, const char *name, double part, const char *of)
{
	if (part < 0)
		buf_printf(out, ", %s not measured", name);
	else
		buf_printf(out, ", %s %.1f (%s)", name, part, of);
}

static const char *size_of(const struct plan_view *v, int64_t bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	double size = (double)bytes;
	size_t unit = 0;

	for (; size >= 1024 && unit + 1 < ARRAY_LEN(units); unit++)
		size /= 1024;
	return arena_printf(v->arena, "%.3g %s", size, units[unit]);
}

const char *plan_view_gravity(const struct plan_view *v, size_t store)
{
	const struct gravity_store *seen = gravity_seen(&v->book, store);
	size_t declared = gravity_declared_writers(v->plan, store);
	struct gravity g = gravity_of(seen, declared);
	BUF_AUTO out = BUF_INIT;

	if (!seen)
		return arena_printf(v->arena,
			"not measured (airlock measure), %zu writer%s declared", declared,
			declared == 1 ? "" : "s");
	buf_printf(&out, "%s%.1f", g.complete ? "" : "at least ", g.sum);
	add_part(&out, "size", g.size, size_of(v, seen->bytes));
	add_part(&out, "rate", g.rate, arena_printf(v->arena, "%.3g rows/s", seen->rows_written_s));
	add_part(&out, "writers", g.writers,
		seen->writers >= 0 ? arena_printf(v->arena, "%zu declared, %" PRId64 " seen",
					     declared, seen->writers)
				   : arena_printf(v->arena, "%zu declared", declared));
	add_part(&out, "strangers", g.strangers,
		arena_printf(v->arena, "%" PRId64 " of them declared nowhere",
			seen->writers - seen->writers_declared));
	buf_printf(&out, "; %s", plan_view_age(v, seen->measured_at_ms));
	return arena_strdup(v->arena, buf_str(&out));
}

const char *plan_view_cost(const struct plan_view *v, const struct crossing *c)
{
	const struct gravity_edge *seen = gravity_edge_seen(&v->book, c->from, c->to);
	double cost = gravity_edge_cost_ms(seen);
	const char *who = plan_node_name(v->plan, c->from);

	if (cost >= 0)
		return arena_printf(v->arena,
			"%s pays %.3g calls/s x %.3g ms = %.3g ms in each second, %s", who,
			seen->calls_s, seen->round_trip_added_ms, cost,
			plan_view_age(v, seen->measured_at_ms));
	if (seen && seen->calls_s >= 0)
		return arena_printf(v->arena, "%s pays %.3g calls/s x unknown, %s", who,
			seen->calls_s, plan_view_age(v, seen->measured_at_ms));
	if (seen && seen->round_trip_added_ms >= 0)
		return arena_printf(v->arena, "%s pays unknown calls x %.3g ms, %s", who,
			seen->round_trip_added_ms, plan_view_age(v, seen->measured_at_ms));
	return arena_printf(v->arena, "%s pays: unknown, not measured", who);
}

/* Does `a`, directly or through others, have to move before `b`? */
static bool must_precede(const struct plan_view *v, size_t a, size_t b)
{
	const struct sequence *q = &v->sequence;
	ARENA_AUTO scratch = ARENA_INIT;
	bool *seen = arena_calloc(&scratch, q->graph.nodes + 1, sizeof *seen);
	uint32_t *queue = arena_calloc(&scratch, q->graph.nodes + 1, sizeof *queue);
	size_t count = 1;

	queue[0] = (uint32_t)a;
	for (size_t done = 0; done < count; done++) {
		uint32_t node = queue[done];
		const struct edge_index *by = &q->graph.by_first;

		for (size_t e = by->start[node]; e < by->start[node + 1]; e++) {
			uint32_t next = tie_second(graph_edge(&q->graph, by, e));

			if (next == b)
				return true;
			if (!seen[next])
				queue[count++] = next;
			seen[next] = true;
		}
	}
	return false;
}

static bool is_measured(const struct plan_view *v, size_t store, double *ret_sum)
{
	struct gravity g =
		gravity_of(gravity_seen(&v->book, store), gravity_declared_writers(v->plan, store));

	*ret_sum = g.sum;
	return g.complete;
}

const char *plan_view_lighter(const struct plan_view *v, size_t store)
{
	const uint32_t *wave_of = v->sequence.wave_of;
	double own, other;

	if (!is_measured(v, store, &own))
		return NULL;
	for (size_t i = 0; i < v->plan->stores_count; i++) {
		if (wave_of[i] >= wave_of[store] || !is_measured(v, i, &other) || other <= own ||
			must_precede(v, i, store))
			continue;
		return arena_printf(v->arena,
			"measured to be lighter (%.1f) than %s (%.1f), which moves in wave %u; to "
			"let it go first add under order:  - {first: %s, then: %s, because: \"it "
			"is lighter\"}",
			own, v->plan->stores[i].name, other, wave_of[i],
			v->plan->stores[store].name, v->plan->stores[i].name);
	}
	return NULL;
}
