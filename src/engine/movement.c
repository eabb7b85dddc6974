#include "engine/movement.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "plan/graph.h"

static const char *const move_names[MOVE_STATE_COUNT] = {
	[MOVE_NONE] = "none",
	[MOVE_THERE] = "there",
	[MOVE_INTENT] = "intent",
	[MOVE_MOVED] = "moved",
	[MOVE_FAILED] = "failed",
};

static const char *const wave_names[WAVE_STATE_COUNT] = {
	[WAVE_NONE] = "none",
	[WAVE_BEGUN] = "begun",
	[WAVE_UNDOING] = "undoing",
	[WAVE_PENDING] = "pending",
	[WAVE_DONE] = "done",
	[WAVE_UNDONE] = "undone",
	[WAVE_LEFT] = "left",
};

const char *move_state_name(enum move_state state)
{
	REQUIRE(state < MOVE_STATE_COUNT);
	return move_names[state];
}

const char *wave_state_name(enum wave_state state)
{
	REQUIRE(state < WAVE_STATE_COUNT);
	return wave_names[state];
}

static size_t find(const char *const *names, size_t count, const char *name)
{
	size_t i = 0;

	while (i < count && strcmp(names[i], name) != 0)
		i++;
	return i;
}

enum move_state move_state_find(const char *name)
{
	return (enum move_state)find(move_names, MOVE_STATE_COUNT, name);
}

enum wave_state wave_state_find(const char *name)
{
	return (enum wave_state)find(wave_names, WAVE_STATE_COUNT, name);
}

/* ---- the order ------------------------------------------------------------------------------- */

static void add(struct movement *m, const struct plan_service *service, bool after)
{
	m->items[m->count++] = (struct move_item){.service = service, .after = after};
}

static void add_tier(
	struct movement *m, const struct plan *plan, const struct wave *wave, enum plan_tier tier)
{
	bool has_stores = wave->decider != PLAN_NONE;
	bool is_late = tier_rank(tier) > tier_rank(TIER_STORE);

	for (size_t i = 0; i < wave->members_count; i++) {
		const struct plan_service *s;

		if (wave->members[i] < plan->stores_count)
			continue;
		s = &plan->services[wave->members[i] - plan->stores_count];
		if (s->tier == tier && s->move.exec != NULL)
			add(m, s, has_stores && is_late);
	}
}

/* What came last goes back first, and what stood behind the stores now stands before them. */
static void turn_round(struct movement *m, bool has_stores)
{
	for (size_t i = 0; i < m->count / 2; i++) {
		struct move_item item = m->items[i];

		m->items[i] = m->items[m->count - 1 - i];
		m->items[m->count - 1 - i] = item;
	}
	for (size_t i = 0; has_stores && i < m->count; i++)
		m->items[i].after = !m->items[i].after;
}

void movement_list(const struct plan *plan, const struct wave *wave, enum side goal,
	struct arena *arena, struct movement *m)
{
	static const enum plan_tier order[] = {
		TIER_SUPPORT, TIER_READ_ONLY, TIER_REPLAYABLE, TIER_ENTRY};

	m->items = arena_calloc(arena, wave->members_count + 1, sizeof *m->items);
	m->count = 0;
	m->goal = goal;
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		add_tier(m, plan, wave, order[i]);
	if (goal == SIDE_OLD)
		turn_round(m, wave->decider != PLAN_NONE);
}

/* ---- one service ----------------------------------------------------------------------------- */

static struct action_call call_of(
	const struct movement *m, const struct move_item *item, enum side to)
{
	return (struct action_call){.action = &item->service->move,
		.dir = m->dir,
		.side = side_name(to),
		.observe_side = side_name(SIDE_NEW)};
}

static int look_at(struct movement *m, struct move_item *item, struct err *err)
{
	const struct action_call call = call_of(m, item, m->goal);
	bool is_new = false;

	item->seen.known = false;
	if (action_observe(&call, &is_new, err))
		return err_wrap(err, "on which side %s is, is unknown", item->service->name);
	item->seen = (struct move_seen){true, is_new ? SIDE_NEW : SIDE_OLD};
	return 0;
}

