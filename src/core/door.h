/*
 * door.h - what one side of one store says about itself.  Pure data, shared by the core, the
 * contracts and the drivers.
 *
 * The *register* is the arbiter (law 1): one row inside the side's own cluster, moved by
 * compare-and-swap together with the admission of clients.  The *guard* is one row inside the
 * migrated database that admits every effect there (marker, links, sequences): lock at exactly
 * (attempt, phase), effect, commit.  Guards are always read before registers, and moved from the
 * pair that was read, so that a controller that slept cannot undo what happened meanwhile.
 */
#ifndef AIRLOCK_CORE_DOOR_H
#define AIRLOCK_CORE_DOOR_H

#include <stdbool.h>
#include <stdint.h>

enum side { SIDE_OLD, SIDE_NEW, SIDE_COUNT };

static inline enum side side_other(enum side side)
{
	return side == SIDE_OLD ? SIDE_NEW : SIDE_OLD;
}

/* REG_STANDBY with revoked = a is what other protocols call RETIRED(a). */
enum reg_state { REG_ABSENT, REG_ACTIVE, REG_SEALED, REG_COMMITTING, REG_STANDBY, REG_STATE_COUNT };

enum guard_phase {
	GUARD_IDLE,
	GUARD_HELD,
	GUARD_COMMIT,
	GUARD_PROMOTE,
	GUARD_REVOKE,
	GUARD_ABORTED,
	GUARD_TURN,
	GUARD_TURNED,
	GUARD_PHASE_COUNT
};

struct guard {
	int64_t attempt;
	enum guard_phase phase;
};

struct reg {
	enum reg_state state;
	int64_t attempt;  /* the newest attempt that moved this register */
	int64_t epoch;	  /* grows with every opening; comparable between the sides */
	int64_t revoked;  /* attempts up to this one can no longer open this side */
	int64_t promoted; /* the attempt at which this side was last opened by PROMOTE */
	uint64_t wayback; /* log position fixed by that PROMOTE; 0 = none */
	int64_t left_ms;  /* of the hold, by this side's own clock; only in SEALED */
	bool open;	  /* observed: some client role may connect (not derived from state) */
	bool final;	  /* finalized: no attempt begins from here any more */
};

struct door {
	struct guard guard;
	struct reg reg;
};

static inline bool guard_equal(struct guard a, struct guard b)
{
	return a.attempt == b.attempt && a.phase == b.phase;
}

const char *side_name(enum side side);		      /* "old" */
const char *reg_state_name(enum reg_state state);     /* "SEALED" */
const char *guard_phase_name(enum guard_phase phase); /* "held" */
/* Returns GUARD_PHASE_COUNT / REG_STATE_COUNT when the name is unknown. */
enum guard_phase guard_phase_parse(const char *name);
enum reg_state reg_state_parse(const char *name);

#endif
