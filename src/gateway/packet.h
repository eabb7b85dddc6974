/*
 * packet.h - pgwire/message.h's client messages, appended to a growable buffer.  Out of memory
 * aborts.  Strings must not be longer than a message may be (WIRE_BODY_MAX).
 */
#ifndef AIRLOCK_GATEWAY_PACKET_H
#define AIRLOCK_GATEWAY_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

void packet_parse(struct buf *out, const char *name, const char *sql, const uint32_t *types,
	size_t types_count);
void packet_bind_execute(
	struct buf *out, const char *statement, const char *const *values, size_t count);
void packet_describe(struct buf *out, const char *statement);
void packet_close(struct buf *out, const char *statement);
void packet_sync(struct buf *out);
#define TEXT_ARRAY_OID 1009u
/* Names as the text of an array, the value of a text[] parameter. */
struct state_name;
void packet_array(struct buf *out, const struct state_name *names);

#endif
