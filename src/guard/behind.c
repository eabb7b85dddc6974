#include "guard/behind.h"

#include <string.h>

#include "base/check.h"

static void forget_confirmed(struct behind *behind, uint64_t confirmed)
{
	size_t arrived = 0;

	while (arrived < behind->count && behind->sample[arrived].end <= confirmed)
		arrived++;
	behind->count -= arrived;
	memmove(behind->sample, behind->sample + arrived, behind->count * sizeof behind->sample[0]);
}

int64_t behind_note(struct behind *behind, uint64_t end, uint64_t confirmed, int64_t now_ms)
{
	REQUIRE(behind->count <= BEHIND_SAMPLES);
	forget_confirmed(behind, confirmed);
	/* When it is full the newest ones are missing: the oldest is what counts. */
	if (end > confirmed && behind->count < BEHIND_SAMPLES)
		behind->sample[behind->count++] = (struct behind_sample){end, now_ms};
	return behind->count == 0 ? 0 : now_ms - behind->sample[0].at_ms;
}
