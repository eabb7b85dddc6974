#include "store/fake/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

#define FIRST_POSITION 1

static int64_t no_clock(void *arg)
{
	(void)arg;
	return 0;
}

void fake_world_init(struct fake_world *w, const char *name)
{
	memset(w, 0, sizeof *w);
	w->name = name;
	w->now_us = no_clock;
	for (int s = 0; s < SIDE_COUNT; s++) {
		w->side[s].up = true;
		w->side[s].end = w->side[s].durable = FIRST_POSITION;
		w->link[s].origin = w->link[s].origin_durable = FIRST_POSITION;
		w->link[s].slot = w->link[s].slot_durable = FIRST_POSITION;
	}
	w->side[SIDE_OLD].reg = (struct reg){.state = REG_ACTIVE, .epoch = 1, .open = true};
	w->side[SIDE_NEW].reg = (struct reg){.state = REG_STANDBY};
	w->link[SIDE_OLD].enabled = true;
	w->epoch_opened = 1;
}

int64_t fake_now_us(const struct fake_world *w, enum side side)
{
	return w->now_us(w->now_arg) + w->side[side].clock_skew_us;
}

void fake_violated(struct fake_world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->violation[0])
		return;
	va_start(ap, fmt);
	vsnprintf(w->violation, sizeof w->violation, fmt, ap);
	va_end(ap);
}

/* --- rows ------------------------------------------------------------------------------------ */

bool fake_has_row(const struct fake_rows *rows, size_t row)
{
	return (rows->word[row / 64] >> (row % 64)) & 1;
}

bool fake_has_all(const struct fake_rows *rows, const struct fake_rows *wanted)
{
	for (size_t i = 0; i < ARRAY_LEN(rows->word); i++)
		if (wanted->word[i] & ~rows->word[i])
			return false;
	return true;
}

static void row_set(struct fake_rows *rows, size_t row)
{
	rows->word[row / 64] |= UINT64_C(1) << (row % 64);
}

static void row_clear(struct fake_rows *rows, size_t row)
{
	rows->word[row / 64] &= ~(UINT64_C(1) << (row % 64));
}

/* --- the log --------------------------------------------------------------------------------- */

void fake_append(struct fake_world *w, enum side side, struct fake_entry entry)
{
	struct fake_side *at = &w->side[side];

	REQUIRE(at->end < FAKE_LOG_MAX);
	if (entry.kind == FAKE_ROW) {
		if (fake_has_row(&at->rows, entry.row))
			fake_violated(w, "row %zu is twice on %s", entry.row, side_name(side));
		row_set(&at->rows, entry.row);
	}
	at->log[at->end++] = entry;
}

static bool has_room(const struct fake_world *w)
{
	/* What is written on one side is applied on the other. */
	return w->side[SIDE_OLD].end + w->side[SIDE_NEW].end + 16 < FAKE_LOG_MAX &&
	       w->rows < FAKE_ROWS_MAX;
}

bool fake_has_marker(const struct fake_world *w, enum side on, enum side from, int64_t attempt)
{
	const struct fake_side *at = &w->side[on];

	for (size_t i = at->end; i-- > FIRST_POSITION;)
		if (at->log[i].kind == FAKE_MARKER && at->log[i].attempt == attempt &&
			at->log[i].side == from)
			return true;
	return false;
}

void fake_flush(struct fake_world *w, enum side side)
{
	struct fake_link *in = &w->link[side_other(side)];

	w->side[side].durable = w->side[side].end;
	in->origin_durable = in->origin;
}

void fake_noise(struct fake_world *w, enum side side)
{
	if (w->side[side].up && has_room(w))
		fake_append(w, side, (struct fake_entry){.kind = FAKE_NOISE});
}

void fake_checkpoint(struct fake_world *w, enum side side)
{
	if (!w->side[side].up)
		return;
	fake_flush(w, side);
	w->link[side].slot_durable = w->link[side].slot;
}

