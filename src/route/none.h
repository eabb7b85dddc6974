/*
 * none.h - clients try old and new by themselves, one connection string each, retrying on 42501 and
 * 57P01.  There is nobody to hold, so the fence alone decides.
 */
#ifndef AIRLOCK_ROUTE_NONE_H
#define AIRLOCK_ROUTE_NONE_H

#include "port/route.h"

/* Returns owned: route_free.  Both are borrowed. */
int route_none_new(
	const char *name, struct env *env, struct route **ret_route, struct err *err) MUST_CHECK;

#endif
