#include "sched.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void sched_init(struct sched *s, struct fiber_pool *pool)
{
	memset(s, 0, sizeof *s);
	s->pool = pool;
	s->task = calloc(SCHED_TASKS_MAX, sizeof *s->task);
	s->heap_cap = 2 * SCHED_TASKS_MAX;
	s->heap = calloc(s->heap_cap, sizeof *s->heap);
	INVARIANT(s->task && s->heap);
}

void sched_fini(struct sched *s)
{
	free(s->task);
	free(s->heap);
}

void sched_reset(struct sched *s, uint64_t seed)
{
	fiber_pool_reset(s->pool);
	s->prng.state = seed;
	s->now_us = 0;
	s->order = 0;
	s->hash = UINT64_C(0xcbf29ce484222325);
	s->slices = 0;
	s->current = NULL;
	s->tasks = 0;
	s->heap_len = 0;
}

/* --- the heap -------------------------------------------------------------------------------- */

static bool before(const struct wake_up *a, const struct wake_up *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void swap(struct wake_up *a, struct wake_up *b)
{
	struct wake_up t = *a;

	*a = *b;
	*b = t;
}

static void heap_push(struct sched *s, struct wake_up w)
{
	size_t i = s->heap_len++;

	INVARIANT(i < s->heap_cap);
	s->heap[i] = w;
	while (i > 0 && before(&s->heap[i], &s->heap[(i - 1) / 2])) {
		swap(&s->heap[i], &s->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

static struct wake_up heap_pop(struct sched *s)
{
	struct wake_up top = s->heap[0];
	size_t i = 0;

	s->heap[0] = s->heap[--s->heap_len];
	for (;;) {
		size_t least = i;

		for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
			if (child < s->heap_len && before(&s->heap[child], &s->heap[least]))
				least = child;
		if (least == i)
			return top;
		swap(&s->heap[i], &s->heap[least]);
		i = least;
	}
}

static void wake_at(struct sched *s, struct task *task, int64_t at_us)
{
	heap_push(s, (struct wake_up){at_us, s->order++, ++task->ticket, task});
}

/* --- tasks ----------------------------------------------------------------------------------- */

struct task *sched_spawn(struct sched *s, const char *name, void *owner, fiber_fn *fn, void *arg)
{
	struct task *task = &s->task[s->tasks];

	INVARIANT(s->tasks < SCHED_TASKS_MAX);
	*task = (struct task){.fn = fn,
		.arg = arg,
		.name = name,
		.owner = owner,
		.id = (unsigned)s->tasks,
		.fiber = fiber_new(s->pool, fn, arg)};
	s->tasks++;
	wake_at(s, task, s->now_us);
	return task;
}

void sched_sleep_until(struct sched *s, int64_t at_us)
{
	struct task *task = s->current;

	REQUIRE(task != NULL);
	wake_at(s, task, at_us > s->now_us ? at_us : s->now_us);
	fiber_yield(task->fiber);
}

void sched_sleep(struct sched *s, int64_t us)
{
	sched_sleep_until(s, s->now_us + us);
}

void sched_exit(struct sched *s)
{
	struct task *task = s->current;

	REQUIRE(task != NULL);
	task->over = true;
	task->ticket++;
	fiber_yield(task->fiber);
	abort(); /* nobody wakes it */
}

void sched_wake(struct sched *s, struct task *task)
{
	if (!task->over)
		wake_at(s, task, s->now_us);
}

static void mix(struct sched *s, uint64_t value)
{
	s->hash = (s->hash ^ value) * UINT64_C(0x100000001b3);
}

static void run_slice(struct sched *s, struct task *task)
{
	s->current = task;
	if (!fiber_run(task->fiber))
		task->over = true;
	s->current = NULL;
	s->slices++;
	mix(s, (uint64_t)s->now_us);
	mix(s, task->id);
	mix(s, s->prng.state);
}

void sched_run(struct sched *s)
{
	while (s->heap_len > 0) {
		struct wake_up w = heap_pop(s);
		int64_t later_us;

		if (w.ticket != w.task->ticket || w.task->over)
			continue;
		s->now_us = w.at_us > s->now_us ? w.at_us : s->now_us;
		later_us = s->hooks.delay(s->hooks.arg, w.task);
		if (later_us > s->now_us) {
			wake_at(s, w.task, later_us);
			continue;
		}
		run_slice(s, w.task);
		if (!s->hooks.ran(s->hooks.arg, w.task))
			return;
	}
}
