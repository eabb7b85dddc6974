/*
 * reason.h - why a node moves when it moves: in one sentence, and at length.  On demand, each in
 * time linear in the edges of the part it moves with.
 */
#ifndef AIRLOCK_PLAN_REASON_H
#define AIRLOCK_PLAN_REASON_H

#include "plan/impact.h"
#include "plan/sequence.h"

/* One sentence, in arena. */
const char *reason_why(const struct sequence *q, size_t node, struct arena *arena);

/* "reports before orders, which it reads": an edge as an order of movement, in arena. */
const char *reason_edge(const struct plan *plan, const struct tie *edge, struct arena *arena);

/* What holds a node in its wave, and what was rejected, and by how much. */
struct placement {
	const char *why;
	/* From what waits for nothing to the node: "wave 3: web, which needs api", one for each. */
	const char **chain;
	size_t chain_count;
	const char *not_earlier, *not_later;
	const char *override;	     /* the plan's own word and its reason; NULL when none */
	const char *earlier, *later; /* what one wave earlier or later would cost; NULL: none */
	const char *alone;	     /* what a cutover of its own would cost; NULL: it has one */
};

void reason_placement(const struct sequence *q, struct impact *im, size_t node, struct arena *arena,
	struct placement *ret);

#endif
