#include "control/policy.h"

#include <string.h>

#include "base/check.h"

#define BIT(policy) (1u << (policy))
#define GONE_OR_NOT (BIT(POLICY_BLOCK) | BIT(POLICY_WAIT) | BIT(POLICY_DISCONNECT))

/* What is lost without an error in the application may not go across unsaid. */
static const struct {
	const char *setting;
	unsigned may;
} classes[CLASS_COUNT] = {
	[CLASS_TEMP_TABLES] = {"carry.temp_tables", GONE_OR_NOT},
	[CLASS_ADVISORY_LOCKS] = {"carry.advisory_locks", GONE_OR_NOT},
	[CLASS_HOLD_CURSORS] = {"carry.hold_cursors", GONE_OR_NOT},
	[CLASS_LISTEN] = {"carry.listen", GONE_OR_NOT | BIT(POLICY_TELL)},
	[CLASS_CURRVAL] = {"carry.currval", GONE_OR_NOT},
	[CLASS_LASTVAL] = {"carry.lastval", GONE_OR_NOT | BIT(POLICY_TELL)},
	[CLASS_STATEMENTS] = {"carry.statements", GONE_OR_NOT},
	[CLASS_TRANSACTIONS] = {"carry.transactions", BIT(POLICY_WAIT) | BIT(POLICY_DISCONNECT)},
	[CLASS_UNKNOWN] = {"carry.unknown", GONE_OR_NOT},
};

static const char *const names[POLICY_COUNT] = {
	[POLICY_TELL] = "tell",
	[POLICY_DISCONNECT] = "disconnect",
	[POLICY_WAIT] = "wait",
	[POLICY_BLOCK] = "block",
};

const struct policies policies_default = {.of = {
						  [CLASS_TEMP_TABLES] = POLICY_BLOCK,
						  [CLASS_ADVISORY_LOCKS] = POLICY_BLOCK,
						  [CLASS_HOLD_CURSORS] = POLICY_BLOCK,
						  [CLASS_LISTEN] = POLICY_TELL,
						  [CLASS_CURRVAL] = POLICY_BLOCK,
						  [CLASS_LASTVAL] = POLICY_TELL,
						  [CLASS_STATEMENTS] = POLICY_BLOCK,
						  [CLASS_TRANSACTIONS] = POLICY_WAIT,
						  [CLASS_UNKNOWN] = POLICY_BLOCK,
					  }};

const char *policy_name(enum policy policy)
{
	REQUIRE(policy < POLICY_COUNT);
	return names[policy];
}

const char *policy_class_setting(enum policy_class cls)
{
	REQUIRE(cls < CLASS_COUNT);
	return classes[cls].setting;
}

const char *policy_class_key(enum policy_class cls)
{
	return policy_class_setting(cls) + strlen("carry.");
}

bool policies_set(struct policies *policies, enum policy_class cls, const char *word)
{
	REQUIRE(cls < CLASS_COUNT);
	for (int i = 0; i < POLICY_COUNT; i++) {
		if (strcmp(names[i], word) != 0)
			continue;
		if ((classes[cls].may & BIT(i)) == 0)
			return false;
		policies->of[cls] = (enum policy)i;
		return true;
	}
	return false;
}
