/*
 * proposals.h - what crosses between the environments in a plan just written, as lines of `overlap`
 * in comments.  Only a person can say that a crossing is meant; this saves the typing: whoever asks
 * the same others, or is asked by the same, shares a line.
 */
#ifndef AIRLOCK_IMPORT_PROPOSALS_H
#define AIRLOCK_IMPORT_PROPOSALS_H

#include "base/arena.h"
#include "base/buf.h"
#include "plan/plan.h"

#define PROPOSALS_MAX 500 /* lines; the rest is counted */

/* Returns how many cross.  plan = NULL: it was not understood; an example is written. */
size_t proposals_write(const struct plan *plan, struct arena *arena, struct buf *out);

#endif
