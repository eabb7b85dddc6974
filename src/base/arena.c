#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define GROW_FIRST 4

/* gcc with sanitizers takes the measuring call vsnprintf(NULL, 0, ...) for a truncation. */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wformat-truncation"
#endif

#if defined(__SANITIZE_ADDRESS__)
#define BLOCK_BYTES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BLOCK_BYTES 0
#endif
#endif
#ifndef BLOCK_BYTES
#define BLOCK_BYTES 16384
#endif

struct arena_block {
	struct arena_block *next;
	size_t cap;
	alignas(max_align_t) unsigned char bytes[];
};

void arena_fini(struct arena *a)
{
	struct arena_block *block = a->blocks;

	while (block) {
		struct arena_block *next = block->next;

		free(block);
		block = next;
	}
	*a = ARENA_INIT;
}

static void add_block(struct arena *a, size_t size)
{
	size_t cap = size > BLOCK_BYTES ? size : BLOCK_BYTES;
	struct arena_block *block = calloc(1, sizeof *block + cap);

	ENSURE(block != NULL);
	block->next = a->blocks;
	block->cap = cap;
	a->blocks = block;
	a->used = 0;
}

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);
	void *ret;

	REQUIRE(size < SIZE_MAX / 2);
	size = (size + align - 1) / align * align;
	if (!a->blocks || a->blocks->cap - a->used < size)
		add_block(a, size);
	ret = a->blocks->bytes + a->used;
	a->used += size;
	a->bytes += size;
	return ret;
}

void *arena_calloc(struct arena *a, size_t count, size_t size)
{
	REQUIRE(size == 0 || count < SIZE_MAX / 2 / size);
	return arena_alloc(a, count * size);
}

char *arena_strndup(struct arena *a, const char *str, size_t len)
{
	char *ret = arena_alloc(a, len + 1);

	memcpy(ret, str, len);
	ret[len] = '\0';
	return ret;
}

void *arena_grow(struct arena *a, void *array, size_t count, size_t *cap, size_t size)
{
	void *ret;

	REQUIRE(count <= *cap);
	if (count < *cap)
		return array;
	*cap = *cap ? *cap * 2 : GROW_FIRST;
	ret = arena_calloc(a, *cap, size);
	if (count)
		memcpy(ret, array, count * size);
	return ret;
}

char *arena_strdup(struct arena *a, const char *str)
{
	return arena_strndup(a, str, strlen(str));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *ret;
	int need;

	va_start(ap, fmt);
	va_copy(again, ap);
	need = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	ENSURE(need >= 0);
	ret = arena_alloc(a, (size_t)need + 1);
	vsnprintf(ret, (size_t)need + 1, fmt, again);
	va_end(again);
	return ret;
}
