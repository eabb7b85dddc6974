/*
 * sched.h - virtual time.  Tasks are fibers that sleep until an instant; the one whose instant is
 * next runs, alone, until it sleeps again.  Same seed, same order.
 */
#ifndef AIRLOCK_TESTS_SIM_SCHED_H
#define AIRLOCK_TESTS_SIM_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/prng.h"
#include "fiber.h"

struct sched;

struct task {
	struct fiber *fiber;
	fiber_fn *fn;
	void *arg;
	const char *name;
	void *owner;	 /* what can stop or delay it as a whole; NULL = nobody */
	bool in_network; /* on its way to a side: goes on though its owner stops */
	uint64_t ticket; /* of the newest wake-up; older ones are void */
	unsigned id;
	bool over;
};

struct sched_hooks {
	void *arg;
	/* May delay a task that is about to run: returns the instant, or 0 for now. */
	int64_t (*delay)(void *arg, struct task *task);
	/* After each slice; false stops the run. */
	bool (*ran)(void *arg, struct task *task);
};

struct wake_up {
	int64_t at_us;
	uint64_t order, ticket;
	struct task *task;
};

#define SCHED_TASKS_MAX 16384

struct sched {
	struct prng prng;
	int64_t now_us;
	uint64_t order;
	uint64_t hash; /* of everything that ran, when, and the dice it found */
	long slices;
	struct fiber_pool *pool; /* borrowed */
	struct sched_hooks hooks;
	struct task *current;
	struct task *task; /* SCHED_TASKS_MAX */
	size_t tasks;
	struct wake_up *heap;
	size_t heap_len, heap_cap;
};

void sched_init(struct sched *s, struct fiber_pool *pool);
void sched_fini(struct sched *s);
/* Everything anew, with this seed. */
void sched_reset(struct sched *s, uint64_t seed);
struct task *sched_spawn(struct sched *s, const char *name, void *owner, fiber_fn *fn, void *arg);
/* Until nothing is left to run, or a hook stops it. */
void sched_run(struct sched *s);

/* From inside a task. */
void sched_sleep(struct sched *s, int64_t us);
void sched_sleep_until(struct sched *s, int64_t at_us);
_Noreturn void sched_exit(struct sched *s);
/* Makes a sleeping task run now. */
void sched_wake(struct sched *s, struct task *task);

static inline uint64_t sched_dice(struct sched *s, uint64_t below)
{
	return prng_below(&s->prng, below);
}

static inline bool sched_chance(struct sched *s, unsigned per_mille)
{
	return prng_below(&s->prng, 1000) < per_mille;
}

#endif
