/*
 * views.h - what a member can look like while attempt `a` leaves `src`: one constructor per line of
 * the protocol's crash table.
 */
#ifndef AIRLOCK_TESTS_UNIT_CORE_VIEWS_H
#define AIRLOCK_TESTS_UNIT_CORE_VIEWS_H

#include "core/core.h"

enum view_kind {
	VIEW_SETTLED,	/* src open since attempt a - 1, nothing begun */
	VIEW_GUARDED,	/* both guards at (a, held) */
	VIEW_HALF,	/* only src's guard */
	VIEW_SEALED,	/* src sealed */
	VIEW_CUT,	/* as settled, after an abort that left the link cut */
	VIEW_DOUBT,	/* src committing */
	VIEW_REVOKED,	/* src committing, dst said no */
	VIEW_BARRED,	/* src committing, dst's guard forbids the promotion */
	VIEW_PROMOTED,	/* dst open, src committing */
	VIEW_TURN,	/* dst open, src retired, way back pending */
	VIEW_TURNED,	/* dst open and settled */
	VIEW_LATE_NO,	/* as turned, and a refusal came too late: dst's guard at (a, revoke) */
	VIEW_ABORTED,	/* src open again at attempt a */
	VIEW_BLIND,	/* nobody answers */
	VIEW_BLIND_DST, /* src committing, dst silent */
	VIEW_BOTH_OPEN, /* the contradiction */
	VIEW_ABSENT,	/* never synchronised */
	VIEW_KIND_COUNT
};

struct core_view view_make(enum view_kind kind, enum side src, int64_t attempt);
const char *view_name(enum view_kind kind);

#endif
