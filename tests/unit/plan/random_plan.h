/*
 * random_plan.h - the text of a plan with random stores, services and orders, for property tests.
 * Its `needs` and `after` lead only to nodes that were made before, so it has no P-CYCLE; circles
 * through reads and writes are frequent.
 */
#ifndef AIRLOCK_TESTS_PLAN_RANDOM_PLAN_H
#define AIRLOCK_TESTS_PLAN_RANDOM_PLAN_H

#include "base/buf.h"
#include "base/prng.h"

struct random_plan {
	struct prng prng;
	size_t stores, services;
};

static inline size_t random_below(struct random_plan *r, size_t below)
{
	return (size_t)prng_below(&r->prng, below);
}

/* Node `n` in the order of making; names are scattered so that sorting mixes them. */
static inline void random_name(const struct random_plan *r, size_t n, struct buf *out)
{
	buf_printf(out, "%s%zu", n < r->stores ? "store" : "svc", (n * 7919 + 13) % 10007);
}

static inline void random_list(
	struct random_plan *r, const char *key, size_t count, struct buf *out)
{
	size_t first = count ? random_below(r, count) : 0;
	size_t want = count ? random_below(r, count < 3 ? count + 1 : 4) : 0;

	buf_printf(out, ", %s: [", key);
	for (size_t i = 0; i < want; i++) {
		buf_puts(out, i ? ", " : "");
		random_name(r, (first + i) % count, out);
	}
	buf_puts(out, "]");
}

static inline void random_store(struct random_plan *r, size_t n, struct buf *out)
{
	buf_puts(out, "  ");
	random_name(r, n, out);
	buf_printf(out,
		": {engine: postgresql, old: \"host=a%zu dbname=d\", new: \"host=b%zu dbname=d\", "
		"pattern: replica-promotion, sync: logical, route: direct",
		n, n);
	random_list(r, "needs", n, out);
	buf_puts(out, "}\n");
}

static inline void random_service(struct random_plan *r, size_t n, struct buf *out)
{
	static const char *const tiers[] = {"", "tier: support", "tier: replayable", "tier: entry"};
	const char *tier = tiers[random_below(r, 4)];

	buf_puts(out, "  ");
	random_name(r, n, out);
	buf_printf(out, ": {match: {user: u%zu}%s%s", n, *tier ? ", " : "", tier);
	random_list(r, "reads", r->stores, out);
	random_list(r, "writes", r->stores, out);
	random_list(r, "needs", n, out);
	random_list(r, "after", n, out);
	buf_puts(out, "}\n");
}

/* The same seed gives the same text. */
static inline void random_plan(uint64_t seed, struct buf *out)
{
	struct random_plan r = {.prng = {seed}};

	r.stores = 1 + random_below(&r, 4);
	r.services = random_below(&r, 12);
	buf_puts(out, "airlock: 1\nname: random\nroutes: {direct: {kind: none}}\nstores:\n");
	for (size_t n = 0; n < r.stores; n++)
		random_store(&r, n, out);
	if (r.services)
		buf_puts(out, "services:\n");
	for (size_t n = r.stores; n < r.stores + r.services; n++)
		random_service(&r, n, out);
}

/* Lines that override the order of such a plan; many of them contradict it and are refused. */
static inline void random_overrides(uint64_t seed, struct buf *out)
{
	struct random_plan r = {.prng = {seed}};
	size_t nodes;

	r.stores = 1 + random_below(&r, 4);
	r.services = random_below(&r, 12);
	nodes = r.stores + r.services;
	buf_puts(out, "order:\n  - {first: ");
	random_name(&r, random_below(&r, nodes), out);
	buf_puts(out, ", then: ");
	random_name(&r, random_below(&r, nodes), out);
	buf_puts(out, ", because: x}\n");
	if (nodes < 2 || random_below(&r, 2))
		return;
	buf_puts(out, "together:\n  - {because: y, members: [");
	random_name(&r, 0, out);
	buf_puts(out, ", ");
	random_name(&r, 1 + random_below(&r, nodes - 1), out);
	buf_puts(out, "]}\n");
}

#endif
