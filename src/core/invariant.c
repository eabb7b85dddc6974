#include "core/invariant.h"

#include "base/check.h"

void core_invariant(const struct core *core)
{
	int flags = phase_flags(core->phase);

	INVARIANT(core->config.members >= 1);
	INVARIANT(core->config.members <= CORE_MEMBERS_MAX);
	INVARIANT(core->config.decider < core->config.members);
	INVARIANT(core->attempt >= 0);
	/* Law 6: only a phase that has an attempt may hold clients. */
	if (flags & PHASE_HOLDS)
		INVARIANT(core->attempt > 0 || core->phase == PHASE_UNDOING);
	/* Law 5: a run leaves the side that is not its goal. */
	if (core->config.mode == CORE_RUN && (flags & PHASE_BEFORE) && core->phase != PHASE_READY)
		INVARIANT(core->src != core->config.goal);
	/* An attempt beyond the plan's budget was never begun. */
	if (core->config.mode == CORE_RUN)
		INVARIANT(core->attempts_made <= core->config.attempts_max);
	/* Two things are never outstanding at once: steps, or a pause. */
	INVARIANT(!(core->pending + core->beside > 0 && core->waiting));
}
