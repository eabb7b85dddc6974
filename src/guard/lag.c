#include "guard/lag.h"

#include <string.h>

#include "base/check.h"

static void forget_confirmed(struct lag *lag, uint64_t confirmed)
{
	size_t arrived = 0;

	while (arrived < lag->count && lag->sample[arrived].end <= confirmed)
		arrived++;
	lag->count -= arrived;
	memmove(lag->sample, lag->sample + arrived, lag->count * sizeof lag->sample[0]);
}

/*
 * Two neighbours become one that reaches as far as the later and is as old as the earlier: what
 * arrived in part is told older than it is, never younger.  So however long a link hangs, what it
 * catches up with is still known to be old.
 */
static void thin_out(struct lag *lag, int64_t now_ms)
{
	for (size_t i = 0; i < LAG_SAMPLES / 2; i++)
		lag->sample[i] = (struct lag_sample){
			lag->sample[2 * i + 1].end, lag->sample[2 * i].at_ms};
	lag->count = LAG_SAMPLES / 2;
	lag->apart_ms = (now_ms - lag->sample[0].at_ms) / (LAG_SAMPLES / 2);
}

static void add(struct lag *lag, uint64_t end, int64_t now_ms)
{
	struct lag_sample *last;

	if (lag->count == LAG_SAMPLES)
		thin_out(lag, now_ms);
	last = lag->count > 0 ? &lag->sample[lag->count - 1] : NULL;
	if (last && end <= last->end)
		return; /* nothing was written since */
	if (last && now_ms - last->at_ms < lag->apart_ms)
		last->end = end;
	else
		lag->sample[lag->count++] = (struct lag_sample){end, now_ms};
}

int64_t lag_note(struct lag *lag, uint64_t end, uint64_t confirmed, int64_t now_ms)
{
	REQUIRE(lag->count <= LAG_SAMPLES);
	forget_confirmed(lag, confirmed);
	if (lag->count == 0)
		lag->apart_ms = 0;
	if (end > confirmed)
		add(lag, end, now_ms);
	return lag->count == 0 ? 0 : now_ms - lag->sample[0].at_ms;
}
