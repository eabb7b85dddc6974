#include "gateway/unnamed.h"

#include "pgwire/track.h"
#include "pgwire/wire.h"

void unnamed_fini(struct unnamed *u)
{
	buf_fini(&u->parse);
	*u = (struct unnamed){0};
}

/* It destroys the statement, unless it is thrown away itself. */
static void query(struct unnamed *u, bool in_unit)
{
	buf_clear(&u->parse);
	u->too_long = false;
	u->mixed |= in_unit || u->doubtful;
}

static void parse(struct unnamed *u, const uint8_t *head, uint32_t body)
{
	buf_clear(&u->parse);
	u->keeping = body <= UNNAMED_MAX;
	u->too_long = !u->keeping;
	u->told = false;
	u->nth = u->parses;
	u->units = 0;
	if (u->keeping)
		buf_add(&u->parse, head, WIRE_HEAD_BYTES);
}

void unnamed_client(
	struct unnamed *u, const uint8_t *head, uint8_t type, uint32_t body, uint8_t first_byte)
{
	if (type == 'P') {
		u->parses++;
		if (body > 0 && first_byte == '\0')
			parse(u, head, body);
	} else if (track_ends_unit(type)) {
		if (type == 'Q')
			query(u, u->parses > 0);
		u->units++;
		u->parses = 0;
	}
}

void unnamed_more(struct unnamed *u, const uint8_t *bytes, uint32_t len)
{
	buf_add(&u->parse, bytes, len);
}

void unnamed_server(struct unnamed *u, uint8_t type, unsigned units_owed)
{
	bool waits = u->parse.len > 0 && !u->told && u->units == units_owed;

	switch (type) {
	case '1':
		u->answered++;
		if (waits && u->answered >= u->nth) {
			u->told = true;
			u->doubtful = false;
		}
		break;
	case 'E':
		u->doubtful |= waits || u->mixed;
		break;
	case 'Z':
		u->doubtful |= waits && units_owed > 0;
		u->answered = 0;
		if (units_owed <= 1)
			u->mixed = false;
		break;
	default:
		break;
	}
}
