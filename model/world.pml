/*
 * world.pml - what goes on by itself: clients, links, markers, crashes, gateways, visits.
 * Included by airlock.pml.
 */

inline client_commit(s)
{
	LOG_AT(s, end[s]) = written;
	end[s]++;
	has[s] = has[s] | (1 << written);
	seq[s]++;
	written++;
	flush(s);
	assert(!open[1 - (s)])	     /* I3 again: nobody writes beside an open door */
}

inline apply_next(d, r)
{
	r = LOG_AT(d, FROM(d));
	if
	:: r == NO_ROW
	:: else ->
		assert(!(has[1 - (d)] & (1 << r))); /* I8 no row is echoed or applied twice */
		LOG_AT(1 - (d), end[1 - (d)]) = r;
		end[1 - (d)]++;
		has[1 - (d)] = has[1 - (d)] | (1 << r)
	fi;
	origin[d] = FROM(d) + 1;
	settle(1 - (d));
	r = 0
}

/* What was not durable is gone: log, rows applied, origin, slot, marker; sessions and workers too. */
inline crash(s, r)
{
	crashes++;
	do
	:: end[s] > dur[s] ->
		end[s]--;
		r = LOG_AT(s, end[s]);
		LOG_AT(s, end[s]) = 0;
		if
		:: r == NO_ROW
		:: else -> has[s] = has[s] & ~(1 << r)
		fi
	:: else -> break
	od;
	origin[1 - (s)] = origin_dur[1 - (s)];
	slot[s] = 0;
	if
	:: mark_side == 1 - (s) -> mark_seen = mark_dur
	:: else
	fi;
	sess[s] = NONE;
	worker[0] = false;
	worker[1] = false;
	settle(0);
	settle(1);
	assert(!open[s] || has[s] == ALL_ROWS); /* I2 an open side keeps what it acknowledged */
	r = 0
}

#ifdef QUICK_LOGIN
#define ADMITTED LISTED
#else
#define ADMITTED STARTING
#endif

proctype World()
{
	byte s, r;

	do
	/* Clients.  STARTING: past the admission check, not yet in the list of sessions. */
	:: atomic { open[0] && sess[0] == NONE && written < ROWS -> sess[0] = ADMITTED }
	:: atomic { open[1] && sess[1] == NONE && written < ROWS -> sess[1] = ADMITTED }
	:: atomic { sess[0] == STARTING -> sess[0] = LISTED }
	:: atomic { sess[1] == STARTING -> sess[1] = LISTED }
	:: atomic { written < ROWS && sess[0] == LISTED -> client_commit(0) }
	:: atomic { written < ROWS && sess[1] == LISTED -> client_commit(1) }
	:: atomic { sess[0] == LISTED -> sess[0] = NONE }
	:: atomic { sess[1] == LISTED -> sess[1] = NONE }
#if CRASHES > 0
	:: atomic { link_on[0] && !worker[0] -> worker[0] = true }
	:: atomic { link_on[1] && !worker[1] -> worker[1] = true }
#endif
	/* Workers outlive the DISABLE of their link for a while. */
	:: atomic { !link_on[0] && worker[0] -> worker[0] = false }
	:: atomic { !link_on[1] && worker[1] -> worker[1] = false }
	:: atomic { worker[0] && FROM(0) < dur[0] -> apply_next(0, r) }
	:: atomic { worker[1] && FROM(1) < dur[1] -> apply_next(1, r) }
	/* The marker arrives after everything before it. */
	:: atomic { mark_att > mark_seen && worker[mark_side] && FROM(mark_side) >= mark_pos ->
		mark_seen = mark_att;
		settle(1 - mark_side) }
	/* Logs become durable by themselves, later. */
#if CRASHES > 0
	:: atomic { dur[0] < end[0] || origin_dur[1] != origin[1] -> flush(0) }
	:: atomic { dur[1] < end[1] || origin_dur[0] != origin[0] -> flush(1) }
#endif
#if NOISE > 0
	:: atomic { noises < NOISE ->
		noises++;
		if
		:: s = 0
		:: s = 1
		fi;
		LOG_AT(s, end[s]) = NO_ROW;
		end[s]++;
		settle(s);
		s = 0 }
#endif
#if CRASHES > 0
	:: atomic { crashes < CRASHES ->
		if
		:: s = 0
		:: s = 1
		fi;
		crash(s, r);
		s = 0 }
#endif
	/* Law 6: abort_if_expired(a), the one register move that is not a controller's. */
#if GATEWAYS > 0
	:: atomic { state[0] == SEALED -> state[0] = ACTIVE; epoch[0]++; open_door(0) }
	:: atomic { state[1] == SEALED -> state[1] = ACTIVE; epoch[1]++; open_door(1) }
#endif
	od
}

/*
 * Decision 6: a visit advances only the slot of the side whose register is STANDBY: guard read
 * first, then the register, then under exactly that pair.
 */
#if VISITS > 0
proctype Visitor()
{
	byte s, pair;

again:	atomic {
		if
		:: s = 0
		:: s = 1
		fi;
		pair = guard[s]
	};
	atomic {
		if
#ifdef M_VISITANY
		:: !link_on[s]
#else
		:: state[s] == STANDBY
#endif
		:: else -> s = 0; pair = 0; goto again
		fi
	};
	atomic {
		if
		:: guard[s] == pair && !worker[s] && (PHASE(pair) == IDLE || PHASE(pair) == ABORTED || PHASE(pair) == TURNED) ->
			slot[s] = dur[s]
		:: else
		fi;
		s = 0;
		pair = 0;
		goto again
	}
}
#endif

