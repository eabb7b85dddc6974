/*
 * target.h - does a connection string lead to a store of the plan?
 *
 * Host names are compared as they are written, then by their addresses (resolved once each, for at
 * most TARGET_RESOLVE_MS altogether: what cannot be resolved is compared by name only).  A string
 * without a host, with a socket's directory, or with a loopback address leads to the machine that
 * it lies on: to a side of the plan when that side has an address of this machine, by whatever
 * name.
 */
#ifndef AIRLOCK_DISCOVER_TARGET_H
#define AIRLOCK_DISCOVER_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "dsn/dsn.h"
#include "plan/plan.h"
#include "port/store.h"

#define TARGET_RESOLVE_MS 3000

struct targets; /* owned; not thread-safe */

struct target {
	size_t store;
	enum side side;
	bool by_name;  /* the same host name; otherwise only the same address */
	bool database; /* the same database; false = the string does not say which */
};

struct dns;
/* Names are asked from `dns`, which has to live as long; NULL = as an application of this host. */
struct targets *targets_new(const struct plan *plan, struct dns *dns);
void targets_free(struct targets *t); /* accepts NULL */
bool targets_find(struct targets *t, const struct dsn *dsn, struct target *ret);
/* The first host of a side, as the plan writes it; NULL when it has none. */
const char *targets_host(const struct targets *t, size_t store, enum side side);
/* The strings of the plan's stores one after the other, from 0; NULL behind the last. */
const struct dsn *targets_end(
	const struct targets *t, size_t i, size_t *ret_store, enum side *ret_side);
/* An IPv4 or IPv6 address, no name. */
bool target_is_address(const char *host);
/* "", a socket's directory, localhost, 127.0.0.1, ::1. */
bool target_is_local(const char *host);
/* Names of hosts that the plan's stores have (no addresses), for caches and the like. */
size_t targets_names(const struct targets *t, const char *const **ret_names);

#endif
