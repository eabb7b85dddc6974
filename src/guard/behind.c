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

/*
 * Two neighbours become one that reaches as far as the later and is as old as the earlier: what
 * arrived in part is told older than it is, never younger.  So however long a link hangs, what it
 * catches up with is still known to be old.
 */
static void thin_out(struct behind *behind, int64_t now_ms)
{
	for (size_t i = 0; i < BEHIND_SAMPLES / 2; i++)
		behind->sample[i] = (struct behind_sample){
			behind->sample[2 * i + 1].end, behind->sample[2 * i].at_ms};
	behind->count = BEHIND_SAMPLES / 2;
	behind->apart_ms = (now_ms - behind->sample[0].at_ms) / (BEHIND_SAMPLES / 2);
}

static void add(struct behind *behind, uint64_t end, int64_t now_ms)
{
	struct behind_sample *last;

	if (behind->count == BEHIND_SAMPLES)
		thin_out(behind, now_ms);
	last = behind->count > 0 ? &behind->sample[behind->count - 1] : NULL;
	if (last && end <= last->end)
		return; /* nothing was written since */
	if (last && now_ms - last->at_ms < behind->apart_ms)
		last->end = end;
	else
		behind->sample[behind->count++] = (struct behind_sample){end, now_ms};
}

int64_t behind_note(struct behind *behind, uint64_t end, uint64_t confirmed, int64_t now_ms)
{
	REQUIRE(behind->count <= BEHIND_SAMPLES);
	forget_confirmed(behind, confirmed);
	if (behind->count == 0)
		behind->apart_ms = 0;
	if (end > confirmed)
		add(behind, end, now_ms);
	return behind->count == 0 ? 0 : now_ms - behind->sample[0].at_ms;
}
