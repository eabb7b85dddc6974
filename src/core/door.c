#include "core/door.h"

#include <string.h>

#include "base/check.h"

static const char *const reg_names[REG_STATE_COUNT] = {
	[REG_ABSENT] = "ABSENT",
	[REG_ACTIVE] = "ACTIVE",
	[REG_SEALED] = "SEALED",
	[REG_COMMITTING] = "COMMITTING",
	[REG_STANDBY] = "STANDBY",
};

static const char *const guard_names[GUARD_PHASE_COUNT] = {
	[GUARD_IDLE] = "idle",
	[GUARD_HELD] = "held",
	[GUARD_COMMIT] = "commit",
	[GUARD_PROMOTE] = "promote",
	[GUARD_REVOKE] = "revoke",
	[GUARD_ABORTED] = "aborted",
	[GUARD_TURN] = "turn",
	[GUARD_TURNED] = "turned",
};

const char *side_name(enum side side)
{
	REQUIRE(side < SIDE_COUNT);
	return side == SIDE_OLD ? "old" : "new";
}

const char *reg_state_name(enum reg_state state)
{
	REQUIRE(state < REG_STATE_COUNT);
	return reg_names[state];
}

const char *guard_phase_name(enum guard_phase phase)
{
	REQUIRE(phase < GUARD_PHASE_COUNT);
	return guard_names[phase];
}

enum guard_phase guard_phase_parse(const char *name)
{
	int phase = 0;

	while (phase < GUARD_PHASE_COUNT && strcmp(name, guard_names[phase]) != 0)
		phase++;
	return (enum guard_phase)phase;
}

enum reg_state reg_state_parse(const char *name)
{
	int state = 0;

	while (state < REG_STATE_COUNT && strcmp(name, reg_names[state]) != 0)
		state++;
	return (enum reg_state)state;
}
