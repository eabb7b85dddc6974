/*
 * grow.h - arrays on the heap that take one element after the other.  (In an arena: arena_grow.)
 */
#ifndef AIRLOCK_BASE_GROW_H
#define AIRLOCK_BASE_GROW_H

#include <stddef.h>

/*
 * An array of `count` elements, *cap of which it can hold, that is to take one more: itself, or
 * moved to where there is room for twice as many.  NULL with a *cap of 0 is an empty one.  What is
 * beyond `count` is not set.  Owned by the caller (free); out of memory aborts, as in buf.h.
 */
void *grow(void *array, size_t count, size_t *cap, size_t size);

#endif
