/*
 * plan_view.h - what every form of `airlock plan` is made from.
 */
#ifndef AIRLOCK_CLI_PLAN_VIEW_H
#define AIRLOCK_CLI_PLAN_VIEW_H

#include <jansson.h>

#include "cli/out.h"
#include "plan/gravity.h"
#include "plan/overlap.h"
#include "plan/risk.h"
#include "plan/sequence.h"

/* Everything is borrowed and lives as long as the arena. */
struct plan_view {
	const struct plan *plan;
	struct sequence sequence;
	struct crossings crossings;
	size_t rows; /* of all waves' lists of crossings together */
	struct impact impact;
	struct gravity_book book; /* empty when nothing is remembered */
	int64_t now_ms;		  /* Unix time, for ages */
	struct arena *arena;
};

void plan_view_make(struct plan_view *ret, const struct plan *plan, const struct gravity_book *book,
	int64_t now_ms, struct arena *arena);

/*
 * Does a wave's list have this crossing?  Each wave has all that cross after it, unless that would
 * be more than `most` rows in all: then each has what begins with it, and the rest is a number.
 */
bool plan_view_lists(
	const struct plan_view *v, const struct crossing *c, const struct wave *wave, size_t most);

/* "measured 3h ago", "not measured"; in the view's arena. */
const char *plan_view_age(const struct plan_view *v, int64_t measured_at_ms);
/* The parts of a store's gravity in one sentence. */
const char *plan_view_gravity(const struct plan_view *v, size_t store);
/* Who pays for a crossing, and how much. */
const char *plan_view_cost(const struct plan_view *v, const struct crossing *c);
/* A store that is measured to be lighter than one of an earlier wave, which nothing forbids to go
 * first: the `order` line that would turn them; NULL when there is none. */
const char *plan_view_lighter(const struct plan_view *v, size_t store);

#endif
