/*
 * resume.pml - from every state that can be reached, a lone `resume` must end well.  Included by
 * airlock.pml.
 */

#define IS_REST(pair) (PHASE(pair) == IDLE || PHASE(pair) == ABORTED || PHASE(pair) == TURNED)

/*
 * At any instant everybody else stops for ever and one `resume` runs alone, by one fixed policy:
 * SEALED is given back, COMMITTING goes forward where it still may.  It runs on a copy, so that the
 * search goes on from the state in which it was asked.
 */
#if RESUME > 0
hidden byte kept[30];
hidden byte src, round;

inline keep()
{
	kept[0] = state[0]; kept[1] = state[1];
	kept[2] = att[0]; kept[3] = att[1];
	kept[4] = epoch[0]; kept[5] = epoch[1];
	kept[6] = revoked[0]; kept[7] = revoked[1];
	kept[8] = promoted[0]; kept[9] = promoted[1];
	kept[10] = wayback[0]; kept[11] = wayback[1];
	kept[12] = open[0]; kept[13] = open[1];
	kept[14] = guard[0]; kept[15] = guard[1];
	kept[16] = dur[0]; kept[17] = dur[1];
	kept[18] = origin[0]; kept[19] = origin[1];
	kept[20] = origin_dur[0]; kept[21] = origin_dur[1];
	kept[22] = link_on[0]; kept[23] = link_on[1];
	kept[24] = worker[0]; kept[25] = worker[1];
	kept[26] = mark_dur;
	kept[27] = was_promoted;
	kept[28] = was_revoked;
	kept[29] = top_epoch
}

inline put_back()
{
	state[0] = kept[0]; state[1] = kept[1];
	att[0] = kept[2]; att[1] = kept[3];
	epoch[0] = kept[4]; epoch[1] = kept[5];
	revoked[0] = kept[6]; revoked[1] = kept[7];
	promoted[0] = kept[8]; promoted[1] = kept[9];
	wayback[0] = kept[10]; wayback[1] = kept[11];
	open[0] = kept[12]; open[1] = kept[13];
	guard[0] = kept[14]; guard[1] = kept[15];
	dur[0] = kept[16]; dur[1] = kept[17];
	origin[0] = kept[18]; origin[1] = kept[19];
	origin_dur[0] = kept[20]; origin_dur[1] = kept[21];
	link_on[0] = kept[22]; link_on[1] = kept[23];
	worker[0] = kept[24]; worker[1] = kept[25];
	mark_dur = kept[26];
	was_promoted = kept[27];
	was_revoked = kept[28];
	top_epoch = kept[29]
}

#define IS_SHUT_LEFT (state[dst] == STANDBY && IS_LEFT_DST(guard[dst]) && IS_NEAR(src))
#define IS_CUT \
	(!link_on[src] && IS_REPAIR(src) && IS_NEAR(src) && PHASE(guard[dst]) != TURN)
#define IS_DOUBT (state[src] == COMMITTING && state[dst] == STANDBY && revoked[dst] < att[src])

inline resume_step()
{
	if
	:: state[src] == STANDBY && guard[src] == G(att[src], TURN) ->
		worker[dst] = false;
		do_turn(att[src])
	:: state[src] == ACTIVE && IS_LEFT_SRC(guard[src]) ->
		guard[src] = G(ATTEMPT(guard[src]), ABORTED)
	:: state[src] == ACTIVE && !IS_LEFT_SRC(guard[src]) && IS_SHUT_LEFT ->
		guard[dst] = G(ATTEMPT(guard[dst]), ABORTED)
	:: state[src] == ACTIVE && !IS_LEFT_SRC(guard[src]) && !IS_SHUT_LEFT && IS_CUT ->
		guard[dst] = G(ATTEMPT(guard[dst]), ABORTED);
		switch_on(src)
	:: state[src] == SEALED ->
		guard[src] = G(MAX(ATTEMPT(guard[src]), att[src]), ABORTED);
		do_reopen()
	:: IS_DOUBT && MAY_PROMOTE(guard[dst], att[src]) ->
		guard[dst] = G(att[src], PROMOTE);
		do_promote(att[src], epoch[src], end[dst])
	:: IS_DOUBT && !MAY_PROMOTE(guard[dst], att[src]) ->
		guard[dst] = G(MAX(ATTEMPT(guard[dst]), att[src]), REVOKE);
		do_revoke(att[src])
	:: state[src] == COMMITTING && state[dst] == STANDBY && revoked[dst] >= att[src] ->
		guard[src] = G(MAX(ATTEMPT(guard[src]), att[src]), ABORTED);
		do_reopen()
	:: state[src] == COMMITTING && state[dst] != STANDBY && IS_ALIVE(guard[src]) ->
		guard[src] = G(att[src], TURN);
		state[src] = STANDBY;
		revoked[src] = att[src]
	:: else
	fi
}
/* Exactly one side is open, its link is the one that is on, and no effect is admitted anywhere. */
inline settled()
{
	assert(open[0] != open[1]);
	assert(link_on[0] == open[0] && link_on[1] == open[1]);
	src = (open[0] -> 0 : 1);
	assert(state[src] == ACTIVE && state[dst] == STANDBY);
	assert(IS_REST(guard[dst]));
	assert(IS_REST(guard[src]) || guard[src] == G(promoted[src], PROMOTE))
}

proctype Resume()
{
	do
	:: d_step {
		keep();
		src = 0;
		round = 0;
		do
		:: round < 12 -> resume_step(); src = dst; round++
		:: else -> break
		od;
		settled();
		put_back();
		src = 0;
		round = 0
	   }
	od
}
#endif

