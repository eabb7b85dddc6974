#include "fiber.h"

#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif
#ifdef FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#ifdef FIBER_ASAN
/* A second, fake stack for each fiber would cost more than everything else together. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_stack_use_after_return=0";
}
#endif

#define STACK_BYTES (256u << 10)
#define GUARD_BYTES 4096u

struct fiber {
	ucontext_t inside, outside;
	jmp_buf inside_jump, outside_jump;
	bool begun;
	fiber_fn *fn;
	void *arg;
	bool done;
	struct fiber_pool *pool;
	struct fiber *next_idle;
	char *stack; /* the lowest usable byte */
#ifdef FIBER_ASAN
	void *fake_inside, *fake_outside;
	const void *outside_bottom;
	size_t outside_size;
#endif
};

struct fiber_pool {
	struct fiber **fiber;
	size_t used, made, cap;
	struct fiber *idle; /* their function has returned */
};

/* Each switch tells the sanitizer which stack is left and which is entered. */
static void switch_begins(struct fiber *f, bool into, bool last)
{
#ifdef FIBER_ASAN
	if (into)
		__sanitizer_start_switch_fiber(&f->fake_outside, f->stack, STACK_BYTES);
	else
		__sanitizer_start_switch_fiber(
			last ? NULL : &f->fake_inside, f->outside_bottom, f->outside_size);
#else
	(void)f;
	(void)into;
	(void)last;
#endif
}

static void switch_ended(struct fiber *f, bool into)
{
#ifdef FIBER_ASAN
	if (into)
		__sanitizer_finish_switch_fiber(
			f->fake_inside, &f->outside_bottom, &f->outside_size);
	else
		__sanitizer_finish_switch_fiber(f->fake_outside, NULL, NULL);
#else
	(void)f;
	(void)into;
#endif
}

/*
 * swapcontext asks the kernel for the signal mask at each switch, which is most of its cost, so
 * only the first entry goes through it and the rest jumps.  The sanitizer wants to see real
 * switches.
 */
#ifdef FIBER_ASAN
static void enter(struct fiber *f)
{
	int rc = swapcontext(&f->outside, &f->inside);

	INVARIANT(rc == 0);
}

static void leave(struct fiber *f)
{
	int rc = swapcontext(&f->inside, &f->outside);

	INVARIANT(rc == 0);
}
#else
static void enter(struct fiber *f)
{
	if (_setjmp(f->outside_jump) != 0)
		return;
	if (f->begun)
		_longjmp(f->inside_jump, 1);
	f->begun = true;
	setcontext(&f->inside);
}

static void leave(struct fiber *f)
{
	if (_setjmp(f->inside_jump) == 0)
		_longjmp(f->outside_jump, 1);
}
#endif

/* makecontext passes ints only. */
static void trampoline(unsigned high, unsigned low)
{
	struct fiber *f = (struct fiber *)(((uintptr_t)high << 32) | (uintptr_t)low);

	switch_ended(f, true);
	f->fn(f->arg);
	f->done = true;
	switch_begins(f, false, true);
	leave(f); /* for good */
}

static char *stack_new(void)
{
	int rc;
	char *base = mmap(NULL, STACK_BYTES + GUARD_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	INVARIANT(base != MAP_FAILED);
	rc = mprotect(base, GUARD_BYTES, PROT_NONE);
	INVARIANT(rc == 0);
	return base + GUARD_BYTES;
}

struct fiber_pool *fiber_pool_new(void)
{
	struct fiber_pool *pool = calloc(1, sizeof *pool);

	INVARIANT(pool != NULL);
	return pool;
}

void fiber_pool_free(struct fiber_pool *pool)
{
	for (size_t i = 0; i < pool->made; i++) {
		munmap(pool->fiber[i]->stack - GUARD_BYTES, STACK_BYTES + GUARD_BYTES);
		free(pool->fiber[i]);
	}
	free(pool->fiber);
	free(pool);
}

void fiber_pool_reset(struct fiber_pool *pool)
{
#ifdef FIBER_ASAN
	/* Frames that were dropped in the middle left their red zones behind. */
	for (size_t i = 0; i < pool->used; i++)
		if (!pool->fiber[i]->done)
			__asan_unpoison_memory_region(pool->fiber[i]->stack, STACK_BYTES);
#endif
	pool->used = 0;
	pool->idle = NULL;
}

static void pool_grow(struct fiber_pool *pool)
{
	if (pool->made == pool->cap) {
		pool->cap = pool->cap ? 2 * pool->cap : 64;
		pool->fiber = realloc(pool->fiber, pool->cap * sizeof(struct fiber *));
		INVARIANT(pool->fiber != NULL);
	}
	pool->fiber[pool->made] = calloc(1, sizeof(struct fiber));
	INVARIANT(pool->fiber[pool->made] != NULL);
	pool->fiber[pool->made]->stack = stack_new();
	pool->made++;
}

static __attribute__((noinline)) struct fiber *pool_take(struct fiber_pool *pool)
{
	struct fiber *f = pool->idle;

	if (f) {
		pool->idle = f->next_idle;
		return f;
	}
	if (pool->used == pool->made)
		pool_grow(pool);
	return pool->fiber[pool->used++];
}

/* Apart from the rest: getcontext returns twice as far as the compiler knows. */
static __attribute__((noinline)) void context_make(struct fiber *f, unsigned high, unsigned low)
{
	int rc = getcontext(&f->inside);

	INVARIANT(rc == 0);
	f->inside.uc_stack.ss_sp = f->stack;
	f->inside.uc_stack.ss_size = STACK_BYTES;
	f->inside.uc_link = NULL;
	makecontext(&f->inside, (void (*)(void))trampoline, 2, high, low);
}

struct fiber *fiber_new(struct fiber_pool *pool, fiber_fn *fn, void *arg)
{
	struct fiber *f = pool_take(pool);
	uintptr_t bits = (uintptr_t)f;

	f->fn = fn;
	f->arg = arg;
	f->done = f->begun = false;
	f->pool = pool;
#ifdef FIBER_ASAN
	f->fake_inside = NULL;
#endif
	context_make(f, (unsigned)(bits >> 32), (unsigned)bits);
	return f;
}

bool fiber_run(struct fiber *f)
{
	REQUIRE(!f->done);
	switch_begins(f, true, false);
	enter(f);
	switch_ended(f, false);
	if (f->done) {
		f->next_idle = f->pool->idle;
		f->pool->idle = f;
	}
	return !f->done;
}

void fiber_yield(struct fiber *f)
{
	switch_begins(f, false, false);
	leave(f);
	switch_ended(f, true);
}
