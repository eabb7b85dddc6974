#include "plan/refusal.h"

#include <inttypes.h>

#include "base/check.h"
#include "plan/impact.h"
#include "plan/reason.h"

struct finding {
	const struct sequence *q;
	const struct plan *plan;
	struct arena *arena;
	refusal_fn *fn;
	void *arg;
};

static const char *name(const struct finding *f, size_t node)
{
	return plan_node_name(f->plan, node);
}

static void tell(const struct finding *f, const struct refusal *refusal)
{
	f->fn(f->arg, refusal);
}

/* ---- crossings ---- */

static void find_crossings(const struct finding *f)
{
	struct crossings all;

	crossings_find(f->q, f->arena, &all);
	for (size_t i = 0; i < all.count; i++) {
		const struct crossing *c = &all.list[i];

		if (!crossing_is_accident(c))
			continue;
		tell(f, &(struct refusal){.id = "P-CROSSING",
				.edge = &f->q->graph.edges[c->edge],
				.node = c->from,
				.message = arena_printf(f->arena,
					"%s %s %s across the environments from the end of wave %u "
					"to the end of wave %u, and nobody declares it",
					name(f, c->from), crossing_verbs(c), name(f, c->to),
					c->begin, c->end),
				.help = arena_printf(f->arena,
					"add under overlap:  - {from: %s, to: %s, because: "
					"\"...\", "
					"at_most: 30m}",
					name(f, c->from), name(f, c->to))});
	}
}

/* ---- early readers ---- */

static void tell_late(const struct finding *f, size_t node, size_t store)
{
	const char *when = f->q->wave_of[node] == f->q->wave_of[store] ? "in one wave with"
								       : "after";

	tell(f, &(struct refusal){.id = "P-EARLY",
			.node = node,
			.key = "early_reader",
			.message = arena_printf(f->arena,
				"%s moves %s %s (wave %u), so there is no promotion before which it "
				"could read new: %s",
				name(f, node), when, name(f, store), f->q->wave_of[node],
				reason_why(f->q, node, f->arena)),
			.help = "remove early_reader, or the `needs`, `order` or `together` that "
				"keeps it there"});
}

static void find_late_readers(const struct finding *f)
{
	for (size_t i = 0; i < f->plan->services_count; i++) {
		const struct plan_service *s = &f->plan->services[i];
		size_t node = f->plan->stores_count + i;

		for (size_t r = 0; s->early_reader && r < s->reads_count; r++)
			if (f->q->wave_of[node] >= f->q->wave_of[s->reads[r]]) {
				tell_late(f, node, s->reads[r]);
				break;
			}
	}
}

/* ---- jobs ---- */

/* The last wave of those stores that a service writes, and one of them; 0 when it writes none. */
static size_t last_written(const struct finding *f, const struct plan_service *s, size_t *ret_store)
{
	size_t last = 0;

	for (size_t i = 0; i < s->writes_count; i++) {
		size_t wave = f->q->wave_of[s->writes[i]];

		if (wave > last) {
			last = wave;
			*ret_store = s->writes[i];
		}
	}
	return last;
}

static void tell_twice(const struct finding *f, size_t node, const char *key, const char *message,
	const char *help)
{
	tell(f, &(struct refusal){.id = "P-JOB-TWICE",
			.node = node,
			.key = key,
			.message = message,
			.help = help});
}

/* Who decides where it runs: nobody, or two commands one after the other. */
static void find_twice(const struct finding *f, const struct plan_service *s, size_t node)
{
	size_t store = PLAN_NONE, wave = f->q->wave_of[node], last = last_written(f, s, &store);

	if (s->schedule && !s->move.exec && !s->stop.exec)
		tell_twice(f, node, "schedule",
			arena_printf(f->arena,
				"%s starts by itself, and nothing in the plan stops it on old: "
				"once new "
				"has its schedule it runs on both sides",
				name(f, node)),
			"write move: or during: stop, with stop: {exec, observe, undo, timeout}");
	if (s->during == DURING_STOP && s->move.exec && wave < last)
		tell_twice(f, node, "during",
			arena_printf(f->arena,
				"%s moves to new in wave %zu, and for %s in wave %zu other "
				"commands "
				"stop it and start it again: it could run on both sides from then "
				"on",
				name(f, node), wave, name(f, store), last),
			arena_printf(f->arena,
				"add under order:  - {first: %s, then: %s, because: \"it is "
				"stopped "
				"for the cutover and moves afterwards\"}",
				name(f, store), name(f, node)));
}

