/*
 * picture.h - a plan's waves to look at.  Everything is appended to `out`.
 */
#ifndef AIRLOCK_PICTURE_PICTURE_H
#define AIRLOCK_PICTURE_PICTURE_H

#include "base/buf.h"
#include "plan/overlap.h"
#include "plan/sequence.h"

struct picture_look {
	/* Which side writes to each store, "old", "new" or other words, by store; NULL = not told.
	 */
	const char *const *writes;
	bool alone; /* a file of its own: XML, with colours for a light and a dark screen */
};

/* One <svg>; layers are waves. */
void picture_svg(const struct sequence *q, const struct crossings *crossings,
	const struct picture_look *look, struct buf *out);
/* For Graphviz. */
void picture_dot(const struct sequence *q, const struct crossings *crossings, struct buf *out);
/* At most 80 columns: the waves with their members, and from where to where each edge crosses. */
void picture_text(const struct sequence *q, const struct crossings *crossings, struct buf *out);

#endif
