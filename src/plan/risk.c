#include "plan/risk.h"

#include "base/buf.h"
#include "base/check.h"
#include "plan/reason.h"
#include "plan/text.h"

#define NAMES_TOLD_MAX 6

/* What kinds of members a wave has. */
struct make_up {
	size_t stores, by_command, by_route, by_hand;
	size_t reconnecting; /* stores whose clients find the open side by themselves */
	size_t writers;	     /* declared, of all its stores */
	int64_t move_ms;     /* the longest timeout of a `move` */
	const struct plan_loss *loss;
};

bool risk_is_by_hand(const struct plan *plan, size_t node)
{
	const struct plan_service *s = node_service(plan, node);

	return s && !s->move.exec &&
	       (s->route == PLAN_NONE || plan->routes[s->route].kind == ROUTE_NONE);
}

static void add_store(const struct sequence *q, size_t node, struct make_up *m)
{
	const struct plan_store *store = &q->plan->stores[node];
	const struct edge_index *by = &q->graph.by_to;

	m->stores++;
	m->reconnecting += q->plan->routes[store->route].kind == ROUTE_NONE;
	if (store->loss.allowed)
		m->loss = &store->loss;
	for (size_t e = by->start[node]; e < by->start[node + 1]; e++)
		m->writers += graph_edge(&q->graph, by, e)->kind == EDGE_WRITES;
}

static struct make_up look_at(const struct sequence *q, const struct wave *wave)
{
	struct make_up m = {0};

	for (size_t i = 0; i < wave->members_count; i++) {
		size_t node = wave->members[i];
		const struct plan_service *s = node_service(q->plan, node);

		if (!s) {
			add_store(q, node, &m);
		} else if (s->move.exec) {
			m.by_command++;
			if (s->move.timeout_ms > m.move_ms)
				m.move_ms = s->move.timeout_ms;
		} else if (risk_is_by_hand(q->plan, node)) {
			m.by_hand++;
		} else {
			m.by_route++;
		}
	}
	return m;
}

/* "; " before all but the first. */
static struct buf *next(struct buf *out)
{
	if (out->len)
		buf_puts(out, "; ");
	return out;
}

static const char *availability(
	const struct plan *plan, const struct make_up *m, size_t radius, struct arena *arena)
{
	const struct plan_budgets *b = &plan->budgets;
	char one[TEXT_NUMBER_BYTES], two[TEXT_NUMBER_BYTES];
	BUF_AUTO out = BUF_INIT;

	if (m->stores)
		buf_printf(next(&out), "a request waits at most %s, all of them together %s",
			text_time_print(b->stall_ms, one), text_time_print(b->window_ms, two));
	if (m->reconnecting)
		buf_puts(next(&out), "clients reconnect by themselves");
	if (m->by_command)
		buf_printf(next(&out), "%zu switch%s by command, at most %s each", m->by_command,
			m->by_command == 1 ? "es" : "", text_time_print(m->move_ms, one));
	if (m->by_route)
		buf_printf(next(&out), "%zu switch%s by its route, new connections only",
			m->by_route, m->by_route == 1 ? "es" : "");
	if (m->by_hand)
		buf_printf(next(&out), "%zu by hand: how long that takes is not in the plan",
			m->by_hand);
	buf_printf(next(&out), "%zu of %zu feel it when it goes wrong", radius, node_count(plan));
	return arena_strdup(arena, buf_str(&out));
}

static const char *integrity(const struct make_up *m, const struct crossings *crossings,
	size_t wave, struct arena *arena)
{
	BUF_AUTO out = BUF_INIT;
	size_t writing = 0, open = crossings->open[wave - 1];

	for (size_t i = 0; i < crossings->count && crossings->list[i].begin <= wave; i++)
		writing += crossing_is_open(&crossings->list[i], wave) &&
			   crossings->list[i].kinds & EDGE_WRITES;
	if (m->loss)
		buf_printf(next(&out), "loss allowed by %s: %s", m->loss->by, m->loss->allowed);
	else if (m->stores)
		buf_printf(next(&out),
			"no acknowledged write is lost, one door at a time; %zu declared writer%s",
			m->writers, m->writers == 1 ? "" : "s");
	else
		buf_puts(next(&out), "no data moves");
	if (!open)
		buf_puts(next(&out), "nothing crosses after it");
	else
		buf_printf(next(&out), "%zu edge%s cross%s after it, %zu of them write%s", open,
			open == 1 ? "" : "s", open == 1 ? "es" : "", writing,
			writing == 1 ? "s" : "");
	if (crossings->open_accidents[wave - 1])
		buf_printf(next(&out), "%u NOT DECLARED", crossings->open_accidents[wave - 1]);
	return arena_strdup(arena, buf_str(&out));
}

