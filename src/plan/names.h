/* names.h - the words of the plan file for each enum, in one place for reading and for showing. */
#ifndef AIRLOCK_PLAN_NAMES_H
#define AIRLOCK_PLAN_NAMES_H

#include <stddef.h>

/* Indexed by the enum; NULL where a value has no word. */
struct names {
	const char *const *words;
	size_t count;
};

extern const struct names names_engine;
extern const struct names names_pattern;
extern const struct names names_sync;
extern const struct names names_tier;
extern const struct names names_service_tier; /* without "store", which is not written */
extern const struct names names_during;
extern const struct names names_route_kind;
extern const struct names names_gate;
extern const struct names names_dns_type;
extern const struct names names_verifiers;
extern const struct names names_carry; /* policies for what a session loses: control/policy.h */
extern const struct names names_carry_or_tell;
extern const struct names names_carry_transaction;

#endif
