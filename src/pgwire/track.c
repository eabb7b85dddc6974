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

static uint32_t *owed(struct track *t, unsigned index)
{
	return &t->owed[(t->head + index) % TRACK_RING];
}

static void push(struct track *t, uint8_t code, uint32_t count)
{
	INVARIANT(t->count < TRACK_RING);
	t->ring[(t->head + t->count) % TRACK_RING] = code;
	*owed(t, t->count) = count;
	t->count++;
}

static void pop(struct track *t)
{
	INVARIANT(t->count > 0);
	t->head = (uint16_t)((t->head + 1) % TRACK_RING);
	t->count--;
}

/* Several in a row take one place. */
static void push_collapsed(struct track *t, uint8_t code, uint32_t count)
{
	if (t->count == 0 || at(t, t->count - 1u) != code)
		push(t, code, count);
	else if (*owed(t, t->count - 1u) <= UINT32_MAX - count)
		*owed(t, t->count - 1u) += count;
}

static bool front_is(const struct track *t, uint8_t code)
{
	return t->count > 0 && at(t, 0) == code;
}

static bool front_is_answered(struct track *t)
{
	return front_is(t, 'e') && *owed(t, 0) == 0;
}

bool track_has_room(const struct track *t)
{
	return t->count < TRACK_RING;
}

bool track_ends_unit(uint8_t type)
{
	return type == 'Q' || type == 'S' || type == 'F';
}

/* Is it answered, if it is read at all? */
static bool is_request(uint8_t type)
{
	return type == 'P' || type == 'B' || type == 'D' || type == 'E' || type == 'C' ||
	       type == 'Q' || type == 'F';
}

static bool has(const struct track *t, uint8_t code)
{
	for (unsigned i = 0; i < t->count; i++)
		if (at(t, i) == code)
			return true;
	return false;
}

bool track_client(struct track *t, uint8_t type)
{
	REQUIRE(track_has_room(t));
	/* The server throws away all it reads until a Sync; if it has not seen one already. */
	if (t->skipping && type != 'S' && !has(t, 'S')) {
		t->lost |= t->doubtful > 0 && is_request(type);
		return false;
	}
	switch (type) {
	case 'P':
	case 'B':
	case 'D':
	case 'E':
	case 'C':
		push_collapsed(t, 'e', 1);
		break;
	case 'Q':
	case 'S':
	case 'F':
		push(t, type, 0);
		break;
	case 'c':
	case 'f': /* with nothing before it that could have begun a copy, nobody waits for it */
		if (t->count > 0 || t->copy_in)
			push_collapsed(t, 'c', 1);
		break;
	default: /* CopyData, Flush, Terminate: nothing is owed for them */
		break;
	}
	return true;
}

/*
 * The server left copy-in.  What it has read by then ends with the client's c, and where the client
 * has not sent it yet (the copy failed under way) may be all so far; but never goes beyond a request,
 * which would have ended the session.  Returns how many Syncs that were.
 */
static uint16_t end_copy_in(struct track *t)
{
	struct track old = *t;
	unsigned end = 1, total = t->count;
	uint16_t syncs = 0;

	t->copy_in = false;
	t->head = t->count = 0;
	while (end < total && at(&old, end) == 'S')
		end++;
	for (unsigned i = 0; i < total; i++) {
		uint8_t code = at(&old, i);
		uint32_t count = *owed(&old, i);
		bool read = i == end && code == 'c';

		if (i > 0 && i < end && code == 'S') {
			syncs++;
		} else if (code == 'e' || code == 'c') {
			count -= read;
			if (!read || count > 0)
				push_collapsed(t, code, count);
		} else {
			push(t, code, 0);
		}
	}
	return syncs;
}

/* What lies before the request that the server works on now: there is one. */
static void drop_answered(struct track *t)
{
	while (t->count > 1 && (front_is_answered(t) || front_is(t, 'c'))) {
		if (t->count == 2 && at(t, 1) == 'c')
			return; /* there is none, and what has no Sync yet keeps a transaction open */
		pop(t);
	}
}

/* A request of the client's is answered: what comes before it in the stream has come. */
static void take_answer(struct track *t, bool completes)
{
	t->answered = true;
	t->doubtful = 0;
	drop_answered(t);
	if (completes && front_is(t, 'e') && *owed(t, 0) > 0)
		(*owed(t, 0))--;
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
	uint16_t doubtful = 0;

	take_answer(t, false);
	if (!t->copy_in && front_is(t, 'c')) /* a stray one is no request */
		pop(t);
	if (t->count == 0 && !t->copy_in && !t->skipping)
		return TRACK_UNASKED; /* an error that answers nothing is the session's end */
	if (t->copy_in)
		doubtful = end_copy_in(t);
	t->doubtful = doubtful;
	if (front_is(t, 'e') && *owed(t, 0) > 0)
		skip_to_sync(t);
	return TRACK_NOTHING;
}

/* Can this ReadyForQuery not be the one that the next unit waits for?  That one comes behind
 * answers, unless the unit is a Sync alone. */
static bool is_doubtful(struct track *t)
{
	if (t->doubtful == 0)
		return false;
	if (t->skipping)
		return !has(t, 'S');
	return t->count == 0 ||
	       (!t->answered && (!front_is(t, 'S') && !front_is(t, 'c') && !front_is_answered(t)));
}

static enum track_event on_ready(struct track *t, uint8_t status)
{
	bool doubtful = is_doubtful(t);

	t->tx = (char)status;
	t->copy_in = false;
	if (t->skipping)
		skip_to_sync(t);
	t->skipping = t->answered = false;
	if (doubtful) {
		t->doubtful--;
		return TRACK_READY;
	}
	while (front_is(t, 'e') || front_is(t, 'c'))
		pop(t);
	if (t->count > 0)
		pop(t);
	else
		t->lost = true;
	while (front_is(t, 'c')) /* no copy waits for it */
		pop(t);
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
		take_answer(t, false);
		t->copy_in = true;
		return TRACK_NOTHING;
	case 'W':
		t->copy_both = true;
		return TRACK_NOTHING;
	case 'C':
		if (t->copy_in)
			end_copy_in(t);
		take_answer(t, true);
		return TRACK_NOTHING;
	case '1': /* of Parse, Bind, Close, Describe, Execute; t is followed by T or n */
	case '2':
	case '3':
	case 'T':
	case 'n':
	case 'I':
	case 's':
		take_answer(t, true);
		return TRACK_NOTHING;
	case 'A':
	case 'N':
	case 'S':
		return TRACK_ASYNC;
	default:
		take_answer(t, false);
		return TRACK_NOTHING;
	}
}

bool track_is_late(struct track *t, uint8_t type)
{
	if (type == 'Z' && t->doubtful > 0) {
		t->doubtful--;
		return true;
	}
	t->doubtful = 0;
	return false;
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

/* Of the request that copies: has the client said all up to its ReadyForQuery? */
static bool copy_is_said(const struct track *t)
{
	unsigned i = 0;

	if (!front_is(t, 'e'))
		return has(t, 'c');
	while (i < t->count && at(t, i) != 'c')
		i++;
	while (i < t->count && !track_ends_unit(at(t, i)))
		i++;
	return i < t->count;
}

bool track_may_go_on(const struct track *t)
{
	unsigned last = t->count;

	if (t->copy_in)
		return !copy_is_said(t);
	if (!track_is_owed(t))
		return t->tx != 'I';
	if (t->skipping)
		return !has(t, 'S');
	while (last > 0 && at(t, last - 1) == 'c')
		last--;
	return last > 0 && at(t, last - 1) == 'e';
}