static bool is_at(const struct move_item *item, enum side side)
{
	return item->seen.known && item->seen.side == side;
}

static bool is_touched(const struct move_item *item)
{
	return item->state == MOVE_INTENT || item->state == MOVE_MOVED ||
	       item->state == MOVE_FAILED;
}

static struct move_note note_of(
	const struct movement *m, const struct move_item *item, enum side to)
{
	const struct plan_action *move = &item->service->move;

	return (struct move_note){.item = item,
		.state = item->state,
		.undoing = to != m->goal,
		.goal = to,
		.command = to == SIDE_NEW ? move->exec : move->undo,
		.undo = to == SIDE_NEW ? move->undo : move->exec,
		.why = ""};
}

static void say(
	const struct movement *m, const struct move_item *item, const char *what, enum side side)
{
	char text[80];

	snprintf(text, sizeof text, "%s %s", what, side_name(side));
	m->tell(m->arg, item->service->name, text);
}

static bool is_asked_to_stop(const struct movement *m)
{
	return m->stop_asked && *m->stop_asked;
}

/* Runs the command towards `to`; item->seen is what was observed last. */
static int make(struct movement *m, struct move_item *item, enum side to,
	struct action_report *ret_report, struct err *err)
{
	const struct action_call call = call_of(m, item, to);
	struct err ignored = ERR_INIT;
	int rc = action_make(&call, to == SIDE_NEW, ret_report, err);

	if (rc == 0)
		item->seen = (struct move_seen){true, to};
	else if (look_at(m, item, &ignored))
		item->seen.known = false;
	return rc;
}

static int is_there(struct movement *m, struct move_item *item, struct err *err)
{
	struct move_note note;

	/* After an intent of ours it was our command that brought it there. */
	item->state = is_touched(item) ? MOVE_MOVED : MOVE_THERE;
	note = note_of(m, item, m->goal);
	note.command = NULL;
	say(m, item, item->state == MOVE_MOVED ? "is on" : "is already on", m->goal);
	return m->remember(m->arg, &note, err);
}

static int carry_one(struct movement *m, struct move_item *item, struct err *err)
{
	struct action_report report;
	struct move_note note = note_of(m, item, m->goal);
	int rc;

	note.state = MOVE_INTENT;
	if (ENV_STEP(m->env, "move-intent", m->remember(m->arg, &note, err)))
		return -1;
	item->state = MOVE_INTENT;
	rc = ENV_STEP(m->env, "move", make(m, item, m->goal, &report, err));
	item->state = rc ? MOVE_FAILED : MOVE_MOVED;
	note = note_of(m, item, m->goal);
	note.report = &report;
	if (rc) {
		struct err unwritten = ERR_INIT;

		note.why = err->msg;
		if (m->remember(m->arg, &note, &unwritten))
			m->tell(m->arg, item->service->name, unwritten.msg);
		return err_wrap(err, "moving %s to %s", item->service->name, side_name(m->goal));
	}
	say(m, item, "moved to", m->goal);
	return ENV_STEP(m->env, "move-seen", m->remember(m->arg, &note, err));
}

/* Without a journal it is taken back all the same: leaving it where it is would not be safer. */
static void note_back(struct movement *m, const struct move_note *note)
{
	struct err err = ERR_INIT;

	if (m->remember(m->arg, note, &err))
		m->tell(m->arg, note->item->service->name, err.msg);
}

static int back_one(struct movement *m, struct move_item *item, struct err *err)
{
	enum side source = side_other(m->goal);
	struct action_report report;
	struct move_note note = note_of(m, item, source);
	int rc;

	note.state = MOVE_INTENT;
	env_point(m->env, "before", "move-back-intent");
	note_back(m, &note);
	env_point(m->env, "after", "move-back-intent");
	rc = ENV_STEP(m->env, "move-back", make(m, item, source, &report, err));
	note.state = rc ? MOVE_FAILED : MOVE_MOVED;
	note.report = &report;
	note.why = rc ? err->msg : "";
	note_back(m, &note);
	if (rc) {
		item->state = MOVE_FAILED;
		return err_wrap(
			err, "taking %s back to %s", item->service->name, side_name(source));
	}
	item->state = MOVE_NONE;
	say(m, item, "is back on", source);
	return 0;
}

