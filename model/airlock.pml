/*
 * airlock.pml - the cutover of one store, and the way back, with everything that may go wrong.
 *
 * Two sides, 0 and 1, treated alike: attempt a leaves the side that is open, whichever it is, so a
 * rollback is attempt a+1 with the sides exchanged, in the same run.  A *link* d copies rows from
 * side d to the other one; the link of the open side is the active one, the other the way back.
 *
 * Whoever is not scheduled any more has stopped for ever: every controller may die or sleep between
 * any two steps and wake up at any later time.  A step in one `atomic` is one transaction on one
 * server; everything between two of them may be interleaved with everything else.
 *
 * Read README.md first: what is modelled, what is not, the invariants I1 to I8, and the mutants
 * (the M_ macros, each of which takes one rule away and must be caught).
 */
#ifndef CONTROLLERS
#define CONTROLLERS 1
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 2 /* both directions together */
#endif
#ifndef ROWS
#define ROWS 2 /* rows that clients commit */
#endif
#ifndef CRASHES
#define CRASHES 0 /* of either server */
#endif
#ifndef NOISE
#define NOISE 0 /* records in a log that are no rows: vacuum, checkpoints, our own statements */
#endif
#ifndef VISITS
#define VISITS 0 /* 1: somebody keeps the idle slot near the end of its log */
#endif
#ifndef GATEWAYS
#define GATEWAYS 1 /* 1: somebody calls abort_if_expired */
#endif
#ifndef RESUME
#define RESUME 0 /* 1: from every state, a lone `resume` must end well */
#endif

#define MAX(x, y) ((x) > (y) -> (x) : (y))
#define LOG (ROWS + NOISE)
#define NO_ROW 255
#define LOG_AT(s, pos) log[(s) * LOG + (pos)]

mtype = { ACTIVE, SEALED, COMMITTING, STANDBY }; /* register */
mtype = { NONE, STARTING, LISTED };		 /* client session */

/* Guard: one row in the migrated database, (attempt, phase) in one number. */
#define IDLE 0
#define HELD 1
#define COMMIT 2
#define PROMOTE 3
#define REVOKE 4
#define ABORTED 5
#define TURN 6
#define TURNED 7
#define G(attempt, phase) ((attempt) * 8 + (phase))
#define PHASE(pair) ((pair) & 7)
#define ATTEMPT(pair) ((pair) >> 3)

/* The register of each side, and its admission: always moved in one transaction (law 1). */
mtype state[2];
byte att[2];	  /* newest attempt that moved this register */
byte epoch[2];	  /* grows with every opening */
byte revoked[2];  /* attempts up to this one cannot open this side any more */
byte promoted[2]; /* the attempt at which PROMOTE last opened this side */
byte wayback[2];  /* log position fixed by that PROMOTE */
bool open[2];	  /* admission: clients may connect */

byte guard[2];

/* Data. */
mtype sess[2];	     /* one client session on each side */
byte log[2 * LOG];   /* row numbers in commit order, NO_ROW for noise */
byte end[2], dur[2]; /* of the log: written, durable */
byte has[2];	     /* set of rows present */
byte seq[2];	     /* a sequence: not replicated */
byte written;	     /* rows committed by clients so far, each acknowledged or in doubt */
#define ALL_ROWS ((1 << written) - 1)

/* Links: d copies d -> 1-d; subscription, origin and worker live on 1-d, the slot on d. */
bool link_on[2], worker[2];
byte origin[2], origin_dur[2]; /* applied up to here: as seen, as it survives a crash of 1-d */
byte slot[2];		       /* falls back to 0 when d crashes: the worst case */
#define FROM(d) (origin[d] > slot[d] -> origin[d] : slot[d])

/* The newest marker: attempt, side, position in that side's log; seen and durable opposite. */
byte mark_att, mark_side, mark_pos, mark_seen, mark_dur;

/* The monitor's memory. */
byte was_promoted, was_revoked; /* sets of attempts */
byte top_epoch;
byte crashes, noises;

/* --- invariants ----------------------------------------------------------------------------- */

/* A door opens. */
inline open_door(s)
{
	assert(!open[1 - (s)]);		/* I1 never both doors open */
	assert(sess[1 - (s)] == NONE);	/* I3 no client session on the other side */
	assert(has[s] == ALL_ROWS);	/* I2 every acknowledged write is on the side that opens */
	assert(epoch[s] > top_epoch);	/* I6 epochs only grow, over both sides */
	top_epoch = epoch[s];
	open[s] = true
}

