/*
 * steps.pml - the steps of an attempt, each as the code has it: one inline per step.  Included by
 * airlock.pml, used by its controllers; the do_ parts also by resume.pml.
 *
 * `src` is the side that is left; `a`, `s`, `e`: attempt, state and epoch of its register as read;
 * `gs`, `gd`: the guards of both sides as read.
 */

#define dst (1 - src)

/* A controller keeps nothing from one round to the next but what the servers say. */
inline forget()
{
	src = 0; gs = 0; gd = 0; a = 0; e = 0; to = 0; s = 0
#ifdef M_EARLYL
	; early = 0
#endif
}

inline retry()
{
	forget();
	goto again
}

#ifdef M_STARTANY
#define IS_FREE(pair) true
#else
#define IS_FREE(pair) (PHASE(pair) != TURN) /* (a, turn) is left only by the turn */
#endif
#define MAY_BE_HELD(pair) ((ATTEMPT(pair) < to && IS_FREE(pair)) || (pair) == G(to, HELD))

/* Decision 2: before SEAL(to) both guards stand at (to, held). */
inline step_guard()
{
	atomic {
		if
		:: to = a + 1
		:: a + 2 <= ATTEMPTS -> to = a + 2
		fi;
		if
		:: MAY_BE_HELD(gs) && MAY_BE_HELD(gd) && state[dst] == STANDBY
		:: else -> retry()
		fi
	};
	MOVE_GUARD(src, gs, G(to, HELD));
	MOVE_GUARD(dst, gd, G(to, HELD))
}

inline step_seal()
{
	atomic {
		if
		:: state[src] == ACTIVE && att[src] < to ->
			state[src] = SEALED;
			att[src] = to;
			open[src] = false
		:: else
		fi;
		forget()
	}
}

/* One look of the proof; it ends what it finds, and the proof begins again. */
inline look_for(kind)
{
	atomic {
		if
		:: sess[src] == kind -> sess[src] = NONE; retry()
		:: else
		fi
	}
}

/* Decision 3: first the locks of backends that are still starting, then the list of sessions. */
inline step_end_and_prove()
{
#if defined(M_PROOFORDER)
	look_for(LISTED);
	look_for(STARTING)
#elif defined(M_NOLOCKS)
	look_for(LISTED)
#else
	look_for(STARTING);
	look_for(LISTED)
#endif
}

/* Law 7: written after the proof. */
inline step_marker()
{
	atomic {
		if
		:: AT(src, G(a, HELD)) ->
			if
			:: mark_att < a -> mark_att = a; mark_side = src; mark_pos = end[src]
			:: else
			fi
		:: else -> retry()
		fi
	}
}

/* Decision 5: seen on the other side, then made durable there by one synchronous commit. */
inline step_reached()
{
	atomic {
		if
		:: mark_seen >= a ->
#ifndef M_VISIBLE
			flush(dst)
#else
			skip
#endif
		:: else -> retry()
		fi
	}
}

/* Decision 6: DISABLE, then wait until the worker is dead. */
inline step_cut()
{
#ifdef M_ENABLEHELD
	if
	:: atomic { !link_on[src] && AT(dst, G(a, HELD)) -> switch_on(src) }
	:: true
	fi;
#endif
	atomic {
		if
		:: AT(dst, G(a, HELD)) -> link_on[src] = false
		:: else -> retry()
		fi
	};
#ifndef M_NOWAIT
	atomic {
		if
		:: !worker[src]
		:: else -> retry()
		fi
	}
#endif
}

inline step_sequences()
{
	atomic {
		if
		:: AT(dst, G(a, HELD)) ->
			assert(!open[dst]); /* nobody draws from a sequence that is being set */
			seq[dst] = MAX(seq[src], seq[dst])
		:: else -> retry()
		fi
	}
}

/* The commit point: from here on only the other side's register decides. */
inline step_commit()
{
#ifdef FENCE_ALL
	/* Needed by waves only (wave.pml), harmless here: PROMOTE's guard move, made earlier. */
	MOVE_GUARD(dst, G(a, HELD), G(a, PROMOTE));
#endif
	MOVE_GUARD(src, gs, G(a, COMMIT));
	atomic {
		if
		:: state[src] == SEALED && att[src] == a -> state[src] = COMMITTING
		:: else
		fi;
		forget()
	}
}

/* Decision 2: PROMOTE's move starts only from these two; from any other pair a is revoked. */
#ifdef M_PROMANY
#define MAY_PROMOTE(pair, attempt) true
#else
#define MAY_PROMOTE(pair, attempt) ((pair) == G(attempt, HELD) || (pair) == G(attempt, PROMOTE))
#endif

#ifdef M_EPOCH
#define NEXT_EPOCH(seen) (epoch[dst] + 1)
#else
#define NEXT_EPOCH(seen) (MAX(epoch[dst], seen) + 1)
#endif

/* One half of the write-once answer.  `pos`: the way back, fixed by this very statement (law 5). */
inline do_promote(attempt, seen, pos)
{
	state[dst] = ACTIVE;
	att[dst] = attempt;
	promoted[dst] = attempt;
	wayback[dst] = pos;
	epoch[dst] = NEXT_EPOCH(seen);
	flush(dst);
	was_promoted = was_promoted | (1 << attempt);
#ifdef WITNESS_AGAIN
	assert(!(was_revoked & 2) || attempt < 2);
#endif
	assert(!(was_revoked & (1 << attempt))); /* I4 PROMOTED(a) xor REVOKED(a) */
	assert(seq[dst] >= seq[src]);		 /* I7 sequences are not behind */
	open_door(dst)
}

/* The other half. */
inline do_revoke(attempt)
{
	revoked[dst] = attempt;
	was_revoked = was_revoked | (1 << attempt);
	assert(!(was_promoted & (1 << attempt))) /* I4 */
}

