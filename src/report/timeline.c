#include "report/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "plan/overlap.h"

struct making {
	const struct plan *plan;
	const struct sequence *sequence;
	const struct record *record;
	const struct attempts *attempts;
	struct arena *arena;
	struct timeline t;
};

/* ---- what a row says about doors ------------------------------------------------------------- */

static struct doors doors_of(enum side src, enum seen_door at_src, enum seen_door at_dst)
{
	struct doors ret;

	ret.side[src] = at_src;
	ret.side[side_other(src)] = at_dst;
	return ret;
}

static struct doors while_undoing(const struct attempt_move *move, enum side src)
{
	if (move->from == PHASE_READY || move->signal == SIGNAL_SEEN_LEFTOVER)
		return doors_of(src, SEEN_OPEN, SEEN_SHUT);
	if (move->from == PHASE_HELD) /* a seal that failed may have happened */
		return doors_of(src, SEEN_UNKNOWN, SEEN_SHUT);
	return doors_of(src, SEEN_SHUT, SEEN_SHUT);
}

/* What the machine knew when it came into this phase (core/phases.def). */
static struct doors after_move(const struct attempt_move *move, enum side src, struct doors before)
{
	if (move->from == move->to)
		return before;
	switch (move->to) {
	case PHASE_READY:
	case PHASE_HELD:
		return doors_of(src, SEEN_OPEN, SEEN_SHUT);
	case PHASE_SEALED:
	case PHASE_CAUGHT_UP:
		return doors_of(src, SEEN_SHUT, SEEN_SHUT);
	case PHASE_COMMITTING: /* met there by `resume`, the destination may have answered */
		return doors_of(
			src, SEEN_SHUT, move->from == PHASE_IDLE ? SEEN_UNKNOWN : SEEN_SHUT);
	case PHASE_PROMOTED:
	case PHASE_RELEASED:
	case PHASE_RETIRED:
	case PHASE_BAKING:
	case PHASE_FINAL:
		return doors_of(src, SEEN_SHUT, SEEN_OPEN);
	case PHASE_UNDOING:
		return while_undoing(move, src);
	case PHASE_UNKNOWN:
		return doors_of(src, move->from == PHASE_COMMITTING ? SEEN_SHUT : SEEN_UNKNOWN,
			SEEN_UNKNOWN);
	case PHASE_IDLE:
		break;
	case PHASE_COUNT:
		REQUIRE(move->to != PHASE_COUNT);
	}
	if (move->signal == SIGNAL_AGAIN)
		return before;
	return doors_of(src, SEEN_UNKNOWN, SEEN_UNKNOWN);
}

const char *seen_door_name(enum seen_door door)
{
	static const char *const names[] = {
		[SEEN_UNKNOWN] = "unknown", [SEEN_OPEN] = "open", [SEEN_SHUT] = "shut"};

	REQUIRE(door < ARRAY_LEN(names));
	return names[door];
}

const char *doors_writes(const struct doors *doors)
{
	if (doors->side[SIDE_OLD] == SEEN_OPEN && doors->side[SIDE_NEW] == SEEN_OPEN)
		return "both"; /* law 1 broken: said, not hidden */
	for (int side = 0; side < SIDE_COUNT; side++)
		if (doors->side[side] == SEEN_OPEN)
			return side_name((enum side)side);
	if (doors->side[SIDE_OLD] == SEEN_SHUT && doors->side[SIDE_NEW] == SEEN_SHUT)
		return "nobody";
	return "unknown";
}

/* ---- lanes ----------------------------------------------------------------------------------- */

static bool same_doors(const struct doors *a, const struct doors *b)
{
	return a->side[SIDE_OLD] == b->side[SIDE_OLD] && a->side[SIDE_NEW] == b->side[SIDE_NEW];
}

static struct doors doors_now(const struct lane *lane)
{
	REQUIRE(lane->count > 0);
	return lane->stretches[lane->count - 1].doors;
}

/* From this row on.  What takes no time is not drawn; what does not change goes on. */
static void turn_to(
	struct lane *lane, const struct record_row *row, const char *why, struct doors doors)
{
	struct stretch *last = &lane->stretches[lane->count - 1];
	int64_t at_ms = row->at_ms > last->from_ms ? row->at_ms : last->from_ms;

