#include "plan/names.h"

#include "base/check.h"
#include "plan/plan.h"

#define NAMES(array)                                                                               \
	{                                                                                          \
		.words = (array), .count = ARRAY_LEN(array)                                        \
	}

static const char *const engines[] = {
	[ENGINE_POSTGRESQL] = "postgresql",
	[ENGINE_MARIADB] = "mariadb",
	[ENGINE_REDIS] = "redis",
	[ENGINE_RABBITMQ] = "rabbitmq",
	[ENGINE_FILES] = "files",
};

static const char *const patterns[] = {
	[PATTERN_REPLICA_PROMOTION] = "replica-promotion",
	[PATTERN_SHADOW_WRITE] = "shadow-write",
};

static const char *const syncs[] = {
	[SYNC_LOGICAL] = "logical",
	[SYNC_PHYSICAL] = "physical",
};

static const char *const tiers[] = {
	[TIER_SUPPORT] = "support",
	[TIER_READ_ONLY] = "read-only",
	[TIER_REPLAYABLE] = "replayable",
	[TIER_STORE] = "store",
	[TIER_ENTRY] = "entry",
};

static const char *const service_tiers[] = {
	[TIER_SUPPORT] = "support",
	[TIER_READ_ONLY] = "read-only",
	[TIER_REPLAYABLE] = "replayable",
	[TIER_ENTRY] = "entry",
};

static const char *const durings[] = {
	[DURING_HOLDBACK] = "holdback",
	[DURING_HOLD] = "hold",
	[DURING_STOP] = "stop",
};

static const char *const route_kinds[] = {
	[ROUTE_NONE] = "none",
	[ROUTE_GATEWAY] = "gateway",
	[ROUTE_CONFIG] = "config",
	[ROUTE_HAPROXY] = "haproxy",
	[ROUTE_DNS] = "dns",
};

static const char *const gates[] = {"restore", "alerts", "clock", "rehearsal", "writers"};
static const char *const dns_types[] = {"A", "AAAA", "CNAME"};
static const char *const verifiers[] = {"query", "file"};
static const char *const carry[] = {"block", "wait", "disconnect"};
static const char *const carry_or_tell[] = {"tell", "block", "wait", "disconnect"};
static const char *const carry_transaction[] = {"wait", "disconnect"};

const struct names names_engine = NAMES(engines);
const struct names names_pattern = NAMES(patterns);
const struct names names_sync = NAMES(syncs);
const struct names names_tier = NAMES(tiers);
const struct names names_service_tier = NAMES(service_tiers);
const struct names names_during = NAMES(durings);
const struct names names_route_kind = NAMES(route_kinds);
const struct names names_gate = NAMES(gates);
const struct names names_dns_type = NAMES(dns_types);
const struct names names_verifiers = NAMES(verifiers);
const struct names names_carry = NAMES(carry);
const struct names names_carry_or_tell = NAMES(carry_or_tell);
const struct names names_carry_transaction = NAMES(carry_transaction);

static const char *name(const struct names *names, size_t value)
{
	REQUIRE(value < names->count);
	return names->words[value] ? names->words[value] : "none";
}

const char *plan_engine_name(enum plan_engine engine)
{
	return name(&names_engine, engine);
}

const char *plan_pattern_name(enum plan_pattern pattern)
{
	return name(&names_pattern, pattern);
}

const char *plan_sync_name(enum plan_sync sync)
{
	return name(&names_sync, sync);
}

const char *plan_tier_name(enum plan_tier tier)
{
	return name(&names_tier, tier);
}

const char *plan_during_name(enum plan_during during)
{
	return name(&names_during, during);
}

const char *plan_route_kind_name(enum plan_route_kind kind)
{
	return name(&names_route_kind, kind);
}