#ifdef M_EARLYL
#define PROMOTE_POS early
#else
#define PROMOTE_POS end[dst]
#endif

inline step_promote()
{
#ifdef M_EARLYL
	early = end[dst];
#endif
	MOVE_GUARD(dst, gd, G(a, PROMOTE));
	atomic {
		if
		:: state[dst] == STANDBY && revoked[dst] < a -> do_promote(a, e, PROMOTE_POS)
		:: else
		fi;
		forget()
	}
}

/* From any pair but never backwards; says that attempt a will not open this side. */
inline step_revoke()
{
	MOVE_GUARD(dst, gd, G(MAX(ATTEMPT(gd), a), REVOKE));
	atomic {
		if
		:: state[dst] == STANDBY && revoked[dst] < a -> do_revoke(a)
		:: else
		fi;
		forget()
	}
}

inline do_reopen()
{
	assert(state[src] == SEALED || revoked[dst] >= att[src]); /* I5 after COMMITTING: only REVOKED */
	state[src] = ACTIVE;
	epoch[src]++;
	open_door(src)
}

/* From exactly the state that was seen.  `from` is SEALED: this register alone decides.  COMMITTING: the other one has said no. */
inline step_reopen(from)
{
	MOVE_GUARD(src, gs, G(MAX(ATTEMPT(gs), a), ABORTED));
	atomic {
		if
#ifdef M_REOPENANY
		:: (state[src] == SEALED || state[src] == COMMITTING) && att[src] == a ->
#else
		:: state[src] == from && att[src] == a ->
#endif
#ifdef M_LATEOPEN
			state[src] = ACTIVE
#else
			do_reopen()
#endif
		:: else -> retry()
		fi
	};
#ifdef M_LATEOPEN
	atomic { epoch[src]++; open_door(src) };
#endif
	step_close_dst()
}

/*
 * After REOPEN(a): the other guard leaves attempt a too, so that no late cut or setval of a lands.
 * Read as late as one likes, but moved only if it still is at attempt a: a later one is alive (for
 * one store that would only spoil the later attempt; for a wave see M_CLOSEANY in wave.pml).
 */
inline step_close_dst()
{
	atomic {
		gd = guard[dst];
		if
		:: ATTEMPT(gd) == a && (PHASE(gd) == HELD || PHASE(gd) == PROMOTE || PHASE(gd) == REVOKE) && state[dst] == STANDBY
		:: else -> retry()
		fi
	};
	MOVE_GUARD(dst, gd, G(ATTEMPT(gd), ABORTED))
}

/* Only after the other side was seen promoted at a.  The guard first, as always. */
inline step_retire()
{
	MOVE_GUARD(src, gs, G(a, TURN));
	atomic {
		if
		:: state[src] == COMMITTING && att[src] == a -> state[src] = STANDBY; revoked[src] = a
		:: else
		fi;
		forget()
	}
}

/* Decision 6: once, at exactly (a, turn), with the advance of the origin, all in one. */
inline do_turn(attempt)
{
#ifndef M_TURNNOADVANCE
	origin[dst] = wayback[dst];
	origin_dur[dst] = wayback[dst]; /* commits synchronously */
#endif
	switch_on(dst);
#ifndef M_TURNTWICE
	guard[src] = G(attempt, TURNED)
#endif
}

inline step_turn()
{
	atomic {
		if
		:: AT(src, G(a, TURN)) && promoted[dst] == a && !worker[dst] -> /* a held origin refuses */
#ifdef WITNESS_ROLLBACK
			assert(was_promoted != 6); /* both attempts: there and back */
#endif
			if
			:: do_turn(a)
			/* Rolled back; the advance of an origin is not undone with its transaction. */
			:: origin[dst] = wayback[dst]; settle(src)
			fi
		:: else
		fi;
		forget()
	}
}

/* Decision 2: promoted at the present attempt means turn, otherwise repair. */
#ifdef M_NOPATT
#define IS_REPAIR(s) true
#else
#define IS_REPAIR(s) ((promoted[s] != att[s] || att[s] == 0) && state[1 - (s)] == STANDBY)
#endif
#ifdef M_REPAIRA
#define IS_NEAR(s) (ATTEMPT(guard[1 - (s)]) <= att[s])
#else
#define IS_NEAR(s) true
#endif

/* The open side's link, never with an advance.  `gd` was read before the register said ACTIVE. */
inline step_relink()
{
	atomic {
		if
		:: !link_on[src] && IS_REPAIR(src) && IS_NEAR(src) && PHASE(gd) != TURN
		:: else -> retry()
		fi
	};
	MOVE_GUARD(dst, gd, G(ATTEMPT(gd), ABORTED));
	atomic {
		if
		:: AT(dst, G(ATTEMPT(gd), ABORTED)) ->
#ifdef M_RELINKADVANCE
			origin[src] = dur[src];
#endif
			switch_on(src)
		:: else
		fi;
		forget()
	}
}

/* What an attempt that was never sealed, or a gateway's abort, left on the guards. */
#define IS_LEFT_SRC(pair) (PHASE(pair) == HELD || PHASE(pair) == COMMIT || PHASE(pair) == REVOKE)
#define IS_LEFT_DST(pair) (PHASE(pair) == HELD || PHASE(pair) == PROMOTE || PHASE(pair) == REVOKE)
inline step_tidy()
{
	if
	:: IS_LEFT_SRC(gs) -> MOVE_GUARD(src, gs, G(ATTEMPT(gs), ABORTED))
	:: else
	fi;
	if
	:: IS_LEFT_DST(gd) -> MOVE_GUARD(dst, gd, G(ATTEMPT(gd), ABORTED))
	:: else
	fi
}

