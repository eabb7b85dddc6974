/*
 * env.h - the world outside: clock, random, workers.  Real (src/env) or simulated (tests/sim).
 *
 * The engine is one thread over a completion queue; verbs run in the env's workers and may block
 * until their deadline.  In the simulator a worker is a fiber that the seed schedules.
 */
#ifndef AIRLOCK_PORT_ENV_H
#define AIRLOCK_PORT_ENV_H

#include <stdbool.h>
#include <stdint.h>

struct env;

/* One piece of work.  Owned by whoever submits it; must stay until env_next returned it. */
struct job {
	void (*run)(struct job *job); /* in a worker */
	struct job *next;	      /* the env's */
};

struct env_ops {
	/* Monotonic, goes on during suspend. */
	int64_t (*now_us)(struct env *env);
	uint64_t (*random)(struct env *env);
	/* Never blocks. */
	void (*submit)(struct env *env, struct job *job);
	/* The next finished job, or NULL when until_us passed or env_wake was called.  Engine
	 * thread only. */
	struct job *(*next)(struct env *env, int64_t until_us);
	/* Makes a blocked env_next return.  Async-signal-safe. */
	void (*wake)(struct env *env);
	/* Lets time pass, in a worker. */
	void (*pause)(struct env *env, int64_t us);
	/* A named place where a crash or a pause is worth testing: before or after an effect. */
	void (*point)(struct env *env, const char *when, const char *what);
};

struct env {
	const struct env_ops *ops;
};

static inline int64_t env_now_us(struct env *env)
{
	return env->ops->now_us(env);
}

static inline int64_t env_now_ms(struct env *env)
{
	return env->ops->now_us(env) / 1000;
}

static inline uint64_t env_random(struct env *env)
{
	return env->ops->random(env);
}

static inline void env_submit(struct env *env, struct job *job)
{
	env->ops->submit(env, job);
}

static inline struct job *env_next(struct env *env, int64_t until_us)
{
	return env->ops->next(env, until_us);
}

static inline void env_wake(struct env *env)
{
	env->ops->wake(env);
}

static inline void env_pause(struct env *env, int64_t us)
{
	env->ops->pause(env, us);
}

static inline void env_point(struct env *env, const char *when, const char *what)
{
	env->ops->point(env, when, what);
}

static inline int env_point_after(struct env *env, const char *what, int rc)
{
	env_point(env, "after", what);
	return rc;
}

/* The value of `call`, an int, with a point on each side of it. */
#define ENV_STEP(env, what, call)                                                                  \
	(env_point(env, "before", what), env_point_after(env, what, call))

/* Every name that env_point is called with, NULL at the end.  Defined in port.c. */
extern const char *const env_points[];
/* The same for what is done outside the machine: the steps of sync, abandon and finalize, and the
 * plan's own commands. */
extern const char *const env_setup_points[];

#endif
