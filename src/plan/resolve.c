#include "plan/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "plan/text.h"

/* Named elements begin with their name (schema.h). */
static int compare_name(const void *name, const void *element)
{
	return strcmp(name, *(const char *const *)element);
}

static size_t find(const char *name, const void *array, size_t count, size_t size)
{
	const char *hit = count ? bsearch(name, array, count, size, compare_name) : NULL;

	return hit ? (size_t)(hit - (const char *)array) / size : PLAN_NONE;
}

static size_t find_store(const struct plan *p, const char *name)
{
	return find(name, p->stores, p->stores_count, sizeof *p->stores);
}

static size_t find_service(const struct plan *p, const char *name)
{
	return find(name, p->services, p->services_count, sizeof *p->services);
}

static size_t find_route(const struct plan *p, const char *name)
{
	return find(name, p->routes, p->routes_count, sizeof *p->routes);
}

static size_t find_node(const struct plan *p, const char *name)
{
	size_t at = find_store(p, name);

	if (at != PLAN_NONE)
		return at;
	at = find_service(p, name);
	return at == PLAN_NONE ? PLAN_NONE : p->stores_count + at;
}

static size_t find_target(const struct plan *p, const struct ref *ref)
{
	switch (ref->to) {
	case REF_STORE:
		return find_store(p, ref->name);
	case REF_ROUTE:
		return find_route(p, ref->name);
	case REF_NODE:
		break;
	}
	return find_node(p, ref->name);
}

static void try_names(struct text_nearest *near, const void *array, size_t count, size_t size)
{
	for (size_t i = 0; i < count; i++)
		text_nearest_try(near, *(const char *const *)((const char *)array + i * size));
}

static const char *guess(struct checker *ck, const struct ref *ref)
{
	const struct plan *p = ck->plan;
	struct text_nearest near = TEXT_NEAREST(ref->name);

	if (problems_full(ck->ps))
		return "";
	if (ref->to == REF_ROUTE)
		try_names(&near, p->routes, p->routes_count, sizeof *p->routes);
	else
		try_names(&near, p->stores, p->stores_count, sizeof *p->stores);
	if (ref->to == REF_NODE)
		try_names(&near, p->services, p->services_count, sizeof *p->services);
	return checker_guess(ck, &near);
}

static void unresolved(struct checker *ck, const struct ref *ref)
{
	static const char *const kinds[] = {
		[REF_STORE] = "store",
		[REF_NODE] = "store or service",
		[REF_ROUTE] = "route",
	};
	const char *name = ref->name;
	const char *is = NULL;
	const char *shown = checker_name(ck, name);

	if (find_service(ck->plan, name) != PLAN_NONE)
		is = "a service";
	else if (find_store(ck->plan, name) != PLAN_NONE)
		is = "a store";
	else if (find_route(ck->plan, name) != PLAN_NONE)
		is = "a route";
	if (is)
		checker_error_at(ck, ref->path, "P-REFERENCE", ref->at, NULL,
			"%s is %s; a %s must stand here", shown, is, kinds[ref->to]);
	else
		checker_error_at(ck, ref->path, "P-UNRESOLVED", ref->at,
			ref->to == REF_ROUTE && text_is_name(name)
				? arena_printf(
					  ck->scratch, "add under routes:  %s: {kind: none}", name)
				: NULL,
			"there is no %s %s%s", kinds[ref->to], shown, guess(ck, ref));
}

static bool is_list(enum ref_role role)
{
	return role == ROLE_READS || role == ROLE_WRITES || role == ROLE_NEEDS ||
	       role == ROLE_AFTER || role == ROLE_MEMBER || role == ROLE_FROM || role == ROLE_TO;
}

static int compare_refs(const void *a, const void *b)
{
	const struct ref *one = a, *two = b;

	if (one->owner != two->owner)
		return (uintptr_t)one->owner < (uintptr_t)two->owner ? -1 : 1;
	if (one->role != two->role)
		return one->role < two->role ? -1 : 1;
	if (*one->dest != *two->dest)
		return *one->dest < *two->dest ? -1 : 1;
	return one->at.start < two->at.start ? -1 : one->at.start > two->at.start;
}

