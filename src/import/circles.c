#include "import/circles.h"

#include <string.h>

#include "base/check.h"

struct search {
	struct service **stack;
	size_t *seen; /* by node: the number of the search that was here */
	size_t number;
};

static bool is_order(const struct edge *e)
{
	return e->use == EDGE_NEEDS && e->service && !e->start && !e->circle;
}

/* Does `from` need `to` already, by edges that have been taken in? */
static bool reaches(struct search *s, struct service *from, const struct service *to)
{
	size_t depth = 0;

	s->number++;
	s->stack[depth++] = from;
	s->seen[from->node] = s->number;
	while (depth) {
		const struct service *at = s->stack[--depth];

		if (at == to)
			return true;
		for (const struct edge *e = at->edges; e; e = e->next)
			if (is_order(e) && s->seen[e->service->node] != s->number) {
				s->seen[e->service->node] = s->number;
				s->stack[depth++] = e->service;
			}
	}
	return false;
}

static bool is_declared(const struct edge *e)
{
	return strncmp(e->why, "depends_on", 10) == 0 || strcmp(e->why, "links") == 0;
}

static void take_in(struct world *w, struct search *s, bool declared)
{
	for (size_t i = 0; i < w->services_count; i++)
		for (struct edge *e = w->services[i]->edges; e; e = e->next) {
			if (e->use != EDGE_NEEDS || !e->service || e->start ||
				is_declared(e) != declared)
				continue;
			if (reaches(s, e->service, w->services[i])) {
				notes_add(w->notes, NOTE_ASSUMED, e->at,
					"%.80s and %.80s need each other: this one is left out of "
					"the order",
					w->services[i]->part->name, e->service->part->name);
				continue;
			}
			e->circle = false;
		}
}

void circles_break(struct world *w)
{
	struct search s = {
		.stack = arena_calloc(w->arena, w->services_count + 1, sizeof(struct service *)),
		.seen = arena_calloc(w->arena, w->services_count + 1, sizeof(size_t))};

	for (size_t i = 0; i < w->services_count; i++) {
		w->services[i]->node = i;
		for (struct edge *e = w->services[i]->edges; e; e = e->next)
			e->circle = e->use == EDGE_NEEDS && e->service && !e->start;
	}
	take_in(w, &s, true);
	take_in(w, &s, false);
}