	if (same_doors(&last->doors, &doors))
		return;
	last->to_ms = at_ms;
	if (lane->count == 1 && at_ms == last->from_ms) /* the first row says it */
		lane->count--;
	lane->stretches[lane->count++] = (struct stretch){
		.from_ms = at_ms, .to_ms = at_ms, .doors = doors, .why = why, .seq = row->seq};
}

/* ---- rows and stores ------------------------------------------------------------------------- */

/* By the steps that the run took on stores; by the plan where it took none. */
static bool concerns(const struct making *m, const struct record_row *row, size_t store)
{
	const char *name = m->plan->stores[store].name;
	bool stepped = false;

	for (size_t i = 0; i < m->attempts->count + m->attempts->looks; i++) {
		const struct attempt *a = &m->attempts->list[i];

		if (a->wave != row->wave || strcmp(a->run, row->run) != 0)
			continue;
		for (size_t s = 0; s < a->steps_count; s++) {
			stepped = true;
			if (strcmp(a->steps[s].store, name) == 0)
				return true;
		}
	}
	if (stepped || row->wave < 1 || (size_t)row->wave > m->sequence->count)
		return false;
	for (size_t i = 0; i < m->sequence->waves[row->wave - 1].members_count; i++)
		if (m->sequence->waves[row->wave - 1].members[i] == store)
			return true;
	return false;
}

static const struct attempt *attempt_of(const struct making *m, const struct record_row *row)
{
	const struct attempt *ret = NULL;

	for (size_t i = 0; i < m->attempts->count + m->attempts->looks; i++) {
		const struct attempt *a = &m->attempts->list[i];

		if (a->wave != row->wave || strcmp(a->run, row->run) != 0)
			continue;
		if (a->number == row->attempt)
			return a;
		ret = a; /* the look at a run's beginning carries an older number */
	}
	return ret;
}

static void take_move(struct making *m, struct lane *lane, const struct record_row *row)
{
	const struct attempt *a = attempt_of(m, row);
	struct attempt_move move = {.from = phase_find(row_string(row, "from")),
		.to = phase_find(row_string(row, "to")),
		.signal = signal_find(row_string(row, "signal"))};

	if (move.from == PHASE_COUNT || move.to == PHASE_COUNT)
		return;
	if (a == NULL || !a->src_known)
		turn_to(lane, row, "no row says which side was left",
			doors_of(SIDE_OLD, SEEN_UNKNOWN, SEEN_UNKNOWN));
	else
		turn_to(lane, row, row->text, after_move(&move, a->src, doors_now(lane)));
}

/* The rows of a window are written when it is over: none after the intent, and the controller
 * ended within it. */
static void take_intent(struct making *m, struct lane *lane, const struct record_row *row)
{
	const struct attempt *a = attempt_of(m, row);

	for (size_t i = 0; a != NULL && i < a->moves_count; i++)
		if (a->moves[i].seq > row->seq)
			return;
	turn_to(lane, row, "the controller's rows end with its intent; only the registers know",
		doors_of(SIDE_OLD, SEEN_UNKNOWN, SEEN_UNKNOWN));
}

static void take_row(struct making *m, struct lane *lane, const struct record_row *row)
{
	const char *name = m->plan->stores[lane->store].name;

	if (strcmp(row->kind, "moved") == 0 && concerns(m, row, lane->store))
		take_move(m, lane, row);
	else if (strcmp(row->kind, "intent") == 0 && concerns(m, row, lane->store))
		take_intent(m, lane, row);
	else if (strcmp(row->store, name) != 0)
		return;
	else if (strcmp(row->kind, "sync") == 0)
		turn_to(lane, row, row->text, doors_of(SIDE_OLD, SEEN_OPEN, SEEN_SHUT));
	else if (strcmp(row->kind, "abandon") == 0 || strcmp(row->kind, "declare") == 0)
		turn_to(lane, row, row->text, doors_of(SIDE_OLD, SEEN_UNKNOWN, SEEN_UNKNOWN));
}

