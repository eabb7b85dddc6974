#include "discover/finding.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/grow.h"
#include "discover/writers.h"

static const struct {
	const char *id;
	bool counts;
	const char *title, *explanation;
} kinds[] = {
#define FOUND(ID, id, counts, title, explanation) {id, counts, title, explanation},
#include "discover/kinds.def"
#undef FOUND
};

const char *finding_id(enum finding_kind kind)
{
	REQUIRE((size_t)kind < FOUND_KINDS);
	return kinds[kind].id;
}

const char *finding_title(enum finding_kind kind)
{
	REQUIRE((size_t)kind < FOUND_KINDS);
	return kinds[kind].title;
}

const char *finding_explain(enum finding_kind kind)
{
	REQUIRE((size_t)kind < FOUND_KINDS);
	return kinds[kind].explanation;
}

const char *finding_how_name(enum finding_how how)
{
	static const char *const names[] = {[HOW_SEEN] = "seen",
		[HOW_CONFIGURED] = "configured",
		[HOW_MENTIONED] = "mentioned",
		[HOW_UNOBSERVABLE] = "not-observable"};

	REQUIRE((size_t)how < ARRAY_LEN(names));
	return names[how];
}

void field_print(char *field, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(field, size, fmt, args);
	va_end(args);
}

/* ---- rows ------------------------------------------------------------------------------------ */

void findings_fini(struct findings *f)
{
	free(f->rows);
	*f = (struct findings){0};
}

static bool same(const struct finding *a, const struct finding *b)
{
	return a->kind == b->kind && a->side == b->side && strcmp(a->store, b->store) == 0 &&
	       strcmp(a->place, b->place) == 0 && strcmp(a->target, b->target) == 0;
}

static struct finding *grown(struct findings *f)
{
	f->rows = grow(f->rows, f->count, &f->room, sizeof *f->rows);
	return &f->rows[f->count++];
}

struct finding *findings_add(struct findings *f, const struct finding *found)
{
	int64_t now_s = (int64_t)time(NULL), first_s = now_s;
	struct finding *row = NULL;
	bool fresh = true;

	for (size_t i = 0; row == NULL && i < f->count; i++)
		if (same(&f->rows[i], found))
			row = &f->rows[i];
	if (row != NULL) {
		first_s = row->first_s;
		fresh = row->fresh;
	} else {
		row = grown(f);
	}
	*row = *found;
	row->first_s = first_s;
	row->last_s = now_s;
	row->here = true;
	row->fresh = fresh;
	return row;
}

/* ---- what the plan says of it ---------------------------------------------------------------- */

static bool names_store(
	const struct plan *plan, const size_t *stores, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(plan->stores[stores[i]].name, name) == 0)
			return true;
	return false;
}

static bool uses_store(const struct plan *plan, const struct plan_service *s, const char *name)
{
	return names_store(plan, s->writes, s->writes_count, name) ||
	       names_store(plan, s->reads, s->reads_count, name);
}

/* What is not known of the finding does not speak against it, but something has to speak for it. */
static bool fits(const char *pattern, const char *text, int *ret_for)
{
	if (pattern == NULL || *text == '\0')
		return true;
	*ret_for += 1;
	return fnmatch(pattern, text, 0) == 0;
}

static bool is_matched(const struct plan_service *service, const struct finding *f)
{
	for (size_t i = 0; i < service->matches_count; i++) {
		const struct plan_match *m = &service->matches[i];
		int speak_for = 0;

		if (fits(m->user, f->user, &speak_for) &&
			fits(m->application_name, f->application, &speak_for) &&
			fits(m->address, f->address, &speak_for) && speak_for > 0)
			return true;
	}
	return false;
}

static bool stands_for(
	const struct plan *plan, const struct plan_service *s, const struct finding *f)
{
	char name[SERVICE_NAME_BYTES];

	writer_plain_name(f->name, name);
	if (f->name[0] && (strcmp(s->name, f->name) == 0 || strcmp(s->name, name) == 0))
		return true;
	if (f->store[0] == '\0' || !uses_store(plan, s, f->store))
		return false;
	if (f->schedule[0] && s->schedule != NULL && strcmp(s->schedule, f->schedule) == 0)
		return true;
	return is_matched(s, f);
}

static const char *standing_for(const struct plan *plan, const struct finding *f)
{
	for (size_t i = 0; i < plan->services_count; i++)
		if (stands_for(plan, &plan->services[i], f))
			return plan->services[i].name;
	for (size_t i = 0; f->file[0] && i < plan->routes_count; i++) {
		const struct plan_route *r = &plan->routes[i];
		const char *file = plan_setting_get(r->settings, r->settings_count, "file");

		if (file != NULL && strcmp(file, f->file) == 0)
			return r->name;
	}
	return "";
}

void findings_declare(struct findings *f, const struct plan *plan)
{
	for (size_t i = 0; i < f->count; i++)
		FIELD(f->rows[i].declared_as, "%s", standing_for(plan, &f->rows[i]));
}

bool finding_is_undeclared(const struct finding *f)
{
	return f->here && kinds[f->kind].counts && f->how <= HOW_CONFIGURED &&
	       f->store[0] != '\0' && f->declared_as[0] == '\0';
}