void fake_crash(struct fake_world *w, enum side side)
{
	struct fake_side *at = &w->side[side];

	while (at->end > at->durable) {
		const struct fake_entry *lost = &at->log[--at->end];

		if (lost->kind == FAKE_ROW)
			row_clear(&at->rows, lost->row);
	}
	w->link[side_other(side)].origin = w->link[side_other(side)].origin_durable;
	w->link[side].slot = w->link[side].slot_durable;
	w->link[SIDE_OLD].worker = w->link[SIDE_NEW].worker = false;
	for (size_t i = 0; i < FAKE_SESSIONS_MAX; i++)
		if (w->session[i].side == side)
			w->session[i].state = SESSION_NONE;
	at->up = false;
	at->boot++;
}

void fake_start(struct fake_world *w, enum side side)
{
	w->side[side].up = true;
}

/* --- links ----------------------------------------------------------------------------------- */

static void apply(struct fake_world *w, enum side publisher, const struct fake_entry *entry)
{
	enum side subscriber = side_other(publisher);
	bool known = entry->kind == FAKE_MARKER &&
		     fake_has_marker(w, subscriber, entry->side, entry->attempt);

	if (entry->kind == FAKE_ROW || (entry->kind == FAKE_MARKER && !known))
		fake_append(w, subscriber, *entry);
}

bool fake_worker_end(struct fake_world *w, enum side publisher)
{
	bool was = w->link[publisher].worker;

	w->link[publisher].worker = false;
	return was;
}

static bool worker_start(struct fake_world *w, struct fake_link *link)
{
	if (!link->enabled || w->parted)
		return false;
	link->worker = true;
	link->at = link->origin > link->slot ? link->origin : link->slot;
	return true;
}

bool fake_link_step(struct fake_world *w, enum side publisher)
{
	struct fake_link *link = &w->link[publisher];
	const struct fake_side *from = &w->side[publisher];

	if (!from->up || !w->side[side_other(publisher)].up)
		return false;
	if (!link->worker)
		return worker_start(w, link);
	if (w->parted)
		return fake_worker_end(w, publisher);
	/* Only flushed log is sent. */
	if (link->at >= from->durable)
		return !link->enabled && fake_worker_end(w, publisher);
	apply(w, publisher, &from->log[link->at]);
	link->origin = ++link->at;
	return true;
}

void fake_settle(struct fake_world *w)
{
	bool busy = true;

	while (busy) {
		busy = fake_link_step(w, SIDE_OLD);
		busy |= fake_link_step(w, SIDE_NEW);
	}
	fake_flush(w, SIDE_OLD);
	fake_flush(w, SIDE_NEW);
}

bool fake_level(const struct fake_world *w)
{
	return fake_has_all(&w->side[SIDE_OLD].rows, &w->committed) &&
	       fake_has_all(&w->side[SIDE_NEW].rows, &w->committed);
}

void fake_enable(struct fake_world *w, enum side publisher)
{
	if (w->link[side_other(publisher)].enabled)
		fake_violated(w, "both links are enabled");
	w->link[publisher].enabled = true;
}

bool fake_guard_at(const struct fake_world *w, enum side side, struct guard at)
{
	return guard_equal(w->side[side].guard, at) || !fake_keeps(w, FAKE_RULE_GUARD_PAIR);
}

void fake_visit_look(const struct fake_world *w, enum side side, struct fake_visit *ret)
{
	const struct fake_side *at = &w->side[side];

	ret->guard = at->guard;
	ret->may = at->up && (at->reg.state == REG_STANDBY || !fake_keeps(w, FAKE_RULE_VISIT_IDLE));
}

bool fake_visit_act(struct fake_world *w, enum side side, const struct fake_visit *visit)
{
	struct fake_side *at = &w->side[side];
	struct fake_link *link = &w->link[side];
	enum guard_phase phase = visit->guard.phase;
	bool rests = phase == GUARD_IDLE || phase == GUARD_ABORTED || phase == GUARD_TURNED;

	if (!visit->may || !at->up || !rests || !guard_equal(at->guard, visit->guard) ||
		link->enabled || link->worker || link->dropped)
		return false;
	if (link->slot < at->durable)
		link->slot = at->durable;
	return true;
}

/* --- doors ----------------------------------------------------------------------------------- */

static bool has_session(const struct fake_world *w, enum side side)
{
	for (size_t i = 0; i < FAKE_SESSIONS_MAX; i++)
		if (w->session[i].side == side && w->session[i].state >= SESSION_ADMITTED)
			return true;
	return false;
}