static void make_lane(struct making *m, size_t store, struct lane *lane)
{
	const struct record *record = m->record;

	lane->store = store;
	lane->stretches = arena_calloc(m->arena, record->count + 2, sizeof *lane->stretches);
	lane->stretches[lane->count++] = (struct stretch){.from_ms = m->t.from_ms,
		.to_ms = m->t.from_ms,
		.why = "nothing about it had been recorded yet"};
	for (size_t i = 0; i < record->count; i++)
		take_row(m, lane, &record->rows[i]);
	lane->stretches[lane->count - 1].to_ms = m->t.to_ms;
	for (size_t i = 0; i < lane->count; i++)
		if (strcmp(doors_writes(&lane->stretches[i].doors), "both") == 0)
			m->t.both_open_ms += lane->stretches[i].to_ms - lane->stretches[i].from_ms;
}

/* ---- services ------------------------------------------------------------------------------- */

static void take_service(struct timeline *t, const struct record_row *row)
{
	bool stops = json_is_true(json_object_get(row->detail, "stopped"));
	struct pause *open = NULL;

	for (size_t i = 0; i < t->pauses_count; i++)
		if (!t->pauses[i].ended && strcmp(t->pauses[i].service, row->key) == 0)
			open = &t->pauses[i];
	if (open != NULL && !stops) {
		open->to_ms = row->at_ms > open->from_ms ? row->at_ms : open->from_ms;
		open->ended = true;
	}
	if (open == NULL && stops)
		t->pauses[t->pauses_count++] = (struct pause){.service = row->key,
			.from_ms = row->at_ms,
			.to_ms = t->to_ms,
			.seq = row->seq};
}

static void make_pauses(struct making *m)
{
	m->t.pauses = arena_calloc(m->arena, m->record->count + 1, sizeof *m->t.pauses);
	for (size_t i = 0; i < m->record->count; i++)
		if (strcmp(m->record->rows[i].kind, "service") == 0 && m->record->rows[i].key[0])
			take_service(&m->t, &m->record->rows[i]);
}

/* ---- overlaps -------------------------------------------------------------------------------- */

/* The side that a store's clients write to, both shut: the one they last did; of a service the one
 * on which it was observed.  SIDE_COUNT = no row tells. */
static enum side side_at(const struct making *m, size_t node, int64_t at_ms)
{
	enum side ret = SIDE_COUNT;
	const struct lane *lane;

	if (node >= m->plan->stores_count)
		return place_at(&m->t.places, node - m->plan->stores_count, at_ms);
	lane = &m->t.lanes[node];
	for (size_t i = 0; i < lane->count && lane->stretches[i].from_ms <= at_ms; i++) {
		const struct doors *doors = &lane->stretches[i].doors;

		if (doors->side[SIDE_OLD] == SEEN_OPEN)
			ret = SIDE_OLD;
		else if (doors->side[SIDE_NEW] == SEEN_OPEN)
			ret = SIDE_NEW;
		else if (strcmp(doors_writes(doors), "unknown") == 0)
			ret = SIDE_COUNT;
	}
	return ret;
}

/* What is stopped connects to nobody. */
static bool is_stopped(const struct making *m, size_t node, int64_t at_ms)
{
	for (size_t i = 0; i < m->t.pauses_count; i++) {
		const struct pause *p = &m->t.pauses[i];

		if (node >= m->plan->stores_count && p->from_ms <= at_ms && at_ms < p->to_ms &&
			strcmp(p->service, plan_node_name(m->plan, node)) == 0)
			return true;
	}
	return false;
}

/* The ends are on two sides; where one is not known: what moves first may be on new and what moves
 * later on old.  False when surely not. */
static bool crosses(
	const struct making *m, size_t first, size_t later, int64_t at_ms, bool *ret_certain)
{
	enum side one = side_at(m, first, at_ms), two = side_at(m, later, at_ms);

	*ret_certain = one != SIDE_COUNT && two != SIDE_COUNT;
	if (is_stopped(m, first, at_ms) || is_stopped(m, later, at_ms))
		return false;
	if (*ret_certain)
		return one != two;
	if (one == SIDE_COUNT && two == SIDE_COUNT)
		return false;
	return one != SIDE_OLD && two != SIDE_NEW;
}

static void add_span(struct overlap *o, int64_t from_ms, int64_t to_ms, bool certain)
{
	struct overlap_span *last = o->count > 0 ? &o->spans[o->count - 1] : NULL;

	if (to_ms <= from_ms)
		return;
	if (last != NULL && last->to_ms == from_ms && last->certain == certain)
		last->to_ms = to_ms;
	else
		o->spans[o->count++] = (struct overlap_span){from_ms, to_ms, certain};
}