static bool is_entry(const struct finding *f, size_t node)
{
	return node_tier(f->plan, node) == TIER_ENTRY;
}

static void tell_nowhere(const struct finding *f, size_t node, const char *message)
{
	tell(f, &(struct refusal){.id = "P-JOB-NOWHERE",
			.node = node,
			.key = "during",
			.message = message,
			.help = arena_printf(f->arena,
				"write for %s:  during: hold, which ends with its store's cutover",
				name(f, node))});
}

/* Held back from its store's cutover until the entry points are confirmed. */
static void find_nowhere(const struct finding *f, const struct plan_service *s, size_t node)
{
	const struct edge_index *by = &f->q->graph.by_to;
	size_t store = PLAN_NONE, last = last_written(f, s, &store), entry = 0;

	if (s->during != DURING_HOLDBACK || last == 0)
		return;
	for (size_t n = f->plan->stores_count; n < f->q->graph.nodes; n++)
		if (is_entry(f, n) && f->q->wave_of[n] > entry)
			entry = f->q->wave_of[n];
	if (entry < last)
		tell_nowhere(f, node,
			arena_printf(f->arena,
				"%s is held back until the entry points are confirmed, and none "
				"moves with or after %s in wave %zu: it would run on neither side",
				name(f, node), name(f, store), last));
	for (size_t e = by->start[node]; e < by->start[node + 1]; e++) {
		const struct tie *edge = graph_edge(&f->q->graph, by, e);

		if (edge->kind == EDGE_NEEDS && is_entry(f, edge->from))
			tell_nowhere(f, node,
				arena_printf(f->arena,
					"%s is held back until %s is confirmed, which needs it: "
					"meanwhile it would run on neither side",
					name(f, node), name(f, edge->from)));
	}
}

static void find_jobs(const struct finding *f)
{
	for (size_t i = 0; i < f->plan->services_count; i++) {
		const struct plan_service *s = &f->plan->services[i];

		find_twice(f, s, f->plan->stores_count + i);
		find_nowhere(f, s, f->plan->stores_count + i);
	}
}

/* ---- entry points ---- */

/* `needs` and `after` lead to a later wave; only a circle can put both in one. */
static void find_broken_orders(const struct finding *f)
{
	const struct graph *g = &f->q->graph;
	size_t told_of =
		PLAN_NONE; /* the piece whose circle `why` tells: it may have many orders */
	const char *why = "";

	for (size_t i = 0; i < g->count; i++) {
		const struct tie *edge = &g->edges[i];

		if (!(edge->kind & EDGE_ORDERS) || !is_entry(f, edge->from) ||
			!is_entry(f, edge->to) ||
			f->q->part_of[edge->from] != f->q->part_of[edge->to])
			continue;
		if (told_of != f->q->part_of[edge->from])
			why = reason_why(f->q, edge->from, f->arena);
		told_of = f->q->part_of[edge->from];
		tell(f, &(struct refusal){.id = "P-ENDPOINTS",
				.edge = edge,
				.node = edge->from,
				.message = arena_printf(f->arena,
					"%s %s %s, but both can only move in wave %u: %s",
					name(f, edge->from), tie_verb((enum tie_kind)edge->kind),
					name(f, edge->to), f->q->wave_of[edge->from], why),
				.help = "remove this order, or what closes the circle"});
	}
}

static bool switches(const struct plan *plan, const struct plan_service *s)
{
	return s->route != PLAN_NONE && plan->routes[s->route].kind != ROUTE_NONE;
}

