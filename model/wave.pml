/*
 * wave.pml - several stores cross together: all of them or none.
 *
 * One store is the *decider*, the others follow it; one follower is enough to show what goes wrong.
 * Followers enter COMMITTING before the decider does; from then on the decider's new register, and
 * no other, says for all of them whether attempt a was.  What happens inside one store (rows,
 * sessions, markers, the way back) is checked in airlock.pml and left out here: a store is its two
 * registers, the guard of its new side and its link.
 *
 * Every controller may stop anywhere and wake up later; a gateway may call abort_if_expired on any
 * store that is SEALED.  See README.md.
 */
#ifndef CONTROLLERS
#define CONTROLLERS 2
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 2
#endif

#ifndef RESUME
#define RESUME 0
#endif

#define MAX(x, y) ((x) > (y) -> (x) : (y))
#define D 0 /* the decider */
#define F 1 /* the follower */

mtype = { ACTIVE, SEALED, COMMITTING, RETIRED };

/* Guard of the new side: (attempt, phase) in one number. */
#define IDLE 0
#define HELD 1
#define PROMOTE 3
#define REVOKE 4
#define ABORTED 5
#define G(attempt, phase) ((attempt) * 8 + (phase))
#define PHASE(pair) ((pair) & 7)
#define ATTEMPT(pair) ((pair) >> 3)
#define IS_REST(pair) (PHASE(pair) == IDLE || PHASE(pair) == ABORTED)

/* By store.  Old's register is open when ACTIVE; new's is open when promoted is not 0. */
mtype old[2];
byte att[2];
byte revoked[2], promoted[2];
byte guard[2];
bool link_on[2];

/* The monitor's memory: attempts at which some store was opened on new, or given back to old. */
byte yes, no;

/* W1 a wave crosses whole or not at all: at no attempt is one store promoted and one given back. */
inline say_yes(a)
{
	yes = yes | (1 << (a));
	assert(!(no & (1 << (a)))) /* W1 */
}

inline say_no(a)
{
	no = no | (1 << (a));
	assert(!(yes & (1 << (a)))) /* W1 */
}

inline do_promote(k, a)
{
	promoted[k] = a;
#ifdef WITNESS_CROSSES
	assert(promoted[F] == 0);
#endif
#ifdef WITNESS_AGAIN
	assert(promoted[F] == 0 || no == 0);
#endif
	assert(old[k] == COMMITTING); /* I1 its other door is shut for good */
	assert(!link_on[k]);	      /* I8 its link is cut */
	say_yes(a)
}

inline do_reopen(k)
{
	assert(promoted[k] == 0); /* I1 */
	old[k] = ACTIVE;
	say_no(att[k])
}

inline do_revoke(k, a)
{
	assert(promoted[k] == 0); /* I4 */
	revoked[k] = a;
	say_no(a)
}

inline do_relink(k)
{
	assert(promoted[k] == 0); /* I8 the way back is on, or about to be */
	link_on[k] = true
}

/* --- steps on one store ----------------------------------------------------------------------- */

inline retry()
{
	n = 0; k = 0; x = 0; pair = 0;
	pairs[D] = 0; pairs[F] = 0;
	goto again
}

/* Decision 2: compare-and-swap from the pair as read. */
#define MOVE_GUARD(store, from, to) \
	atomic { \
		if \
		:: guard[store] == (to) \
		:: guard[store] != (to) && guard[store] == (from) -> guard[store] = (to) \
		:: else -> retry() \
		fi \
	}

inline step_guard(store)
{
	atomic {
		if
		:: ATTEMPT(pairs[store]) < n || pairs[store] == G(n, HELD)
		:: else -> retry()
		fi
	};
	MOVE_GUARD(store, pairs[store], G(n, HELD))
}

/* Done as well when another controller has done it at the same attempt. */
inline step_seal(store)
{
	atomic {
		if
		:: old[store] == ACTIVE && att[store] < n && promoted[store] == 0 ->
			old[store] = SEALED;
			att[store] = n
		:: old[store] == SEALED && att[store] == n
		:: else -> retry()
		fi
	}
}

