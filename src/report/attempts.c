#include "report/attempts.h"

#include <string.h>

#include "base/check.h"
#include "report/window.h"

enum phase phase_find(const char *name)
{
	int i = 0;

	while (i < PHASE_COUNT && strcmp(phase_name((enum phase)i), name) != 0)
		i++;
	return (enum phase)i;
}

enum signal signal_find(const char *name)
{
	int i = 0;

	while (i < SIGNAL_COUNT && strcmp(signal_name((enum signal)i), name) != 0)
		i++;
	return (enum signal)i;
}

enum verb verb_find(const char *word)
{
	int i = 0;

	while (i < VERB_COUNT && strcmp(verb_word((enum verb)i), word) != 0)
		i++;
	return (enum verb)i;
}

static bool is_move(const struct record_row *row)
{
	return strcmp(row->kind, "moved") == 0;
}

static bool is_step(const struct record_row *row)
{
	return strcmp(row->kind, "step") == 0 && verb_find(row_string(row, "verb")) < VERB_COUNT;
}

static bool is_kind(const struct record_row *row, const char *kind)
{
	return strcmp(row->kind, kind) == 0;
}

static bool side_of(const char *name, enum side *ret)
{
	for (int side = 0; side < SIDE_COUNT; side++)
		if (strcmp(side_name((enum side)side), name) == 0) {
			*ret = (enum side)side;
			return true;
		}
	return false;
}

/* ---- which attempt a row belongs to ---------------------------------------------------------- */

struct making {
	const struct record *record;
	struct arena *arena;
	struct attempts all;
};

static struct attempt *find(struct making *m, const struct record_row *row)
{
	for (size_t i = m->all.count; i-- > 0;) {
		struct attempt *a = &m->all.list[i];

		if (a->number == row->attempt && a->wave == row->wave &&
			strcmp(a->run, row->run) == 0)
			return a;
	}
	return NULL;
}

static struct attempt *find_or_begin(struct making *m, const struct record_row *row)
{
	struct attempt *a = find(m, row);

	if (a != NULL)
		return a;
	a = &m->all.list[m->all.count++];
	*a = (struct attempt){.run = row->run,
		.who = row->who,
		.wave = row->wave,
		.number = row->attempt,
		.began_ms = row->at_ms,
		.ended_ms = row->at_ms,
		.plan_hash = "",
		.drain_ms = -1,
		.stall_ms = -1,
		.lag_bytes = -1,
		.end = ATTEMPT_CUT_SHORT,
		.why = ""};
	return a;
}

/* Only what a step, an intent or a verdict names is an attempt of this run: the look at the
 * beginning still carries the number of the one before. */
static void begin_all(struct making *m)
{
	for (size_t i = 0; i < m->record->count; i++) {
		const struct record_row *row = &m->record->rows[i];

		if (is_step(row) || is_kind(row, "intent") || is_kind(row, "verdict"))
			find_or_begin(m, row);
	}
}

/* ---- what a row says ------------------------------------------------------------------------- */

static void note_part(struct attempt *a, const struct attempt_step *step)
{
	struct engine_part *part = &a->verbs[step->verb];

	if (!part->ran || step->began_us < part->began_us)
		part->began_us = step->began_us;
	if (!part->ran || step->ended_us > part->ended_us)
		part->ended_us = step->ended_us;
	part->ran = true;
}

static void take_step(struct attempt *a, const struct record_row *row)
{
	int64_t us = row_integer(row, "us");
	struct attempt_step *step = &a->steps[a->steps_count++];

	*step = (struct attempt_step){.verb = verb_find(row_string(row, "verb")),
		.store = row->store,
		.outcome = row_string(row, "outcome"),
		.text = row->text,
		.ended_us = row_integer(row, "at_us"),
		.seq = row->seq};
	step->began_us = step->ended_us - (us > 0 ? us : 0);
	note_part(a, step);
	if (strcmp(step->outcome, core_outcome_name(OUTCOME_DONE)) != 0)
		a->why = row->text;
}

static void take_move(struct attempt *a, const struct record_row *row)
{
	struct attempt_move move = {.from = phase_find(row_string(row, "from")),
		.to = phase_find(row_string(row, "to")),
		.signal = signal_find(row_string(row, "signal")),
		.text = row->text,
		.at_us = row_integer(row, "at_us"),
		.at_ms = row->at_ms,
		.seq = row->seq};

	if (move.from == PHASE_COUNT || move.to == PHASE_COUNT || move.signal == SIGNAL_COUNT)
		return; /* a version that said less wrote it */
	a->moves[a->moves_count++] = move;
	if (move.to == PHASE_BAKING || move.to == PHASE_FINAL)
		a->end = ATTEMPT_DONE;
	else if (move.from == PHASE_UNDOING && move.to == PHASE_READY)
		a->end = ATTEMPT_UNDONE;
	else if (move.to == PHASE_UNKNOWN)
		a->end = ATTEMPT_UNKNOWN;
}

