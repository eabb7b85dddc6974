/*
 * pool.h - buffers of one size, from memory that is reserved once.
 *
 * A leg borrows one while bytes are on their way through it and gives it back when it is empty, so
 * that idle sessions hold none, and the one in use is warm.  Pages that were never used cost
 * nothing.
 *
 * Thread: the loop's.  Nothing is allocated after pool_init.
 */
#ifndef AIRLOCK_GATEWAY_POOL_H
#define AIRLOCK_GATEWAY_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Holds any message of a login whole (WIRE_LOGIN_BODY_MAX). */
#define POOL_BUFFER_BYTES 32768u

struct pool {
	uint8_t *memory;
	size_t cap, fresh; /* buffers; those from `fresh` on were never taken */
	void *given;	   /* back: a list through their first bytes */
};

int pool_init(struct pool *p, size_t cap, struct err *err) MUST_CHECK;
void pool_fini(struct pool *p);
/* The caller takes no more than `cap` at a time. */
uint8_t *pool_take(struct pool *p);
void pool_give(struct pool *p, uint8_t *buffer);

#endif
