/* fixture.h - a plan parsed from a text, with its problems, for the tests of src/plan. */
#ifndef AIRLOCK_TESTS_PLAN_FIXTURE_H
#define AIRLOCK_TESTS_PLAN_FIXTURE_H

#include "../testing.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "plan/plan.h"

struct fixture {
	struct problems problems;
	struct plan *plan; /* NULL when it was refused */
	struct err err;
};

#define FIXTURE_AUTO __attribute__((cleanup(fixture_fini))) struct fixture

/* A store that is right, to be put under `stores:`. */
#define ORDERS                                                                                     \
	"  orders: {engine: postgresql, old: \"host=a dbname=shop\", new: \"host=b "               \
	"dbname=shop\",\n"                                                                         \
	"    pattern: replica-promotion, sync: logical, route: direct}\n"
#define HEAD "airlock: 1\nname: shop\nroutes:\n  direct: {kind: none}\nstores:\n" ORDERS

static inline struct fixture fixture_parse(const char *text)
{
	struct fixture f = {.err = ERR_INIT};
	/* On the heap, since the list keeps a pointer to it and this struct is returned by value.
	 */
	struct arena *arena = calloc(1, sizeof *arena);

	assert_non_null(arena);
	problems_init(&f.problems, arena);
	if (plan_parse("plan.yaml", text, strlen(text), &f.plan, &f.problems, &f.err))
		assert_int_equal(f.err.code, ERR_PLAN);
	else
		assert_int_equal(f.problems.errors, 0);
	return f;
}

static inline void fixture_fini(struct fixture *f)
{
	plan_free(f->plan);
	arena_fini(f->problems.arena);
	free(f->problems.arena);
}

/* The first problem with this id, or NULL. */
static inline const struct problem *fixture_find(const struct fixture *f, const char *id)
{
	for (size_t i = 0; i < f->problems.count; i++)
		if (strcmp(f->problems.rows[i].id, id) == 0)
			return &f->problems.rows[i];
	return NULL;
}

/* Exactly one problem, of this id at this place; returns it. */
static inline const struct problem *fixture_only(
	const struct fixture *f, const char *id, int line, int column)
{
	assert_int_equal(f->problems.count, 1);
	assert_string_equal(f->problems.rows[0].id, id);
	assert_int_equal(f->problems.rows[0].line, line);
	assert_int_equal(f->problems.rows[0].column, column);
	return &f->problems.rows[0];
}

/* Of this process, not of the wall: other tests may be running. */
static inline double cpu_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static inline void assert_contains(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("'%s' is not in '%s'", part, text ? text : "(null)");
}

#endif
