#include "pgwire/tag.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"

static const struct verb {
	const char *tag, *shown;
	bool oid; /* a number that is no count stands before the rows */
} verbs[] = {
	{"INSERT ", "INSERT", true},
	{"UPDATE ", "UPDATE", false},
	{"DELETE ", "DELETE", false},
	{"MERGE ", "MERGE", false},
	{"COPY ", "COPY FROM", false},
};

/* Digits up to the end; what is no such number, or none that fits, is 0. */
static uint64_t number(const uint8_t *at, const uint8_t *end)
{
	uint64_t value = 0;

	if (end - at > 19)
		return 0;
	for (; at < end; at++) {
		if (*at < '0' || *at > '9')
			return 0;
		value = value * 10 + (uint64_t)(*at - '0');
	}
	return value;
}

bool tag_wrote(const uint8_t *body, size_t len, bool copy_in, struct tag *ret)
{
	const uint8_t *end = memchr(body, '\0', len);

	for (size_t i = 0; end != NULL && i < ARRAY_LEN(verbs); i++) {
		size_t verb_len = strlen(verbs[i].tag);
		const uint8_t *at = body + verb_len, *space;

		if ((size_t)(end - body) <= verb_len || memcmp(body, verbs[i].tag, verb_len) != 0)
			continue;
		space = memchr(at, ' ', (size_t)(end - at));
		if ((space != NULL) != verbs[i].oid || (body[0] == 'C' && !copy_in))
			return false;
		ret->rows = number(space != NULL ? space + 1 : at, end);
		snprintf(ret->verb, sizeof ret->verb, "%s", verbs[i].shown);
		return ret->rows > 0;
	}
	return false;
}
