/* fuzz_backend.c - any bytes as what a server sends. */
#include <string.h>

#include "pgwire/message.h"
#include "pgwire/tag.h"
#include "pgwire/track.h"

#include "fuzz_target.h"
#include "fuzz_wire.h"

static void read_fields(const uint8_t *body, size_t len)
{
	struct message_fields fields;
	struct message_column columns[3];
	struct tag tag;

	if (tag_wrote(body, len, true, &tag))
		ENSURE(tag.rows > 0 && strlen(tag.verb) > 3 && memchr(body, '\0', len) != NULL);
	if (message_fields(body, len, &fields))
		ENSURE(strlen(fields.text) < len + 1);
	for (size_t count = 0; count <= 3; count++)
		if (message_row(body, len, columns, count))
			for (size_t i = 0; i < count; i++)
				ENSURE(columns[i].len <= len);
	if (message_has_mechanism(body, len, "SCRAM-SHA-256"))
		ENSURE(len > strlen("SCRAM-SHA-256") + 4);
	for (const char *type = "tTn"; *type; type++)
		ENSURE(message_shape(1, (uint8_t)*type, body, len) !=
			message_shape(2, (uint8_t)*type, body, len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char asked[] = "QPSFcPcSQS";
	const uint8_t *at = data, *body;
	struct wire_head head;
	struct track t;
	size_t n = 0;

	track_init(&t);
	while (fuzz_message(&at, data + size, &head, &body)) {
		if (track_has_room(&t))
			track_client(&t, (uint8_t)asked[n++ % strlen(asked)]);
		if (head.type == 'Z' && head.body == 0)
			continue;
		track_server(&t, head.type, head.body ? body[0] : 0);
		ENSURE(!track_is_safe(&t) || !track_is_owed(&t));
		ENSURE(t.count <= TRACK_RING);
		read_fields(body, head.body);
	}
	return 0;
}
