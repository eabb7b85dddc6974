#include "cli/readiness.h"

#include "base/clock.h"
#include "cli/evidence.h"
#include "cli/memory.h"
#include "cli/waiver.h"
#include "gate/gates.h"

#define READINESS_MS 60000

int readiness_need(struct cmd_ctx *ctx, struct fleet *fleet, struct err *err)
{
	GATES_ROUND_AUTO round = {0};
	WRITERS_AUTO writers = {0};

	/* Evidence expires (law 9): what `check` found an hour ago is measured again. */
	memory_recall(ctx, &writers);
	if (gates_ask(ctx->plan, fleet->stores, fleet->routes, NULL, clock_now_ms() + READINESS_MS,
		    &writers, &round, err))
		return -1;
	memory_keep(ctx, &writers);
	if (evidence_keep(ctx, &round, err))
		return -1;
	waiver_apply(ctx, &round);
	if (gates_verdict(&round, err))
		return -1;
	return waiver_record_use(ctx, &round, err);
}
