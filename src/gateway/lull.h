/*
 * lull.h - the moment at which a hold begins: when few sessions are at work.
 *
 * Everybody who comes after that moment waits until the last who was at work before it is done, so
 * with fewer at work the drain is shorter, and with it what every client waits.  Nobody waits for
 * the moment itself.  How many are at work changes within milliseconds, and what is few here has to
 * be found out: the first part of the time only looks (1/e of it, as one has to who chooses from
 * what passes by only once: T. Ferguson, Who solved the secretary problem?, Statistical Science 4,
 * 1989).  Then the first moment is taken at which no more are at work than the fewest so far, and
 * while time runs out also what is a little worse, up to the usual at the end.  Nobody at work is
 * always good enough.
 *
 * Pure.  Thread: the owner's.
 */
#ifndef AIRLOCK_GATEWAY_LULL_H
#define AIRLOCK_GATEWAY_LULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lull {
	int64_t began_us, patience_us;
	int64_t seen_us; /* when at_work was said last */
	int64_t work_us; /* the sum of at_work over time */
	size_t at_work, fewest;
};

void lull_begin(struct lull *l, int64_t now_us, int64_t patience_us);
/* At each event, with how many are at work from now on: is it now? */
bool lull_is_now(struct lull *l, int64_t now_us, size_t at_work);

#endif
