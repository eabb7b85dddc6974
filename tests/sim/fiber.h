/*
 * fiber.h - cooperative threads for the simulator: whoever runs decides when somebody else may.
 *
 * A pool owns the stacks and keeps them between runs.  Fibers are never freed one by one: a killed
 * controller's memory must stay for what it left on its way.
 */
#ifndef AIRLOCK_TESTS_SIM_FIBER_H
#define AIRLOCK_TESTS_SIM_FIBER_H

#include <stdbool.h>
#include <stddef.h>

struct fiber;
struct fiber_pool;

typedef void fiber_fn(void *arg);

struct fiber_pool *fiber_pool_new(void);
void fiber_pool_free(struct fiber_pool *pool);
/* Forgets all fibers; none may be running. */
void fiber_pool_reset(struct fiber_pool *pool);
/* Ready to run; the pool grows as needed. */
struct fiber *fiber_new(struct fiber_pool *pool, fiber_fn *fn, void *arg);
/* From outside: runs it until it yields.  Returns false when its function has returned. */
bool fiber_run(struct fiber *fiber);
/* From inside. */
void fiber_yield(struct fiber *fiber);

#endif