static int compare_times(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, two = *(const int64_t *)b;

	return one < two ? -1 : one > two;
}

static void make_instants(struct making *m)
{
	struct timeline *t = &m->t;
	size_t room = 1 + 2 * t->pauses_count, n = 0;

	for (size_t i = 0; i < t->lanes_count; i++)
		room += t->lanes[i].count;
	for (size_t i = 0; i < t->places.count; i++)
		room += t->places.lanes[i].count;
	t->instants = arena_calloc(m->arena, room, sizeof *t->instants);
	for (size_t i = 0; i < t->lanes_count; i++)
		for (size_t s = 0; s < t->lanes[i].count; s++)
			t->instants[n++] = t->lanes[i].stretches[s].from_ms;
	for (size_t i = 0; i < t->places.count; i++)
		for (size_t s = 0; s < t->places.lanes[i].count; s++)
			t->instants[n++] = t->places.lanes[i].stretches[s].from_ms;
	for (size_t i = 0; i < t->pauses_count; i++) {
		t->instants[n++] = t->pauses[i].from_ms;
		t->instants[n++] = t->pauses[i].to_ms;
	}
	t->instants[n++] = t->to_ms;
	qsort(t->instants, n, sizeof *t->instants, compare_times);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || t->instants[i] != t->instants[i - 1])
			t->instants[t->instants_count++] = t->instants[i];
}

static void make_overlap(struct making *m, struct overlap *o)
{
	const int64_t *at = m->t.instants;
	size_t count = m->t.instants_count;
	bool from_first = m->sequence->wave_of[o->from] < m->sequence->wave_of[o->to];
	size_t first = from_first ? o->from : o->to, later = from_first ? o->to : o->from;

	o->spans = arena_calloc(m->arena, count + 1, sizeof *o->spans);
	for (size_t i = 0; i + 1 < count; i++) {
		bool certain;

		if (crosses(m, first, later, at[i], &certain))
			add_span(o, at[i], at[i + 1], certain);
	}
	for (size_t i = 0; i < o->count && o->declared != NULL; i++)
		if (o->spans[i].certain &&
			o->spans[i].to_ms - o->spans[i].from_ms > o->declared->at_most_ms)
			o->too_long = true;
}

static void make_overlaps(struct making *m)
{
	struct crossings all;

	crossings_find(m->sequence, m->arena, &all);
	m->t.overlaps = arena_calloc(m->arena, all.count + 1, sizeof *m->t.overlaps);
	m->t.overlaps_count = all.count;
	for (size_t i = 0; i < all.count; i++) {
		const struct crossing *c = &all.list[i];

		m->t.overlaps[i] = (struct overlap){
			.from = c->from, .to = c->to, .intended = c->overlap != CROSSING_ACCIDENT};
		if (c->overlap != CROSSING_ACCIDENT)
			m->t.overlaps[i].declared = &m->plan->overlaps[c->overlap];
		make_overlap(m, &m->t.overlaps[i]);
	}
}

void timeline_make(const struct plan *plan, const struct sequence *sequence,
	const struct record *record, const struct attempts *attempts, struct arena *arena,
	struct timeline *ret)
{
	struct making m = {.plan = plan,
		.sequence = sequence,
		.record = record,
		.attempts = attempts,
		.arena = arena};

	if (record->count > 0) {
		m.t.from_ms = record->rows[0].at_ms;
		m.t.to_ms = m.t.from_ms;
	}
	for (size_t i = 0; i < record->count; i++)
		if (record->rows[i].at_ms > m.t.to_ms)
			m.t.to_ms = record->rows[i].at_ms;
	m.t.lanes = arena_calloc(arena, plan->stores_count + 1, sizeof *m.t.lanes);
	m.t.lanes_count = plan->stores_count;
	for (size_t i = 0; i < plan->stores_count; i++)
		make_lane(&m, i, &m.t.lanes[i]);
	make_pauses(&m);
	places_make(plan, record, m.t.from_ms, m.t.to_ms, arena, &m.t.places);
	make_instants(&m);
	make_overlaps(&m);
	*ret = m.t;
}