/* A route switches once; whoever shares it switches with the first of them. */
static void find_shared_routes(const struct finding *f)
{
	size_t *first = arena_calloc(f->arena, f->plan->routes_count + 1, sizeof *first);

	for (size_t i = 0; i < f->plan->services_count; i++) {
		const struct plan_service *s = &f->plan->services[i];
		size_t node = f->plan->stores_count + i, other;

		if (!switches(f->plan, s))
			continue;
		if (!first[s->route]) {
			first[s->route] = node + 1;
			continue;
		}
		other = first[s->route] - 1;
		if (f->q->wave_of[other] == f->q->wave_of[node])
			continue;
		tell(f, &(struct refusal){.id = "P-ENDPOINTS",
				.node = node,
				.key = "route",
				.message = arena_printf(f->arena,
					"%s moves in wave %u and %s in wave %u, but they share the "
					"route %s, which switches once",
					name(f, other), f->q->wave_of[other], name(f, node),
					f->q->wave_of[node], f->plan->routes[s->route].name),
				.help = arena_printf(f->arena,
					"add under together:  - {members: [%s, %s], because: \"one "
					"route for both\"}, or give each a route",
					name(f, other), name(f, node))});
	}
}

/* What serves requests and keeps all its state in the stores it names may be switched at the door;
 * supporting services and what works in the background are not known to be like that. */
static void find_ingress(const struct finding *f)
{
	for (size_t i = 0; i < f->plan->services_count; i++) {
		const struct plan_service *s = &f->plan->services[i];
		enum plan_route_kind kind;

		if (!switches(f->plan, s) || s->tier == TIER_ENTRY || s->tier == TIER_READ_ONLY)
			continue;
		kind = f->plan->routes[s->route].kind;
		if (kind != ROUTE_HAPROXY && kind != ROUTE_DNS)
			continue;
		tell(f, &(struct refusal){.id = "P-INGRESS",
				.node = f->plan->stores_count + i,
				.key = "route",
				.message = arena_printf(f->arena,
					"%s is %s: an ingress switch (%s) would leave its state "
					"and "
					"its work in progress behind",
					s->name, plan_tier_name(s->tier),
					plan_route_kind_name(kind)),
				.help = "write tier: entry, if it keeps nothing outside the "
					"stores it names; else move: {exec, observe, undo, "
					"timeout}"});
	}
}

/* ---- limits ---- */

static void tell_blast(const struct finding *f, const struct wave *wave, size_t radius)
{
	tell(f, &(struct refusal){.id = "P-BLAST",
			.node = PLAN_NONE,
			.message = arena_printf(f->arena,
				"wave %zu (%s%s): %zu stores and services feel it when it goes "
				"wrong, %" PRId64 " is the limit, and it can not be divided",
				wave->n, name(f, wave->members[0]),
				wave->members_count > 1 ? " and what moves with it" : "", radius,
				f->plan->limits.blast_radius),
			.help = arena_printf(f->arena,
				"write limits: {blast_radius: %zu}, or loosen what ties them",
				radius)});
}

static void find_too_large(const struct finding *f)
{
	struct impact im;

	if (!f->plan->limits.blast_radius)
		return;
	impact_init(&im, f->q, f->arena);
	for (size_t n = 0; n < f->q->count; n++) {
		size_t radius = impact_radius(&im, &f->q->waves[n]);

		if (radius > (size_t)f->plan->limits.blast_radius)
			tell_blast(f, &f->q->waves[n], radius);
	}
}

static void find_too_many_stores(const struct finding *f)
{
	for (size_t n = 0; n < f->q->count; n++) {
		const struct wave *wave = &f->q->waves[n];
		size_t stores = wave_stores(f->q, wave);

		if (stores <= SEQUENCE_STORES_MAX)
			continue;
		tell(f, &(struct refusal){.id = "P-WAVE-STORES",
				.node = wave->members[0],
				.message = arena_printf(f->arena,
					"%zu stores can only move in one cutover, %d are the most: "
					"%s",
					stores, SEQUENCE_STORES_MAX,
					reason_why(f->q, wave->members[0], f->arena)),
				.help = "remove what ties them together"});
	}
}

void refusals_find(const struct sequence *q, struct arena *arena, refusal_fn *fn, void *arg)
{
	const struct finding f = {.q = q, .plan = q->plan, .arena = arena, .fn = fn, .arg = arg};

	REQUIRE(fn != NULL);
	find_crossings(&f);
	find_late_readers(&f);
	find_jobs(&f);
	find_broken_orders(&f);
	find_shared_routes(&f);
	find_ingress(&f);
	find_too_large(&f);
	find_too_many_stores(&f);
}