void fake_open_door(struct fake_world *w, enum side side, int64_t epoch)
{
	struct fake_side *at = &w->side[side];
	enum side other = side_other(side);

	if (w->side[other].reg.open)
		fake_violated(w, "both doors are open");
	if (has_session(w, other))
		fake_violated(w, "%s opens while a session is left on %s", side_name(side),
			side_name(other));
	if (!fake_has_all(&at->rows, &w->committed))
		fake_violated(w, "%s opens without an acknowledged row", side_name(side));
	if (epoch <= w->epoch_opened)
		fake_violated(w, "%s opens at epoch %lld after %lld", side_name(side),
			(long long)epoch, (long long)w->epoch_opened);
	w->epoch_opened = epoch;
	at->reg.epoch = epoch;
	at->reg.state = REG_ACTIVE;
	at->reg.open = true;
	fake_flush(w, side);
}

bool fake_abort_if_expired(struct fake_world *w, enum side side, int64_t attempt)
{
	struct fake_side *at = &w->side[side];
	bool sealed = at->reg.state == REG_SEALED ||
		      (at->reg.state == REG_COMMITTING && !fake_keeps(w, FAKE_RULE_EXPIRY));

	if (!at->up || !sealed || at->reg.attempt != attempt ||
		fake_now_us(w, side) < at->hold_until_us)
		return false;
	fake_open_door(w, side, at->reg.epoch + 1);
	return true;
}

/* --- clients --------------------------------------------------------------------------------- */

struct fake_session *fake_connect(struct fake_world *w, enum side side)
{
	if (!w->side[side].up)
		return NULL;
	for (size_t i = 0; i < FAKE_SESSIONS_MAX; i++) {
		struct fake_session *s = &w->session[i];

		if (s->state != SESSION_NONE)
			continue;
		*s = (struct fake_session){SESSION_STARTING, side, ++w->sessions};
		return s;
	}
	return NULL;
}

bool fake_alive(const struct fake_world *w, const struct fake_session *s, unsigned id)
{
	return s->state != SESSION_NONE && s->id == id && w->side[s->side].up;
}

bool fake_login_step(struct fake_world *w, struct fake_session *s, unsigned id)
{
	if (!fake_alive(w, s, id))
		return false;
	if (s->state == SESSION_STARTING) {
		s->state = w->side[s->side].reg.open ? SESSION_ADMITTED : SESSION_NONE;
		return s->state == SESSION_ADMITTED;
	}
	s->state = SESSION_LISTED;
	return true;
}

static void take_value(struct fake_world *w, struct fake_side *at)
{
	size_t value = (size_t)++at->sequence;

	INVARIANT(value < ARRAY_LEN(w->values));
	if (w->values[value])
		fake_violated(w, "sequence value %zu was given twice", value);
	w->values[value] = true;
}

bool fake_write(struct fake_world *w, struct fake_session *s, unsigned id, size_t *ret_row)
{
	size_t row = w->rows;

	if (!fake_alive(w, s, id) || s->state != SESSION_LISTED || !has_room(w))
		return false;
	if (w->side[side_other(s->side)].reg.open)
		fake_violated(w, "a write on %s while %s is open", side_name(s->side),
			side_name(side_other(s->side)));
	take_value(w, &w->side[s->side]);
	fake_append(w, s->side, (struct fake_entry){.kind = FAKE_ROW, .row = row});
	row_set(&w->committed, row);
	w->rows++;
	fake_flush(w, s->side);
	*ret_row = row;
	return true;
}

void fake_write_again(struct fake_world *w, enum side side, size_t row)
{
	if (w->side[side].up && w->side[side].reg.open && has_room(w))
		fake_append(w, side, (struct fake_entry){.kind = FAKE_ROW, .row = row});
}

void fake_disconnect(struct fake_session *s, unsigned id)
{
	if (s->id == id)
		s->state = SESSION_NONE;
}

size_t fake_end_sessions(struct fake_world *w, enum side side, bool starting)
{
	size_t ended = 0;

	for (size_t i = 0; i < FAKE_SESSIONS_MAX; i++) {
		struct fake_session *s = &w->session[i];

		if (s->state == SESSION_NONE || s->side != side ||
			(s->state == SESSION_LISTED) == starting)
			continue;
		s->state = SESSION_NONE;
		ended++;
	}
	return ended;
}
