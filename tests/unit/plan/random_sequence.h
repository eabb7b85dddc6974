/* random_sequence.h - the orders of random plans, one after the other. */
#ifndef AIRLOCK_TESTS_PLAN_RANDOM_SEQUENCE_H
#define AIRLOCK_TESTS_PLAN_RANDOM_SEQUENCE_H

#include "fixture.h"

#include "plan/sequence.h"
#include "random_plan.h"

/* Calls check for the sequence of each seed from 1; *seen counts what it looked at. */
static inline void each_random_sequence(uint64_t seeds,
	void (*check)(const struct sequence *q, struct arena *arena, size_t *seen), size_t *seen)
{
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		BUF_AUTO text = BUF_INIT;
		ARENA_AUTO arena = ARENA_INIT;
		struct sequence q;

		random_plan(seed, &text);
		FIXTURE_AUTO f = fixture_parse(buf_str(&text));
		assert_non_null(f.plan);
		sequence_make(f.plan, &arena, &q);
		check(&q, &arena, seen);
	}
}

#endif
