/*
 * classify.h - from what was observed to the one signal that it means.  Pure.
 */
#ifndef AIRLOCK_CORE_CLASSIFY_H
#define AIRLOCK_CORE_CLASSIFY_H

#include "core/core.h"

/* What one member alone says. */
enum sight {
	SIGHT_ABSENT,	/* no registers: never synchronised */
	SIGHT_BLIND,	/* a side that would have to speak is silent */
	SIGHT_OPEN,	/* settled: `src` is open, the other side shut */
	SIGHT_LEFTOVER, /* as OPEN, but guards or the link still belong to an ended attempt */
	SIGHT_SEALED,	/* `src` sealed at `attempt` */
	SIGHT_DOUBT,	/* COMMITTING at `attempt`, not answered */
	SIGHT_REVOKED,	/* COMMITTING at `attempt`, answered no or unable to say yes */
	SIGHT_PROMOTED, /* the other side answered yes; `src` not retired */
	SIGHT_TURN,	/* retired; the way back is pending on `src` */
	SIGHT_BROKEN	/* contradiction */
};

struct sighting {
	enum sight sight;
	enum side src;	 /* the side that is or was being left; for OPEN the open side */
	int64_t attempt; /* of what is under way, or the newest seen */
};

struct sighting classify_member(const struct core_view *view);

struct classified {
	enum signal signal;
	enum side src;
	int64_t attempt; /* never below any attempt seen on a member */
};

/*
 * All members of a wave together.  The decider's answer is everybody's: a member in doubt goes
 * forward if and only if the decider was promoted at the same attempt.
 */
struct classified classify_wave(const struct core *core);

/* The highest attempt in any register or guard of the view. */
int64_t classify_attempt(const struct core_view *view);

#endif