/* Stands for everything that is done under (n, held): marker, reached, cut, sequences. */
inline step_level(store)
{
	atomic {
		if
		:: guard[store] == G(n, HELD) -> link_on[store] = false
		:: else -> retry()
		fi
	}
}

inline step_commit(store)
{
	atomic {
		if
		:: old[store] == SEALED && att[store] == n -> old[store] = COMMITTING
		:: old[store] == COMMITTING && att[store] == n
		:: else -> retry()
		fi
	}
}

/*
 * Before the decider may commit, a follower's new guard leaves (n, held) for (n, promote): once the
 * decider has said yes the follower cannot say no any more, so nobody may be left who could still
 * move its guard away from where PROMOTE may start.
 */
inline step_fence(store)
{
#ifndef M_LATEFENCE
	MOVE_GUARD(store, G(n, HELD), G(n, PROMOTE))
#else
	skip
#endif
}

#define MAY_PROMOTE(pair, a) ((pair) == G(a, HELD) || (pair) == G(a, PROMOTE))

inline step_promote(store)
{
	atomic {
		pair = guard[store];
		if
		:: MAY_PROMOTE(pair, n)
		:: else -> retry()
		fi
	};
	MOVE_GUARD(store, pair, G(n, PROMOTE));
	atomic {
		if
		:: promoted[store] == 0 && revoked[store] < n -> do_promote(store, n)
		:: promoted[store] == n
		:: else -> retry()
		fi
	}
}

/*
 * old is COMMITTING(x): new's write-once register is asked to say no.  Once it has, the guard is
 * left alone: it may belong to a later attempt by now.
 */
inline step_revoke(store)
{
	atomic { pair = guard[store] };
	atomic {
		if
#ifndef M_REVOKELATE
		:: promoted[store] == 0 && revoked[store] < x
#else
		:: promoted[store] == 0
#endif
		:: else -> retry()
		fi
	};
	MOVE_GUARD(store, pair, G(MAX(ATTEMPT(pair), x), REVOKE));
	atomic {
		if
		:: promoted[store] == 0 && revoked[store] < x -> do_revoke(store, x)
		:: else
		fi
	}
}

/* From exactly the state that was seen; then new's guard, if it is still at this attempt. */
inline step_reopen(store, from)
{
	atomic {
		if
		:: old[store] == from && att[store] == x -> do_reopen(store)
		:: else -> retry()
		fi
	};
	atomic {
		pair = guard[store];
		if
#ifndef M_CLOSEANY
		:: ATTEMPT(pair) == x && promoted[store] == 0
#else
		:: !IS_REST(pair) && promoted[store] == 0
#endif
		:: else -> retry()
		fi
	};
	MOVE_GUARD(store, pair, G(ATTEMPT(pair), ABORTED))
}

inline step_give_back(store)
{
	atomic { x = att[store]; k = old[store] };
	if
	:: k == SEALED -> step_reopen(store, SEALED)
	:: k == COMMITTING && revoked[store] < x -> step_revoke(store)
	:: k == COMMITTING && revoked[store] >= x -> step_reopen(store, COMMITTING)
	:: else
	fi
}

#define IS_LEFTOVER(store) (old[store] == ACTIVE && (!link_on[store] || !IS_REST(guard[store])))

/* `pairs` was read before old's register said ACTIVE. */
inline step_relink(store)
{
#ifdef M_TIDYLATE
	atomic { pairs[store] = guard[store] };
#endif
	MOVE_GUARD(store, pairs[store], G(ATTEMPT(pairs[store]), ABORTED));
	atomic {
		if
		:: guard[store] == G(ATTEMPT(pairs[store]), ABORTED) -> do_relink(store)
		:: else
		fi;
		retry()
	}
}

/* --- a controller ------------------------------------------------------------------------------ */

