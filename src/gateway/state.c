#include "gateway/state.h"

#include <string.h>

#include "base/check.h"

void session_state_fini(struct session_state *state)
{
	arena_fini(&state->arena);
	*state = SESSION_STATE_INIT;
}

const char *state_lost_name(unsigned lost)
{
	static const char *const names[STATE_LOST_COUNT] = {"temp", "advisory", "cursor", "listen",
		"currval", "lastval", "statement", "size", "replication", "replay"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (lost & (1u << i))
			return names[i];
	return "";
}

const char *state_example(const struct session_state *state, unsigned lost)
{
	REQUIRE(lost != 0);
	return state->example[__builtin_ctz(lost)] ? state->example[__builtin_ctz(lost)] : "";
}

bool state_refusal_passes(const char *sqlstate)
{
	static const char *const classes[] = {"57", "53", "55", "40", "08"};

	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (strncmp(sqlstate, classes[i], 2) == 0)
			return true;
	return false;
}
