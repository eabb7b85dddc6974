#include "core/classify.h"

#include "base/check.h"

static int64_t max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t classify_attempt(const struct core_view *view)
{
	int64_t top = 0;

	for (int s = 0; s < SIDE_COUNT; s++) {
		const struct door *door = &view->door[s];

		if (!view->reachable[s])
			continue;
		top = max64(top, max64(door->guard.attempt, door->reg.attempt));
		top = max64(top, max64(door->reg.revoked, door->reg.promoted));
	}
	return top;
}

/* A guard that stands at a phase of an attempt that nobody finished. */
static bool guard_is_leftover(struct guard guard)
{
	return guard.phase == GUARD_HELD || guard.phase == GUARD_COMMIT ||
	       guard.phase == GUARD_REVOKE;
}

/* On the side that an attempt opened its guard is history: a refusal that came too late may have
 * moved it, and the register's yes stands. */
static bool open_is_leftover(const struct door *open)
{
	bool answered = open->reg.promoted > 0 && open->reg.promoted == open->guard.attempt;

	return guard_is_leftover(open->guard) && !answered;
}

/* `src` is ACTIVE beside a STANDBY: settled, turning, or with something left over. */
static struct sighting classify_open(const struct core_view *view, enum side src)
{
	enum side dst = side_other(src);
	const struct door *open = &view->door[src], *shut = &view->door[dst];
	struct sighting ret = {SIGHT_OPEN, src, classify_attempt(view)};

	if (shut->reg.state == REG_ABSENT) {
		ret.sight = SIGHT_ABSENT;
	} else if (shut->guard.phase == GUARD_TURN) {
		/* The shut side is the one that was left; its turn is all that remains, and only
		 * the promotion that it answers to can have put it there. */
		ret = (struct sighting){SIGHT_TURN, dst, shut->guard.attempt};
		if (open->reg.promoted != ret.attempt)
			ret.sight = SIGHT_BROKEN;
	} else if (open_is_leftover(open) || guard_is_leftover(shut->guard) ||
		   shut->guard.phase == GUARD_PROMOTE) {
		/* (a, promote) is where a completed attempt leaves the side that it opened. */
		ret.sight = SIGHT_LEFTOVER;
	} else if (view->link[src] == LINK_OFF && open->reg.promoted != open->reg.attempt) {
		/* Cut by an attempt that was aborted: repair.  Promoted at the present attempt
		 * would mean turn, never repair. */
		ret.sight = SIGHT_LEFTOVER;
	}
	return ret;
}

/* `src` is COMMITTING(a): only the destination's write-once register can say. */
static struct sighting classify_committing(const struct core_view *view, enum side src)
{
	enum side dst = side_other(src);
	const struct door *to = &view->door[dst];
	int64_t attempt = view->door[src].reg.attempt;
	struct sighting ret = {SIGHT_DOUBT, src, attempt};

	if (!view->reachable[dst])
		ret.sight = SIGHT_BLIND;
	else if (to->reg.state == REG_ACTIVE && to->reg.promoted == attempt)
		ret.sight = SIGHT_PROMOTED;
	else if (to->reg.state != REG_STANDBY)
		ret.sight = SIGHT_BROKEN;
	else if (to->reg.revoked >= attempt)
		ret.sight = SIGHT_REVOKED;
	else if (to->guard.attempt != attempt ||
		 (to->guard.phase != GUARD_HELD && to->guard.phase != GUARD_PROMOTE))
		ret.sight = SIGHT_REVOKED; /* PROMOTE may no longer start: revoke first */
	return ret;
}

static bool both_reachable(const struct core_view *view)
{
	return view->reachable[SIDE_OLD] && view->reachable[SIDE_NEW];
}

struct sighting classify_member(const struct core_view *view)
{
	struct sighting ret = {SIGHT_BLIND, SIDE_OLD, classify_attempt(view)};
	bool busy[SIDE_COUNT];

	for (int s = 0; s < SIDE_COUNT; s++) {
		enum reg_state state = view->door[s].reg.state;

		busy[s] = view->reachable[s] && state != REG_ABSENT && state != REG_STANDBY;
	}
	if (busy[SIDE_OLD] && busy[SIDE_NEW]) {
		/* Legal only as ACTIVE(a) beside COMMITTING(a). */
		for (int s = 0; s < SIDE_COUNT; s++)
			if (view->door[s].reg.state == REG_COMMITTING)
				return classify_committing(view, (enum side)s);
		ret.sight = SIGHT_BROKEN;
		return ret;
	}
	for (int s = 0; s < SIDE_COUNT; s++) {
		const struct reg *reg = &view->door[s].reg;

		if (!busy[s])
			continue;
		ret.src = (enum side)s;
		if (reg->state == REG_COMMITTING)
			return classify_committing(view, (enum side)s);
		if (reg->state == REG_SEALED) {
			ret.sight = SIGHT_SEALED; /* the source alone decides */
			ret.attempt = reg->attempt;
		} else if (both_reachable(view)) {
			return classify_open(view, (enum side)s);
		}
		return ret;
	}
	if (!both_reachable(view))
		return ret;
	ret.sight = view->door[SIDE_OLD].reg.state == REG_ABSENT ? SIGHT_ABSENT : SIGHT_BROKEN;
	return ret;
}

/* Was the decider opened at the other side of src by attempt a? */
static bool decided_yes(const struct core_view *decider, enum side src, int64_t attempt)
{
	const struct reg *to = &decider->door[side_other(src)].reg;

	return decider->reachable[side_other(src)] && to->promoted == attempt;
}

static struct classified settled(const struct core *core, bool leftover, enum side open)
{
	struct classified ret = {SIGNAL_SEEN_READY, open, 0};