/* The decider's answer at attempt a. */
#define SAID_YES(a) (promoted[D] == (a))
#if defined(M_UNDOANY)
#define SAYS_NO(a) (!SAID_YES(a)) /* "it has not been promoted" */
#else
#define SAYS_NO(a) (revoked[D] >= (a) || (old[D] == ACTIVE && att[D] >= (a)) || att[D] > (a))
#endif

/* No attempt's number is used twice, by any store of the wave. */
#define TOP \
	MAX(MAX(MAX(att[D], att[F]), MAX(revoked[D], revoked[F])), MAX(ATTEMPT(pairs[D]), ATTEMPT(pairs[F])))
#define IS_BUSY(store) (old[store] == SEALED || old[store] == COMMITTING)

inline try_once()
{
	step_guard(D);
	step_guard(F);
	if
	:: true -> step_seal(D); step_seal(F)
	:: true -> step_seal(F); step_seal(D)
	fi;
	step_level(D);
	step_level(F);
#ifdef M_DECIDERFIRST
	step_commit(D);
#endif
	step_fence(F);
	step_commit(F);
#ifdef FENCE_ALL
	step_fence(D); /* as the code does it: one rule for every store */
#endif
	step_commit(D);
	atomic { retry() }
}

/*
 * The decider first: until it can no longer be promoted at a, another controller may still do it.
 * A follower that is SEALED decides for itself (the decider commits after it); one that is
 * COMMITTING(a) is revoked only after the decider's no at a was read, and read after COMMITTING(a)
 * was.
 */
inline undo()
{
#ifndef M_UNDOANY
	step_give_back(D);
#endif
#ifdef ALWAYS_REVOKE
	/* The same without reading the decider again: its new side has refused for good. */
	atomic {
		x = att[F];
		k = old[F];
		if
		:: revoked[D] >= x || (old[D] == ACTIVE && att[D] >= x)
		:: else -> k = 0
		fi
	};
	if
	:: k == 0 -> step_revoke(D); atomic { retry() }
	:: else
	fi;
#elif defined(M_NOTASKED)
	atomic {
		if
		:: old[D] == ACTIVE || revoked[D] >= att[F] /* asked too early: it may not be sealed yet */
		:: else -> retry()
		fi
	};
	atomic { x = att[F]; k = old[F] };
#else
	atomic { x = att[F]; k = old[F] };
	atomic {
		if
		:: k == SEALED || (k == COMMITTING && SAYS_NO(x))
		:: else -> retry()
		fi
	};
#endif
	if
	:: k == SEALED -> step_reopen(F, SEALED)
	:: k == COMMITTING && revoked[F] < x -> step_revoke(F)
	:: k == COMMITTING && revoked[F] >= x -> step_reopen(F, COMMITTING)
	:: else
	fi;
	atomic { retry() }
}

inline forward()
{
#ifdef M_FOLLOWERFIRST
	if
	:: atomic { old[F] == COMMITTING && att[F] == n }; step_promote(F)
	:: true
	fi;
#endif
	step_promote(D);
	step_promote(F);
	if
	:: atomic { old[D] == COMMITTING && promoted[D] == att[D] -> old[D] = RETIRED }
	:: atomic { old[F] == COMMITTING && promoted[F] == att[F] -> old[F] = RETIRED }
	:: else
	fi;
	atomic { retry() }
}

proctype Controller()
{
	byte n, k, x, pair;
	byte pairs[2];

again:
	atomic { pairs[D] = guard[D] };
	atomic { pairs[F] = guard[F] };
	if
	:: atomic { old[D] == ACTIVE && old[F] == ACTIVE && TOP < ATTEMPTS -> n = TOP + 1 };
		try_once()
	:: atomic { IS_LEFTOVER(D) };
		step_relink(D)
	:: atomic { IS_LEFTOVER(F) };
		step_relink(F)
	:: atomic { promoted[D] == 0 && (IS_BUSY(D) || IS_BUSY(F)) };
		undo()
	:: atomic { old[D] == COMMITTING || (promoted[D] != 0 && old[F] == COMMITTING) -> n = att[D] };
		forward()
	:: else -> atomic { retry() }
	fi
}

