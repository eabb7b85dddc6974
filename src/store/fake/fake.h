/*
 * fake.h - a store over a fake world: one handle per controller, any number of them.
 *
 * Every statement of a call travels to its side and back through `travel`; that is where a
 * simulator delays, loses, crashes and lets others go first.  Without one a journey takes a
 * millisecond and never fails.
 *
 * Nothing that lives across a journey is on the heap: a controller may be dropped inside a call.
 */
#ifndef AIRLOCK_STORE_FAKE_FAKE_H
#define AIRLOCK_STORE_FAKE_FAKE_H

#include "port/store.h"
#include "store/fake/world.h"

enum fake_leg { FAKE_THERE, FAKE_BACK };

struct fake_store {
	struct store store; /* first */
	struct fake_world *world;
	/* Fails by setting *err.  What failed THERE did not happen; BACK, it did. */
	int (*travel)(struct fake_store *store, enum side side, enum fake_leg leg, struct err *err);
	void *travel_arg;
};

/* The caller owns the memory; store_free does nothing to it. */
void fake_store_init(struct fake_store *store, struct fake_world *world, struct env *env);

extern const struct arbiter_ops fake_arbiter_ops;

/* For arbiter.c and store.c: one statement, there, done at once, and back. */
typedef int fake_effect(struct fake_world *w, enum side side, void *arg, struct err *err);
int fake_statement(struct fake_store *store, enum side side, int64_t deadline_ms,
	fake_effect *effect, void *arg, struct err *err) MUST_CHECK;
static inline struct fake_store *fake_of(struct store *store)
{
	return (struct fake_store *)store;
}

#endif
