/*
 * lag.h - how old the oldest thing is that the other side has not got.  Pure.
 *
 * Positions are sampled with the time at which the log ended there.  What was sampled at t and has
 * been confirmed arrived; the oldest sample that has not is how far the other side is behind.  So a
 * link that hangs grows older by itself, which a server's own replay_lag does not.  Where more is
 * missing than there are samples, they lie further apart, and an age is rounded up to the next.
 */
#ifndef AIRLOCK_GUARD_LAG_H
#define AIRLOCK_GUARD_LAG_H

#include <stddef.h>
#include <stdint.h>

#define LAG_SAMPLES 64 /* even */

struct lag {
	struct lag_sample {
		uint64_t end;
		int64_t at_ms;	  /* nothing up to `end` and behind the sample before is older */
	} sample[LAG_SAMPLES]; /* oldest first, none of them confirmed */
	size_t count;
	int64_t apart_ms; /* at least, since it was full; 0 = each look is a sample */
};

/* Zeroed is a fresh one.  `end` >= `confirmed`, both in bytes of one log; a log that jumped back
 * (another side was opened) takes a fresh one.  Returns milliseconds, 0 = nothing is missing. */
int64_t lag_note(struct lag *lag, uint64_t end, uint64_t confirmed, int64_t now_ms);

#endif
