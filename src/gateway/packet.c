#include "gateway/packet.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "gateway/state.h"
#include "pgwire/message.h"

#define FRAME_BYTES 64u /* more than the fixed parts of any two messages */

/* Memory for messages whose strings take `bytes`. */
static struct wire_out begin(size_t bytes)
{
	uint8_t *memory = malloc(bytes + FRAME_BYTES);

	REQUIRE(memory != NULL);
	return wire_out(memory, bytes + FRAME_BYTES);
}

static void end(struct wire_out *w, struct buf *out)
{
	ENSURE(!w->full);
	buf_add(out, w->data, w->len);
	free(w->data);
}

void packet_parse(struct buf *out, const char *name, const char *sql, const uint32_t *types,
	size_t types_count)
{
	struct wire_out w = begin(strlen(name) + strlen(sql) + 4 * types_count);

	message_parse(&w, name, sql, types, types_count);
	end(&w, out);
}

void packet_bind_execute(
	struct buf *out, const char *statement, const char *const *values, size_t count)
{
	size_t bytes = strlen(statement);
	struct wire_out w;

	for (size_t i = 0; i < count; i++)
		bytes += 4 + (values[i] ? strlen(values[i]) : 0);
	w = begin(bytes);
	message_bind_execute(&w, statement, values, count);
	end(&w, out);
}

void packet_describe(struct buf *out, const char *statement)
{
	struct wire_out w = begin(strlen(statement));

	message_describe_statement(&w, statement);
	end(&w, out);
}

void packet_close(struct buf *out, const char *statement)
{
	struct wire_out w = begin(strlen(statement));

	message_close_statement(&w, statement);
	end(&w, out);
}

void packet_sync(struct buf *out)
{
	struct wire_out w = begin(0);

	message_sync(&w);
	end(&w, out);
}

void packet_array(struct buf *out, const struct state_name *names)
{
	buf_putc(out, '{');
	for (const struct state_name *name = names; name != NULL; name = name->next) {
		buf_puts(out, name != names ? ",\"" : "\"");
		for (const char *at = name->name; *at != '\0'; at++) {
			if (*at == '"' || *at == '\\')
				buf_putc(out, '\\');
			buf_putc(out, *at);
		}
		buf_putc(out, '"');
	}
	buf_putc(out, '}');
}
