/*
 * write.h - the world as a plan: text that plan_parse() accepts, with a comment for every line that
 * says where it comes from, and FILL IN at what no source can know.
 *
 * An address that nobody knows is "fill-in.invalid" (RFC 2606: it never resolves), so that
 * `airlock plan` shows the order at once and nothing can ever connect by mistake.  What this
 * version does not move stands in comments.
 */
#ifndef AIRLOCK_IMPORT_WRITE_H
#define AIRLOCK_IMPORT_WRITE_H

#include "import/world.h"

struct written {
	size_t stores, services; /* in the plan */
	size_t commented;	 /* stores that are only in comments */
	size_t blanks;		 /* lines marked FILL IN */
	size_t crossings;	 /* that somebody has to declare; proposals.h */
};

/* `sources` is what the first line names. */
void write_plan(const struct world *w, const char *sources, struct buf *out, struct written *ret);

#endif
