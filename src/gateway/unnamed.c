#include "gateway/unnamed.h"

#include <string.h>

#include "base/check.h"
#include "pgwire/track.h"
#include "pgwire/wire.h"

/* A Parse under way. */
struct entry {
	uint64_t units; /* that had been ended when it was sent */
	uint32_t nth;	/* among the Parses of its unit, from 1 */
	uint32_t len;	/* of its bytes; 0 = too long to keep */
};

void unnamed_fini(struct unnamed *u)
{
	buf_fini(&u->parse);
	buf_fini(&u->bytes);
	buf_fini(&u->entries);
	*u = (struct unnamed){0};
}

/* ---- Parses under way ------------------------------------------------------------------------ */

static size_t count(const struct unnamed *u)
{
	return (u->entries.len - u->entries_from) / sizeof(struct entry);
}

static struct entry oldest(const struct unnamed *u)
{
	struct entry e;

	REQUIRE(count(u) > 0);
	memcpy(&e, u->entries.data + u->entries_from, sizeof e);
	return e;
}

/* Moves what is left only when it is the smaller part. */
static void drop(struct buf *b, size_t *from, size_t len)
{
	*from += len;
	if (*from < b->len - *from)
		return;
	if (*from < b->len)
		memmove(b->data, b->data + *from, b->len - *from);
	b->len -= *from;
	*from = 0;
}

/* The one that is still being handed on can be thrown away before its end. */
static void pop(struct unnamed *u)
{
	drop(&u->bytes, &u->bytes_from, oldest(u).len);
	drop(&u->entries, &u->entries_from, sizeof(struct entry));
	u->keeping = u->keeping && count(u) > 0;
}

/* Does the oldest one belong to the unit that is being answered?  (More: a Sync that a copy
 * swallowed was counted as the end of a unit.) */
static bool is_answered_now(const struct unnamed *u, unsigned units_owed)
{
	return count(u) > 0 && u->units - oldest(u).units >= units_owed;
}

/* ---- what goes by ---------------------------------------------------------------------------- */

static void parse(struct unnamed *u, const uint8_t *head, uint32_t body)
{
	struct entry e = {.units = u->units, .nth = u->parses};

	u->keeping = body <= UNNAMED_MAX && u->bytes.len <= UNNAMED_MAX;
	if (u->keeping) {
		e.len = WIRE_HEAD_BYTES;
		buf_add(&u->bytes, head, WIRE_HEAD_BYTES);
	}
	buf_add(&u->entries, &e, sizeof e);
}

void unnamed_client(struct unnamed *u, const uint8_t *head, uint8_t type, uint32_t body,
	uint8_t first_byte, unsigned units_owed)
{
	bool ends = track_ends_unit(type);

	if (type == 'P') {
		u->parses++;
		if (body > 0 && first_byte == '\0')
			parse(u, head, body);
	}
	/* With nothing before it that could fail a Query is carried out for certain, and it is
	 * the common case: nothing is asked then. */
	if (type == 'Q' && u->sent == 0 && units_owed == 1) {
		buf_clear(&u->parse);
		u->lost = false;
	}
	u->units += ends;
	u->sent = ends ? 0 : u->sent + 1;
	u->parses = ends ? 0 : u->parses;
}

void unnamed_more(struct unnamed *u, const uint8_t *bytes, uint32_t len)
{
	char *newest = u->entries.data + u->entries.len - sizeof(struct entry);
	struct entry e;

	REQUIRE(u->keeping && count(u) > 0);
	memcpy(&e, newest, sizeof e);
	e.len += len;
	memcpy(newest, &e, sizeof e);
	buf_add(&u->bytes, bytes, len);
}

static void complete(struct unnamed *u)
{
	uint32_t len = oldest(u).len;

	buf_clear(&u->parse);
	if (len > 0)
		buf_add(&u->parse, u->bytes.data + u->bytes_from, len);
	u->lost = len == 0;
	pop(u);
}

void unnamed_server(struct unnamed *u, uint8_t type, unsigned units_owed)
{
	if (type == '1') {
		u->answered++;
		if (is_answered_now(u, units_owed) && u->answered >= oldest(u).nth)
			complete(u);
		return;
	}
	if (type != 'E' && type != 'Z')
		return;
	/* An error takes the rest of its unit away, what is sent of it later too; of that the end
	 * of the unit tells. */
	while ((type == 'E' || units_owed > 0) && is_answered_now(u, units_owed))
		pop(u);
	if (type == 'Z')
		u->answered = 0;
}