static const char *reversibility(
	const struct plan *plan, const struct make_up *m, struct arena *arena)
{
	char one[TEXT_NUMBER_BYTES];
	BUF_AUTO out = BUF_INIT;

	if (m->stores)
		buf_printf(next(&out),
			"rollback is one more window (%s at most) and loses nothing; the way back "
			"ends at `airlock finalize`",
			text_time_print(plan->budgets.window_ms, one));
	if (m->by_command)
		buf_printf(next(&out), "each command has its undo, at most %s",
			text_time_print(m->move_ms, one));
	if (m->by_route)
		buf_puts(next(&out), "routes switch back");
	if (m->by_hand)
		buf_printf(next(&out), "%zu back by hand", m->by_hand);
	return arena_strdup(arena, buf_str(&out));
}

static void name_by_hand(const struct plan *plan, const struct wave *wave, struct buf *out)
{
	size_t told = 0, left = 0;

	for (size_t i = 0; i < wave->members_count; i++) {
		if (!risk_is_by_hand(plan, wave->members[i]))
			continue;
		if (told < NAMES_TOLD_MAX)
			buf_printf(out, "%s%s", told++ ? ", " : "",
				plan_node_name(plan, wave->members[i]));
		else
			left++;
	}
	if (left)
		buf_printf(out, " and %zu more", left);
}

static bool is_last_store_wave(const struct sequence *q, const struct wave *wave)
{
	for (size_t n = wave->n; n < q->count; n++)
		if (q->waves[n].decider != PLAN_NONE)
			return false;
	return wave->decider != PLAN_NONE;
}

static const char *load(const struct sequence *q, const struct wave *wave, struct risk *r,
	const struct make_up *m, struct arena *arena)
{
	BUF_AUTO out = BUF_INIT;
	BUF_AUTO decisions = BUF_INIT;

	r->human_actions = m->by_hand;
	buf_printf(&out, "%zu human action%s", m->by_hand, m->by_hand == 1 ? "" : "s");
	if (m->by_hand) {
		buf_puts(&out, " (move ");
		name_by_hand(q->plan, wave, &out);
		buf_puts(&out, ")");
		buf_puts(next(&decisions), "that they have moved");
	}
	r->decisions = (m->by_hand > 0) + (wave->n == 1) + is_last_store_wave(q, wave);
	if (wave->n == 1)
		buf_puts(next(&decisions), "approve the plan");
	if (is_last_store_wave(q, wave))
		buf_puts(next(&decisions), "finalize, or go back");
	buf_printf(&out, ", %zu decision%s", r->decisions, r->decisions == 1 ? "" : "s");
	if (decisions.len)
		buf_printf(&out, " (%s)", buf_str(&decisions));
	return arena_strdup(arena, buf_str(&out));
}

static const char *merged(const struct sequence *q, struct impact *im, const struct wave *wave,
	size_t radius, struct arena *arena)
{
	size_t limit = (size_t)q->plan->limits.blast_radius;
	struct impact_merged m;
	BUF_AUTO out = BUF_INIT;

	if (wave->n == q->count)
		return NULL;
	m = impact_merge(im, q, wave->n);
	buf_printf(&out, "one cutover with wave %zu: 1 fewer, but ", wave->n + 1);
	if (m.broken)
		buf_printf(&out, "breaks %zu dependenc%s (%s)", m.broken,
			m.broken == 1 ? "y" : "ies", reason_edge(q->plan, m.first, arena));
	else if (m.stages)
		buf_printf(&out, "%s would not move before %s", stage_name(wave->stage),
			stage_name(q->waves[wave->n].stage));
	else if (limit && m.radius > limit)
		buf_printf(&out, "%zu over limits.blast_radius", m.radius - limit);
	else
		buf_printf(&out, "%zu stores in one cutover, %d are the most", m.stores,
			SEQUENCE_STORES_MAX);
	buf_printf(&out, "; %zu would feel it instead of %zu", m.radius, radius);
	return arena_strdup(arena, buf_str(&out));
}

static const char *split(const struct sequence *q, struct impact *im, const struct wave *wave,
	size_t radius, struct arena *arena)
{
	struct impact_split s = impact_split(im, q, wave);

	if (s.parts < 2)
		return NULL;
	return arena_printf(arena,
		"a cutover for each of its %zu pieces: %zu more; at most %zu would feel each "
		"instead of %zu",
		s.parts, s.parts - 1, s.radius, radius);
}

void risk_make(const struct sequence *q, const struct crossings *crossings, struct impact *im,
	const struct wave *wave, struct arena *arena, struct risk *ret)
{
	struct make_up m = look_at(q, wave);
	struct risk r = {.radius = impact_radius(im, wave)};

	r.availability = availability(q->plan, &m, r.radius, arena);
	r.integrity = integrity(&m, crossings, wave->n, arena);
	r.reversibility = reversibility(q->plan, &m, arena);
	r.load = load(q, wave, &r, &m, arena);
	r.undo_ms = m.stores ? q->plan->budgets.window_ms : 0;
	if (m.move_ms > r.undo_ms)
		r.undo_ms = m.move_ms;
	if (m.by_hand)
		r.undo_ms = -1;
	r.merged = merged(q, im, wave, r.radius, arena);
	r.split = split(q, im, wave, r.radius, arena);
	*ret = r;
}