inline switch_on(d)
{
	assert(!link_on[1 - (d)] && !worker[1 - (d)]); /* I8 never both links */
	link_on[d] = true;
	worker[d] = true
}

/* A synchronous commit on side s makes all before it durable there. */
inline flush(s)
{
	dur[s] = end[s];
	origin_dur[1 - (s)] = origin[1 - (s)];
	if
	:: mark_side == 1 - (s) -> mark_dur = mark_seen
	:: else
	fi
}

/* Where no crash can come any more nobody can tell durable from written: saves states only. */
inline settle(s)
{
	if
	:: crashes == CRASHES -> flush(s)
	:: else
	fi
}

/* --- guard ---------------------------------------------------------------------------------- */

/* Decision 2: moved by compare-and-swap, from the pair that was read before the register was. */
#ifdef M_BLIND
#define MOVE_GUARD(s, from, to) guard[s] = (to)
#else
#define MOVE_GUARD(s, from, to) \
	atomic { \
		if \
		:: guard[s] == (to) \
		:: guard[s] != (to) && guard[s] == (from) -> guard[s] = (to) \
		:: else -> retry() \
		fi \
	}
#endif

/* Decision 2: an effect locks the guard at exactly this pair. */
#ifdef M_NOGUARD
#define AT(s, pair) true
#else
#define AT(s, pair) (guard[s] == (pair))
#endif

#include "world.pml"
#include "steps.pml"

/* --- a controller ----------------------------------------------------------------------------- */

#ifdef M_TERMINAL
#define IS_ALIVE(pair) (PHASE(pair) != ABORTED) /* a guard once aborted is believed */
#else
#define IS_ALIVE(pair) true
#endif

proctype Controller()
{
	byte src, gs, gd, a, e, to;
	mtype s;
#ifdef M_EARLYL
	byte early;
#endif

again:
	atomic {
		if
		:: src = 0
		:: src = 1
		fi;
		gs = guard[src];
		gd = guard[dst]
	};
	atomic {
		s = state[src];
		a = att[src];
		if
		:: s == STANDBY && gs != G(a, TURN) -> retry()
		:: else
		fi
	};
#ifdef M_LATEPAIR
	gd = guard[dst];
#endif
	if
	:: s == STANDBY -> step_turn()
	:: s == ACTIVE ->
		if
		:: a < ATTEMPTS -> step_guard(); step_seal()
		:: !link_on[src] -> step_relink()
		:: IS_LEFT_SRC(gs) || IS_LEFT_DST(gd) -> step_tidy()
		:: else
		fi
	:: s == SEALED ->
		if
		:: true -> step_reopen(SEALED)
		:: gs == G(a, COMMIT) -> step_commit()
		:: gs == G(a, HELD) ->
#ifdef M_MARKEREARLY
			step_marker();
#endif
#ifdef M_SEQEARLY
			step_sequences();
#endif
			step_end_and_prove();
#ifndef M_MARKEREARLY
			step_marker();
#endif
			step_reached();
			step_cut();
#ifndef M_SEQEARLY
			step_sequences();
#endif
#ifdef M_NOCOMMITTING
			if
			:: gd == G(a, HELD) -> e = epoch[src]; step_promote()
			:: else
			fi
#else
			step_commit()
#endif
		:: else
		fi
	:: s == COMMITTING ->
		atomic { e = epoch[src]; gd = guard[dst] }; /* the other guard, then its register */
		if
		:: atomic { state[dst] == STANDBY && revoked[dst] < a };
			if
			:: MAY_PROMOTE(gd, a) -> step_promote()
#ifdef M_NOREVOKE
			:: true -> step_reopen(COMMITTING)
#else
			:: true -> step_revoke()
#endif
			fi
		:: atomic { state[dst] == STANDBY && revoked[dst] >= a };
#ifdef WITNESS_REVOKE
			assert(false);
#endif
			step_reopen(COMMITTING)
		:: atomic { state[dst] != STANDBY && promoted[dst] == a && IS_ALIVE(gs) };
			step_retire()
		:: else
		fi
	fi;
	atomic { retry() }
}

#include "resume.pml"

init
{
	atomic {
		state[0] = ACTIVE;
		state[1] = STANDBY;
		sess[0] = NONE;
		sess[1] = NONE;
		open[0] = true;
		link_on[0] = true;
		worker[0] = true;
#if RESUME > 0
		run Resume();
#endif
		run World();
#if VISITS > 0
		run Visitor();
#endif
		run Controller();
#if CONTROLLERS > 1
		run Controller()
#endif
	}
}
