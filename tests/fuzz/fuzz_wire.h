/* fuzz_wire.h - any bytes as a stream of messages, cut by their headers. */
#ifndef AIRLOCK_TESTS_FUZZ_WIRE_H
#define AIRLOCK_TESTS_FUZZ_WIRE_H

#include "base/check.h"
#include "pgwire/wire.h"

/* Steps over the next message; false at the end or where a header is broken. */
static inline bool fuzz_message(
	const uint8_t **at, const uint8_t *end, struct wire_head *head, const uint8_t **ret_body)
{
	size_t left = (size_t)(end - *at);

	if (wire_head_read(*at, left, WIRE_BODY_MAX, head) != WIRE_WHOLE)
		return false;
	ENSURE(left >= WIRE_HEAD_BYTES);
	if (head->body > left - WIRE_HEAD_BYTES)
		return false;
	*ret_body = *at + WIRE_HEAD_BYTES;
	*at = *ret_body + head->body;
	ENSURE(*at <= end);
	return true;
}

#endif
