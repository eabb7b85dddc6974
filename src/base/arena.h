/*
 * arena.h - many allocations, one free.  The plan lives in one.
 *
 * Memory is zeroed and aligned for any type.  Nothing can be freed on its own.  Out of memory
 * aborts.  Under AddressSanitizer each allocation is its own malloc, so that overruns are seen.
 */
#ifndef AIRLOCK_BASE_ARENA_H
#define AIRLOCK_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used;  /* of the newest block */
	size_t bytes; /* all that was handed out */
};

#define ARENA_INIT ((struct arena){0})
#define ARENA_AUTO __attribute__((cleanup(arena_fini))) struct arena

void arena_fini(struct arena *a);
void *arena_alloc(struct arena *a, size_t size);
void *arena_calloc(struct arena *a, size_t count, size_t size); /* aborts on overflow */
/* An array of `count` elements, *cap of which it can hold, that is to take one more: itself, or a
 * copy twice as large.  NULL with a *cap of 0 is an empty one. */
void *arena_grow(struct arena *a, void *array, size_t count, size_t *cap, size_t size);
char *arena_strdup(struct arena *a, const char *str);
char *arena_strndup(struct arena *a, const char *str, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