	if (leftover || core->holding)
		ret.signal = SIGNAL_SEEN_LEFTOVER;
	else if (core->config.mode == CORE_FINALIZE ||
		 (core->config.mode == CORE_RUN && open == core->config.goal))
		ret.signal = SIGNAL_SEEN_GOAL;
	return ret;
}

static bool is_under_way(enum sight sight)
{
	return sight == SIGHT_SEALED || sight == SIGHT_DOUBT || sight == SIGHT_REVOKED ||
	       sight == SIGHT_PROMOTED || sight == SIGHT_TURN;
}

/* Where a member stands toward (src, attempt), at which another member is under way. */
struct stand {
	bool there; /* on the other side already */
	bool asked; /* committing there, not answered */
	bool can;   /* led or still to be led there by this very attempt */
	bool stray; /* under way somewhere else: looks at different instants, or a contradiction */
};

static struct stand stand_of(
	const struct core_view *view, const struct sighting *sight, enum side src, int64_t attempt)
{
	bool same = sight->src == src && sight->attempt == attempt;
	bool settled = sight->sight == SIGHT_OPEN || sight->sight == SIGHT_LEFTOVER;
	bool past = sight->sight == SIGHT_PROMOTED || sight->sight == SIGHT_TURN;
	struct stand ret = {0};

	/* Sealed at an older attempt is a late word of a controller that is gone: it is undone. */
	ret.stray = !same && is_under_way(sight->sight) &&
		    (sight->src != src || sight->sight != SIGHT_SEALED);
	ret.there = past || (settled && sight->src != src);
	ret.asked = same && sight->sight == SIGHT_DOUBT;
	ret.can = ret.there ? decided_yes(view, src, attempt) : ret.asked;
	return ret;
}

/* All members of a wave toward (src, attempt). */
struct muster {
	bool any_there, any_asked, any_promoted, any_stray, all_can, all_asked;
};

static struct muster muster(
	const struct core *core, const struct sighting *sights, enum side src, int64_t attempt)
{
	struct muster ret = {.all_can = true, .all_asked = true};

	for (size_t m = 0; m < core->config.members; m++) {
		struct stand stand = stand_of(&core->member[m].view, &sights[m], src, attempt);

		ret.any_there |= stand.there;
		ret.any_asked |= stand.asked;
		ret.any_stray |= stand.stray;
		ret.any_promoted |= sights[m].sight == SIGHT_PROMOTED;
		ret.all_can &= stand.can;
		ret.all_asked &= stand.asked;
	}
	return ret;
}

/*
 * Something is under way at (src, attempt) on at least one member.  The decider commits last and
 * is promoted first: after its "yes" everybody can follow, before it nobody is there, and it may be
 * asked only when everybody has committed at this very attempt.  Anything else contradicts the
 * protocol, or was seen at different instants.
 */
static enum signal under_way(
	const struct core *core, const struct sighting *sights, enum side src, int64_t attempt)
{
	const struct sighting *decider = &sights[core->config.decider];
	bool yes = decided_yes(&core->member[core->config.decider].view, src, attempt);
	struct muster all = muster(core, sights, src, attempt);

	if (all.any_stray || (yes ? !all.all_can : all.any_there))
		return SIGNAL_SEEN_BROKEN;
	if (yes && !all.any_asked)
		/* Whoever still holds clients has to release them, even when another controller
		 * has retired the source meanwhile. */
		return all.any_promoted || core->holding ? SIGNAL_SEEN_PROMOTED
							 : SIGNAL_SEEN_RETIRED;
	if (yes || all.all_asked)
		return SIGNAL_SEEN_COMMITTING;
	/* The decider said no, or cannot be asked: nobody may go forward. */
	return decider->sight == SIGHT_SEALED || decider->sight == SIGHT_OPEN ||
			       decider->sight == SIGHT_LEFTOVER
		       ? SIGNAL_SEEN_SEALED
		       : SIGNAL_SEEN_REVOKED;
}

struct classified classify_wave(const struct core *core)
{
	struct sighting sights[CORE_MEMBERS_MAX] = {0};
	struct classified ret = {SIGNAL_SEEN_BLIND, SIDE_OLD, 0};
	const struct sighting *busy = NULL;
	bool leftover = false, blind = false, broken = false, split = false;
	int64_t top = 0;

	for (size_t m = 0; m < core->config.members; m++) {
		INVARIANT(core->member[m].seen);
		sights[m] = classify_member(&core->member[m].view);
		top = max64(top, classify_attempt(&core->member[m].view));
		leftover |= sights[m].sight == SIGHT_LEFTOVER;
		blind |= sights[m].sight == SIGHT_BLIND;
		broken |= sights[m].sight == SIGHT_BROKEN || sights[m].sight == SIGHT_ABSENT;
		split |= sights[m].src != sights[0].src;
		if (is_under_way(sights[m].sight) && (!busy || sights[m].attempt > busy->attempt))
			busy = &sights[m];
	}
	if (broken) {
		ret.signal = SIGNAL_SEEN_BROKEN;
	} else if (blind) {
		ret.signal = SIGNAL_SEEN_BLIND;
	} else if (busy) {
		ret.src = busy->src;
		ret.signal = under_way(core, sights, busy->src, busy->attempt);
	} else if (split) {
		ret.signal = SIGNAL_SEEN_BROKEN;
	} else {
		ret = settled(core, leftover, sights[0].src);
	}
	ret.attempt = busy ? busy->attempt : top;
	if (ret.signal == SIGNAL_SEEN_SEALED || ret.signal == SIGNAL_SEEN_LEFTOVER ||
		ret.signal == SIGNAL_SEEN_READY)
		ret.attempt = top;
	return ret;
}