proctype Gateway()
{
	do
	:: atomic { old[D] == SEALED -> do_reopen(D) }
	:: atomic { old[F] == SEALED -> do_reopen(F) }
	od
}

/* --- a lone resume, at any instant, on a copy (as in resume.pml) ------------------------------- */

#if RESUME > 0
hidden byte kept[14];
hidden byte round;

inline keep()
{
	kept[0] = old[D]; kept[1] = old[F];
	kept[2] = revoked[D]; kept[3] = revoked[F];
	kept[4] = promoted[D]; kept[5] = promoted[F];
	kept[6] = guard[D]; kept[7] = guard[F];
	kept[8] = link_on[D]; kept[9] = link_on[F];
	kept[10] = yes; kept[11] = no
}

inline put_back()
{
	old[D] = kept[0]; old[F] = kept[1];
	revoked[D] = kept[2]; revoked[F] = kept[3];
	promoted[D] = kept[4]; promoted[F] = kept[5];
	guard[D] = kept[6]; guard[F] = kept[7];
	link_on[D] = kept[8]; link_on[F] = kept[9];
	yes = kept[10]; no = kept[11]
}

inline give_back(store)
{
	if
	:: old[store] == COMMITTING && revoked[store] < att[store] ->
		guard[store] = G(MAX(ATTEMPT(guard[store]), att[store]), REVOKE);
		do_revoke(store, att[store])
	:: old[store] == SEALED || (old[store] == COMMITTING && revoked[store] >= att[store]) ->
		do_reopen(store)
	:: old[store] == ACTIVE && IS_LEFTOVER(store) ->
		guard[store] = G(ATTEMPT(guard[store]), ABORTED);
		do_relink(store)
	:: else
	fi
}

inline go_on(store)
{
	if
	:: old[store] == COMMITTING && promoted[store] == 0 && revoked[store] < att[store] && MAY_PROMOTE(guard[store], att[store]) ->
		guard[store] = G(att[store], PROMOTE);
		do_promote(store, att[store])
	:: old[store] == COMMITTING && promoted[store] == att[store] -> old[store] = RETIRED
	:: else
	fi
}

inline resume_round()
{
	if
	:: promoted[D] != 0 || (old[D] == COMMITTING && revoked[D] < att[D] && MAY_PROMOTE(guard[D], att[D])) ->
		go_on(D);
		go_on(F)
	:: promoted[D] == 0 && old[D] != ACTIVE && !(old[D] == COMMITTING && revoked[D] < att[D] && MAY_PROMOTE(guard[D], att[D])) ->
		give_back(D)
	:: promoted[D] == 0 && old[D] == ACTIVE ->
		give_back(D);
		give_back(F)
	fi
}

/* W2 whatever was under way, every store ends on the same side, its link on, no effect admitted. */
inline settled()
{
	if
	:: old[D] == ACTIVE ->
		assert(old[F] == ACTIVE && link_on[D] && link_on[F]);
		assert(IS_REST(guard[D]) && IS_REST(guard[F]))
	:: else ->
		assert(old[D] == RETIRED && old[F] == RETIRED);
		assert(promoted[D] == promoted[F] && promoted[D] != 0)
	fi
}

proctype Resume()
{
	do
	:: d_step {
		keep();
		round = 0;
		do
		:: round < 8 -> resume_round(); round++
		:: else -> break
		od;
		settled();
		put_back();
		round = 0
	   }
	od
}
#endif

init
{
	atomic {
		old[D] = ACTIVE;
		old[F] = ACTIVE;
		link_on[D] = true;
		link_on[F] = true;
#if RESUME > 0
		run Resume();
#endif
		run Gateway();
		run Controller();
#if CONTROLLERS > 1
		run Controller()
#endif
	}
}