static void take_verdict(struct attempt *a, const struct record_row *row)
{
	static const struct {
		enum core_verdict verdict;
		enum attempt_end end;
	} ends[] = {{VERDICT_DONE, ATTEMPT_DONE}, {VERDICT_UNDONE, ATTEMPT_UNDONE},
		{VERDICT_REFUSED, ATTEMPT_REFUSED}, {VERDICT_TIMED_OUT, ATTEMPT_PENDING},
		{VERDICT_UNKNOWN, ATTEMPT_UNKNOWN}};
	const json_t *stall = json_object_get(row->detail, "stall_ms");
	const json_t *drain = json_object_get(json_object_get(stall, "parts"), "drain");
	const json_t *longest = json_object_get(stall, "max");
	const char *message = json_string_value(json_object_get(
		json_array_get(json_object_get(row->detail, "problems"), 0), "message"));

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (strcmp(core_verdict_name(ends[i].verdict), row->text) == 0)
			a->end = ends[i].end;
	a->held_max = row_integer(row, "held_max");
	a->has_held = a->held_max >= 0;
	if (json_is_number(drain))
		a->drain_ms = json_number_value(drain);
	if (json_is_number(longest))
		a->stall_ms = json_number_value(longest);
	if (message != NULL && a->end != ATTEMPT_DONE)
		a->why = message;
}

static void take_intent(struct attempt *a, const struct record_row *row)
{
	a->plan_hash = row_string(row, "plan");
	a->lag_bytes = row_integer(row, "lag_bytes");
}

static void take_row(struct attempt *a, const struct record_row *row)
{
	enum side src;

	a->ended_ms = row->at_ms;
	if (is_step(row))
		take_step(a, row);
	else if (is_move(row))
		take_move(a, row);
	else if (is_kind(row, "verdict"))
		take_verdict(a, row);
	else if (is_kind(row, "intent"))
		take_intent(a, row);
	if (side_of(row_string(row, "from"), &src)) {
		a->src = src;
		a->src_known = true;
	}
}

/* Room for what may come: rows of this run and wave. */
static void make_room(struct making *m, struct attempt *a)
{
	size_t steps = 0, moves = 0;

	for (size_t i = 0; i < m->record->count; i++) {
		const struct record_row *row = &m->record->rows[i];
		bool mine = row->attempt == a->number && strcmp(row->run, a->run) == 0;

		steps += mine && is_step(row);
		moves += mine && is_move(row);
	}
	a->steps = arena_calloc(m->arena, steps + 1, sizeof *a->steps);
	a->moves = arena_calloc(m->arena, moves + 1, sizeof *a->moves);
}

/* ---- sides that only other rows know --------------------------------------------------------- */

/* All attempts of a run leave the same side; one that went on with another's knows it from there.
 */
static bool src_elsewhere(const struct attempts *all, const struct attempt *a, enum side *ret)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct attempt *b = &all->list[i];

		if (!b->src_known || b->wave != a->wave)
			continue;
		if (strcmp(b->run, a->run) == 0 || (b->number == a->number && a->number > 0)) {
			*ret = b->src;
			return true;
		}
	}
	return false;
}

static void finish(const struct attempts *all, struct attempt *a)
{
	a->has_window = window_ms(a->verbs, &a->window_ms);
	if (!a->src_known)
		a->src_known = src_elsewhere(all, a, &a->src);
}

/* A `resume` that found nothing to do was no attempt to move. */
static bool is_look(const struct attempt *a)
{
	return a->steps_count == 0 && a->plan_hash[0] == '\0' && a->end == ATTEMPT_DONE;
}

static void looks_last(struct attempts *all, struct arena *arena)
{
	struct attempt *list = arena_calloc(arena, all->count + 1, sizeof *list);
	size_t n = 0;

	for (int looks = 0; looks <= 1; looks++) {
		for (size_t i = 0; i < all->count; i++)
			if (is_look(&all->list[i]) == (looks == 1))
				list[n++] = all->list[i];
		if (looks == 0)
			all->looks = all->count - n;
	}
	all->list = list;
	all->count -= all->looks;
}

void attempts_make(const struct record *record, struct arena *arena, struct attempts *ret)
{
	struct making m = {.record = record, .arena = arena};

	m.all.list = arena_calloc(arena, record->count + 1, sizeof *m.all.list);
	begin_all(&m);
	for (size_t i = 0; i < m.all.count; i++)
		make_room(&m, &m.all.list[i]);
	for (size_t i = 0; i < record->count; i++) {
		const struct record_row *row = &record->rows[i];
		struct attempt *a = row->run[0] ? find(&m, row) : NULL;

		if (a != NULL)
			take_row(a, row);
	}
	for (size_t i = 0; i < m.all.count; i++)
		finish(&m.all, &m.all.list[i]);
	looks_last(&m.all, arena);
	*ret = m.all;
}

/* ---- names ----------------------------------------------------------------------------------- */

static const struct {
	const char *name, *sentence;
} ends_text[] = {
	[ATTEMPT_DONE] = {"done", "the other side was opened"},
	[ATTEMPT_UNDONE] = {"undone", "given back; the side that was open is open again"},
	[ATTEMPT_REFUSED] = {"refused", "refused before anybody was held"},
	[ATTEMPT_PENDING] = {"pending", "one side serves; something remained for `airlock resume`"},
	[ATTEMPT_UNKNOWN] = {"unknown", "nobody could tell; both doors stayed shut"},
	[ATTEMPT_CUT_SHORT] = {"cut-short", "its controller ended in the middle; what it still did "
					    "is in the registers, not here"},
};

const char *attempt_end_name(enum attempt_end end)
{
	REQUIRE(end < ARRAY_LEN(ends_text));
	return ends_text[end].name;
}

const char *attempt_end_sentence(enum attempt_end end)
{
	REQUIRE(end < ARRAY_LEN(ends_text));
	return ends_text[end].sentence;
}
