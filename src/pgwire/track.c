#include "pgwire/track.h"

#include "base/check.h"

void track_init(struct track *t)
{
	*t = (struct track){.tx = 'I'};
}

static uint8_t at(const struct track *t, unsigned index)
{
	return t->ring[(t->head + index) % TRACK_RING];
}

static void push(struct track *t, uint8_t code)
{
	INVARIANT(t->count < TRACK_RING);
	t->ring[(t->head + t->count) % TRACK_RING] = code;
	t->count++;
}

static void pop(struct track *t)
{
	INVARIANT(t->count > 0);
	t->head = (uint16_t)((t->head + 1) % TRACK_RING);
	t->count--;
}

/* Two in a row say no more than one. */
static void push_collapsed(struct track *t, uint8_t code)
{
	if (t->count == 0 || at(t, t->count - 1u) != code)
		push(t, code);
}

bool track_has_room(const struct track *t)
{
	return t->count < TRACK_RING;
}

bool track_ends_unit(uint8_t type)
{
	return type == 'Q' || type == 'S' || type == 'F';
}

static bool has(const struct track *t, uint8_t code)
{
	for (unsigned i = 0; i < t->count; i++)
		if (at(t, i) == code)
			return true;
	return false;
}

void track_client(struct track *t, uint8_t type)
{
	REQUIRE(track_has_room(t));
	/* The server throws away all it reads until a Sync. */
	if (t->skipping && type != 'S' && !has(t, 'S'))
		return;
	switch (type) {
	case 'P':
	case 'B':
	case 'D':
	case 'E':
	case 'C':
		push_collapsed(t, 'e');
		break;
	case 'Q':
	case 'S':
	case 'F':
		push(t, type);
		break;
	case 'c':
	case 'f':
		push_collapsed(t, 'c');
		break;
	default: /* CopyData, Flush, Terminate: nothing is owed for them */
		break;
	}
}

/*
 * The server left copy-in: it ignored every Sync up to the client's c, and read that c.  Where the
 * client has not sent its c yet (the copy failed under way), all Syncs so far were sent before it.
 */
static void end_copy_in(struct track *t)
{
	uint8_t kept[TRACK_RING];
	unsigned end = 0, count = 0, total = t->count;

	t->copy_in = false;
	while (end < total && at(t, end) != 'c')
		end++;
	for (unsigned i = 0; i < total; i++)
		if (i > end || (i < end && at(t, i) != 'S'))
			kept[count++] = at(t, i);
	t->head = t->count = 0;
	for (unsigned i = 0; i < count; i++) {
		if (kept[i] == 'e')
			push_collapsed(t, 'e');
		else
			push(t, kept[i]);
	}
}

/* In the extended protocol everything is thrown away until Sync. */
static void skip_to_sync(struct track *t)
{
	t->skipping = true;
	while (t->count > 0 && at(t, 0) != 'S')
		pop(t);
}

static enum track_event on_error(struct track *t)
{
	/* A stray c is no request; an error that answers nothing is the session's end. */
	while (!t->copy_in && t->count > 0 && at(t, 0) == 'c')
		pop(t);
	if (t->count == 0 && !t->copy_in && !t->skipping)
		return TRACK_UNASKED;
	if (t->copy_in)
		end_copy_in(t);
	if (t->count > 0 && at(t, 0) == 'e')
		skip_to_sync(t);
	return TRACK_NOTHING;
}

static enum track_event on_ready(struct track *t, uint8_t status)
{
	t->tx = (char)status;
	t->copy_in = false;
	if (t->skipping)
		skip_to_sync(t);
	t->skipping = false;
	while (t->count > 0 && (at(t, 0) == 'e' || at(t, 0) == 'c'))
		pop(t);
	if (t->count > 0)
		pop(t);
	else
		t->lost = true;
	return TRACK_READY;
}

enum track_event track_server(struct track *t, uint8_t type, uint8_t first_byte)
{
	switch (type) {
	case 'Z':
		return on_ready(t, first_byte);
	case 'E':
		return on_error(t);
	case 'G':
		t->copy_in = true;
		return TRACK_NOTHING;
	case 'W':
		t->copy_both = true;
		return TRACK_NOTHING;
	case 'C':
		if (t->copy_in)
			end_copy_in(t);
		return TRACK_NOTHING;
	case 'A':
	case 'N':
	case 'S':
		return TRACK_ASYNC;
	default:
		return TRACK_NOTHING;
	}
}

bool track_is_owed(const struct track *t)
{
	if (t->skipping || t->copy_in)
		return true;
	for (unsigned i = 0; i < t->count; i++)
		if (at(t, i) != 'c')
			return true;
	return false;
}

unsigned track_units_owed(const struct track *t)
{
	unsigned count = 0;

	for (unsigned i = 0; i < t->count; i++)
		count += track_ends_unit(at(t, i));
	return count;
}

bool track_is_safe(const struct track *t)
{
	return t->tx == 'I' && !t->copy_both && !t->lost && !track_is_owed(t);
}

bool track_may_go_on(const struct track *t)
{
	if (t->copy_in)
		return !has(t, 'c');
	if (!track_is_owed(t))
		return t->tx != 'I';
	if (t->skipping)
		return !has(t, 'S');
	return t->count > 0 && at(t, t->count - 1u) == 'e';
}
