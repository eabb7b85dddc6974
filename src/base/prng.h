/*
 * prng.h - a small seeded generator (splitmix64): backoff jitter and the simulator.
 * Not for secrets.  The same seed gives the same sequence on every machine.
 */
#ifndef AIRLOCK_BASE_PRNG_H
#define AIRLOCK_BASE_PRNG_H

#include <stdint.h>

struct prng {
	uint64_t state;
};

uint64_t prng_next(struct prng *p);
/* Uniform enough in [0, below); below > 0. */
uint64_t prng_below(struct prng *p, uint64_t below);

#endif