/* ---- a wave ---------------------------------------------------------------------------------- */

static int become(struct movement *m, enum wave_state state, struct err *err)
{
	if (m->remember_wave(m->arg, state, err))
		return -1;
	m->state = state;
	return 0;
}

int movement_look(struct movement *m, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < m->count; i++) {
		struct err failed = ERR_INIT;

		if (look_at(m, &m->items[i], &failed) && rc == 0) {
			*err = failed;
			rc = -1;
		}
	}
	return rc;
}

bool movement_is_needed(const struct movement *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (!is_at(&m->items[i], m->goal))
			return true;
	return false;
}

bool movement_has_touched(const struct movement *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (is_touched(&m->items[i]))
			return true;
	return false;
}

bool movement_is_lost(const struct movement *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (is_touched(&m->items[i]) && !m->items[i].seen.known)
			return true;
	return false;
}

int movement_begin(struct movement *m, struct err *err)
{
	return ENV_STEP(m->env, "wave-begin", become(m, WAVE_BEGUN, err));
}

int movement_carry(struct movement *m, bool after, struct err *err)
{
	for (size_t i = 0; i < m->count; i++) {
		struct move_item *item = &m->items[i];
		int rc;

		if (item->after != after)
			continue;
		if (is_asked_to_stop(m))
			return err_set(err, ERR_REFUSED, "asked to stop before %s was moved",
				item->service->name);
		if (look_at(m, item, err))
			return -1;
		rc = is_at(item, m->goal) ? is_there(m, item, err) : carry_one(m, item, err);
		if (rc)
			return -1;
	}
	return 0;
}

int movement_take_back(struct movement *m, struct err *err)
{
	struct err unwritten = ERR_INIT;
	int rc = 0;

	if (movement_has_touched(m) &&
		ENV_STEP(m->env, "wave-undo", become(m, WAVE_UNDOING, &unwritten)))
		m->tell(m->arg, "the journal", unwritten.msg);
	for (size_t i = m->count; i-- > 0;) {
		struct err failed = ERR_INIT;

		if (!is_touched(&m->items[i]) || back_one(m, &m->items[i], &failed) == 0)
			continue;
		m->tell(m->arg, m->items[i].service->name, failed.msg);
		if (rc == 0)
			*err = failed;
		rc = -1;
	}
	return rc ? rc : ENV_STEP(m->env, "wave-end", become(m, WAVE_UNDONE, err));
}

/* Touched, and not where it is to be.  What an earlier attempt brought there stays. */
static bool is_stuck(struct movement *m, struct move_item *item)
{
	struct err ignored = ERR_INIT;

	if (item->state == MOVE_INTENT && look_at(m, item, &ignored) == 0 && is_at(item, m->goal))
		item->state = MOVE_MOVED;
	return item->state == MOVE_FAILED || item->state == MOVE_INTENT;
}

int movement_leave_pending(struct movement *m, struct err *err)
{
	struct err unwritten = ERR_INIT;
	int rc = 0;

	for (size_t i = m->count; i-- > 0;) {
		struct move_item *item = &m->items[i];
		struct err failed = ERR_INIT;

		if (!is_stuck(m, item) || back_one(m, item, &failed) == 0)
			continue;
		m->tell(m->arg, item->service->name, failed.msg);
		if (rc == 0)
			*err = failed;
		rc = -1;
	}
	if (ENV_STEP(m->env, "wave-end", become(m, WAVE_PENDING, &unwritten)) == 0)
		return rc;
	if (rc == 0)
		*err = unwritten;
	return -1;
}

int movement_end(struct movement *m, struct err *err)
{
	return ENV_STEP(m->env, "wave-end", become(m, WAVE_DONE, err));
}
