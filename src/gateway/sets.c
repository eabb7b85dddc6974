#include "gateway/sets.h"

#include <string.h>
#include <strings.h>

#define BEFORE "set"
#define AFTER "_config"

static bool is_tag(const uint8_t *tag, size_t len, const char *text)
{
	return len == strlen(text) + 1 && memcmp(tag, text, len) == 0;
}

/* In any spelling; the underscore is rare enough to be looked for. */
static bool names_the_function(const uint8_t *text, size_t len)
{
	const uint8_t *end = text + len, *at = text;

	while ((at = memchr(at, '_', (size_t)(end - at))) != NULL) {
		if ((size_t)(at - text) >= strlen(BEFORE) && (size_t)(end - at) >= strlen(AFTER) &&
			strncasecmp((const char *)at - strlen(BEFORE), BEFORE AFTER,
				strlen(BEFORE AFTER)) == 0)
			return true;
		at++;
	}
	return false;
}

/* What comes in pieces is not put together for this. */
void sets_text(struct sets *s, const uint8_t *bytes, size_t len, bool whole)
{
	if (len == 0)
		return;
	s->in_text = false;
	s->more = !whole || names_the_function(bytes, len);
}

void sets_tag(struct sets *s, const uint8_t *tag, size_t len, bool last)
{
	if (is_tag(tag, len, "SET"))
		s->commands++;
	else if (last && is_tag(tag, len, "DISCARD ALL"))
		*s = (struct sets){0};
}

/* One command (SET SESSION CHARACTERISTICS) sets several of these. */
static bool is_of_transactions(const struct state_setting *set)
{
	static const char begin[] = "default_transaction_";

	return strncmp(set->name, begin, sizeof begin - 1) == 0;
}

bool sets_are_shown(const struct sets *s, const struct session_state *state)
{
	unsigned together = 0, found = (state->encoding != NULL) + (state->authorization != NULL) +
				       (state->role != NULL);

	for (const struct state_setting *set = state->settings; set; set = set->next)
		if (is_of_transactions(set))
			together = 1;
		else
			found++;
	return s->commands <= found + together && !s->more;
}
