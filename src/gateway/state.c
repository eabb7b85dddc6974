#include "gateway/state.h"

#include "base/check.h"

void session_state_fini(struct session_state *state)
{
	arena_fini(&state->arena);
	*state = SESSION_STATE_INIT;
}

const char *state_lost_name(unsigned lost)
{
	static const char *const names[STATE_LOST_COUNT] = {"temp", "advisory", "cursor", "listen",
		"currval", "lastval", "statement", "size", "replication"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (lost & (1u << i))
			return names[i];
	return "";
}