static void report_repeats(struct checker *ck)
{
	if (ck->refs_count)
		qsort(ck->refs, ck->refs_count, sizeof *ck->refs, compare_refs);
	for (size_t i = 1; i < ck->refs_count; i++) {
		const struct ref *a = &ck->refs[i - 1], *b = &ck->refs[i];

		if (a->owner == b->owner && a->role == b->role && is_list(a->role) &&
			*a->dest == *b->dest && *a->dest != PLAN_NONE)
			checker_error_at(ck, b->path, "P-LIST", b->at, "remove one of the two",
				"%s is listed twice", checker_name(ck, b->name));
	}
}

static int compare_indices(const void *a, const void *b)
{
	size_t one = *(const size_t *)a, two = *(const size_t *)b;

	return one < two ? -1 : one > two;
}

static void sort(size_t *indices, size_t count)
{
	if (count)
		qsort(indices, count, sizeof *indices, compare_indices);
}

/* Only now: until here a reference knew its place in the list. */
static void sort_lists(struct plan *p)
{
	for (size_t i = 0; i < p->stores_count; i++)
		sort(p->stores[i].needs, p->stores[i].needs_count);
	for (size_t i = 0; i < p->services_count; i++) {
		struct plan_service *s = &p->services[i];

		sort(s->reads, s->reads_count);
		sort(s->writes, s->writes_count);
		sort(s->needs, s->needs_count);
		sort(s->after, s->after_count);
	}
	for (size_t i = 0; i < p->togethers_count; i++)
		sort(p->togethers[i].members, p->togethers[i].members_count);
	for (size_t i = 0; i < p->overlaps_count; i++) {
		sort(p->overlaps[i].froms, p->overlaps[i].froms_count);
		sort(p->overlaps[i].tos, p->overlaps[i].tos_count);
	}
}

/* ---- entries of `overlap` with lists become pairs ---- */

/* False when there are more than anybody could write out. */
static bool count_pairs(const struct plan *p, size_t *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < p->overlaps_count; i++) {
		const struct plan_overlap *o = &p->overlaps[i];

		if (o->froms_count && o->tos_count > (PLAN_PAIRS_MAX - count) / o->froms_count)
			return false;
		count += o->froms_count * o->tos_count;
	}
	*ret = count;
	return true;
}

static struct plan_overlap *add_pairs(struct plan_overlap *next, struct plan_overlap entry)
{
	for (size_t f = 0; f < entry.froms_count; f++)
		for (size_t t = 0; t < entry.tos_count; t++) {
			entry.from = entry.froms[f];
			entry.to = entry.tos[t];
			*next++ = entry;
		}
	return next;
}

static void spread_overlaps(struct checker *ck)
{
	struct plan *p = ck->plan;
	struct plan_overlap *pairs, *next;
	size_t count = 0;

	if (!count_pairs(p, &count))
		checker_error_at(ck, "overlap", "P-TOO-LARGE", (struct span){0, 0}, NULL,
			"more than %d pairs, its lists written out", PLAN_PAIRS_MAX);
	pairs = next = arena_calloc(&p->arena, count + 1, sizeof *pairs);
	for (size_t i = 0; count && i < p->overlaps_count; i++) {
		p->overlaps[i].entry = i;
		next = add_pairs(next, p->overlaps[i]);
	}
	ENSURE((size_t)(next - pairs) == count);
	p->overlaps = pairs;
	p->overlaps_count = count;
}

void resolve_refs(struct checker *ck)
{
	for (size_t i = 0; i < ck->refs_count; i++) {
		struct ref *ref = &ck->refs[i];

		*ref->dest = find_target(ck->plan, ref);
		if (*ref->dest == PLAN_NONE)
			unresolved(ck, ref);
	}
	report_repeats(ck);
	for (size_t i = 0; i < ck->refs_count; i++)
		ck->refs[i].target = *ck->refs[i].dest;
	sort_lists(ck->plan);
	spread_overlaps(ck);
}
