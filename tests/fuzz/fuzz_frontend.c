/*
 * fuzz_frontend.c - any bytes as what a client sends: the tracker never overflows, and a server
 * that answers everything it was asked makes the session safe again.
 */
#include "pgwire/track.h"

#include "fuzz_target.h"
#include "fuzz_wire.h"

/* As a server would that finds fault with nothing: one Z for each unit. */
static void answer_all(struct track *t)
{
	for (unsigned rounds = 0; track_is_owed(t) && rounds <= TRACK_RING + 1; rounds++) {
		if (t->copy_in)
			track_server(t, 'C', 0);
		track_server(t, 'Z', 'I');
	}
	ENSURE(!track_is_owed(t));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *at = data, *body;
	struct wire_head head;
	struct track t;

	track_init(&t);
	while (fuzz_message(&at, data + size, &head, &body)) {
		if (!track_has_room(&t))
			answer_all(&t);
		track_client(&t, head.type);
		if (track_ends_unit(head.type))
			ENSURE(track_is_owed(&t));
	}
	answer_all(&t);
	return 0;
}
