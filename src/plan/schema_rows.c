#include "plan/schema.h"

#include "base/check.h"

#define SECOND 1000LL
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define YEAR (366 * DAY)
#define TERABYTE (1LL << 40)

#define AT(type, member) .at = offsetof(struct type, member)
#define ARRAY_AT(type, member) AT(type, member), .count_at = offsetof(struct type, member##_count)
#define SETTING .at = SCHEMA_AS_SETTING
#define REQUIRED(text) .required = true, .line = text
#define SCHEMA(array) .rows = (array), .count = ARRAY_LEN(array)

static const struct schema_row budget_rows[] = {
	{"stall", SCHEMA_TIME, AT(plan_budgets, stall_ms), .min = 1, .max = HOUR},
	{"window", SCHEMA_TIME, AT(plan_budgets, window_ms), .min = 1, .max = HOUR},
	{"hold", SCHEMA_TIME, AT(plan_budgets, hold_ms), .min = 1, .max = HOUR},
	{"drain", SCHEMA_TIME, AT(plan_budgets, drain_ms), .min = 1, .max = HOUR},
	{"lag", SCHEMA_SIZE, AT(plan_budgets, lag_bytes), .min = 1, .max = TERABYTE},
	{"rollback_lag", SCHEMA_TIME, AT(plan_budgets, rollback_lag_ms), .min = 1, .max = DAY},
	{"attempts", SCHEMA_INTEGER, AT(plan_budgets, attempts), .min = 1, .max = 1000},
	{"sync_age", SCHEMA_TIME, AT(plan_budgets, sync_age_ms), .min = 1, .max = YEAR},
};
static const struct schema budgets = {SCHEMA(budget_rows)};

static const struct schema_row confidence_rows[] = {
	{"lag_below", SCHEMA_SIZE, AT(plan_confidence, lag_below_bytes), .min = 1, .max = TERABYTE},
	{"for", SCHEMA_TIME, AT(plan_confidence, for_ms), .min = 1, .max = YEAR},
	{"verifies", SCHEMA_INTEGER, AT(plan_confidence, verifies), .min = 1, .max = 1000},
	{"rehearsals", SCHEMA_INTEGER, AT(plan_confidence, rehearsals), .min = 1, .max = 1000},
};
static const struct schema confidence = {SCHEMA(confidence_rows), .not_empty = true};

static const struct schema_row loss_rows[] = {
	{"allowed", SCHEMA_TEXT, AT(plan_loss, allowed),
		REQUIRED("allowed: \"what may be lost, and how much of it\"")},
	{"because", SCHEMA_TEXT, AT(plan_loss, because),
		REQUIRED("because: \"why that is acceptable\"")},
	{"by", SCHEMA_TEXT, AT(plan_loss, by), REQUIRED("by: \"who accepts it\"")},
};
static const struct schema loss = {SCHEMA(loss_rows)};

static const struct schema_row store_rows[] = {
	{"engine", SCHEMA_CHOICE, AT(plan_store, engine), .names = &names_engine,
		REQUIRED("engine: postgresql")},
	{"old", SCHEMA_TEXT, AT(plan_store, old),
		REQUIRED("old: \"host=OLD-SERVER dbname=NAME user=airlock\"")},
	{"new", SCHEMA_TEXT, AT(plan_store, new),
		REQUIRED("new: \"host=NEW-SERVER dbname=NAME user=airlock\"")},
	{"pattern", SCHEMA_CHOICE, AT(plan_store, pattern), .names = &names_pattern,
		REQUIRED("pattern: replica-promotion")},
	{"sync", SCHEMA_CHOICE, AT(plan_store, sync), .names = &names_sync,
		REQUIRED("sync: logical")},
	{"route", SCHEMA_REF, AT(plan_store, route), .to = REF_ROUTE, .role = ROLE_ROUTE,
		REQUIRED("route: NAME, and under routes: NAME: {kind: none}")},
	{"needs", SCHEMA_REFS, ARRAY_AT(plan_store, needs), .to = REF_NODE, .role = ROLE_NEEDS},
	{"loss", SCHEMA_MAPPING, AT(plan_store, loss), .sub = &loss},
};
static const struct schema store = {
	SCHEMA(store_rows), .size = sizeof(struct plan_store), .named = true};

static const struct schema_row match_rows[] = {
	{"user", SCHEMA_TEXT, AT(plan_match, user)},
	{"application_name", SCHEMA_TEXT, AT(plan_match, application_name)},
	{"address", SCHEMA_TEXT, AT(plan_match, address)},
};
static const struct schema match = {
	SCHEMA(match_rows), .size = sizeof(struct plan_match), .not_empty = true};

static const struct schema_row action_rows[] = {
	{"exec", SCHEMA_ARGV, AT(plan_action, exec), REQUIRED("exec: [COMMAND, ARGUMENT]")},
	{"observe", SCHEMA_ARGV, AT(plan_action, observe),
		REQUIRED("observe: [COMMAND that tells whether it took effect]")},
	{"undo", SCHEMA_ARGV, AT(plan_action, undo),
		REQUIRED("undo: [COMMAND that takes it back]")},
	{"timeout", SCHEMA_TIME, AT(plan_action, timeout_ms), .min = 1, .max = DAY,
		REQUIRED("timeout: 60s")},
};
static const struct schema action = {SCHEMA(action_rows)};

static const struct schema_row service_rows[] = {
	{"tier", SCHEMA_CHOICE, AT(plan_service, tier), .names = &names_service_tier},
	{"reads", SCHEMA_REFS, ARRAY_AT(plan_service, reads), .to = REF_STORE, .role = ROLE_READS},
	{"writes", SCHEMA_REFS, ARRAY_AT(plan_service, writes), .to = REF_STORE,
		.role = ROLE_WRITES},
	{"needs", SCHEMA_REFS, ARRAY_AT(plan_service, needs), .to = REF_NODE, .role = ROLE_NEEDS},
	{"after", SCHEMA_REFS, ARRAY_AT(plan_service, after), .to = REF_NODE, .role = ROLE_AFTER},
	{"route", SCHEMA_REF, AT(plan_service, route), .to = REF_ROUTE, .role = ROLE_ROUTE},
	{"match", SCHEMA_SOME, ARRAY_AT(plan_service, matches), .sub = &match},
	{"during", SCHEMA_CHOICE, AT(plan_service, during), .names = &names_during},
	{"schedule", SCHEMA_CRON, AT(plan_service, schedule)},
	{"early_reader", SCHEMA_TEXT, AT(plan_service, early_reader)},
	{"move", SCHEMA_MAPPING, AT(plan_service, move), .sub = &action},
	{"stop", SCHEMA_MAPPING, AT(plan_service, stop), .sub = &action},
};
static const struct schema service = {
	SCHEMA(service_rows), .size = sizeof(struct plan_service), .named = true};

static const struct schema_row tls_rows[] = {
	{"cert", SCHEMA_TEXT, SETTING, REQUIRED("cert: FILE")},
	{"key", SCHEMA_TEXT, SETTING, REQUIRED("key: FILE")},
};
static const struct schema tls = {SCHEMA(tls_rows)};

static const struct schema_row auth_rows[] = {
	{"verifiers", SCHEMA_CHOICE, SETTING, .names = &names_verifiers,
		REQUIRED("verifiers: query")},
	{"file", SCHEMA_TEXT, SETTING},
};
static const struct schema auth = {SCHEMA(auth_rows)};

/* As control/policy.h, which both programs read them by. */
static const struct schema_row carry_rows[] = {
	{"temp_tables", SCHEMA_CHOICE, SETTING, .names = &names_carry},
	{"advisory_locks", SCHEMA_CHOICE, SETTING, .names = &names_carry},
	{"hold_cursors", SCHEMA_CHOICE, SETTING, .names = &names_carry},
	{"listen", SCHEMA_CHOICE, SETTING, .names = &names_carry_or_tell},
	{"currval", SCHEMA_CHOICE, SETTING, .names = &names_carry},
	{"lastval", SCHEMA_CHOICE, SETTING, .names = &names_carry_or_tell},
	{"statements", SCHEMA_CHOICE, SETTING, .names = &names_carry},
	{"transactions", SCHEMA_CHOICE, SETTING, .names = &names_carry_transaction},
	{"unknown", SCHEMA_CHOICE, SETTING, .names = &names_carry},
};
static const struct schema carry = {SCHEMA(carry_rows), .not_empty = true};

static const struct schema_row gateway_rows[] = {
	{"listen", SCHEMA_TEXT, SETTING, REQUIRED("listen: \"127.0.0.1:6432\"")},
	{"control", SCHEMA_TEXT, SETTING, REQUIRED("control: /run/airlock/NAME.sock")},
	{"tls", SCHEMA_MAPPING, SETTING, .sub = &tls},
	{"auth", SCHEMA_MAPPING, SETTING, .sub = &auth},
	{"register_user", SCHEMA_TEXT, SETTING, REQUIRED("register_user: airlock_gateway")},
	{"carry", SCHEMA_MAPPING, SETTING, .sub = &carry},
};

static const struct schema_row config_rows[] = {
	{"file", SCHEMA_TEXT, SETTING, REQUIRED("file: /etc/APPLICATION.env")},
	{"key", SCHEMA_TEXT, SETTING, REQUIRED("key: DATABASE_URL")},
	{"old", SCHEMA_TEXT, SETTING, REQUIRED("old: \"the value that leads to the old side\"")},
	{"new", SCHEMA_TEXT, SETTING, REQUIRED("new: \"the value that leads to the new side\"")},
	{"reload", SCHEMA_ARGV, SETTING, REQUIRED("reload: [systemctl, restart, APPLICATION]")},
	{"observe", SCHEMA_TEXT, SETTING, REQUIRED("observe: where-it-connects")},
};

static const struct schema_row haproxy_rows[] = {
	{"socket", SCHEMA_TEXT, SETTING, REQUIRED("socket: /run/haproxy/admin.sock")},
	{"backend", SCHEMA_TEXT, SETTING, REQUIRED("backend: NAME")},
	{"old", SCHEMA_TEXT, SETTING, REQUIRED("old: SERVER")},
	{"new", SCHEMA_TEXT, SETTING, REQUIRED("new: SERVER")},
};

static const struct schema_row key_file_rows[] = {
	{"file", SCHEMA_TEXT, SETTING, REQUIRED("file: /etc/airlock/tsig.key")},
};
static const struct schema key_file = {SCHEMA(key_file_rows)};

static const struct schema_row ttl_rows[] = {
	{"normal", SCHEMA_TIME, SETTING, .min = SECOND, .max = 7 * DAY, REQUIRED("normal: 1h")},
	{"during", SCHEMA_TIME, SETTING, .min = SECOND, .max = DAY, REQUIRED("during: 30s")},
};
static const struct schema ttl = {SCHEMA(ttl_rows)};

static const struct schema_row dns_rows[] = {
	{"name", SCHEMA_TEXT, SETTING, REQUIRED("name: www.example.com.")},
	{"type", SCHEMA_CHOICE, SETTING, .names = &names_dns_type, REQUIRED("type: A")},
	{"old", SCHEMA_TEXT, SETTING, REQUIRED("old: 192.0.2.1")},
	{"new", SCHEMA_TEXT, SETTING, REQUIRED("new: 198.51.100.1")},
	{"server", SCHEMA_TEXT, SETTING, REQUIRED("server: ns1.example.com")},
	{"key", SCHEMA_MAPPING, SETTING, .sub = &key_file,
		REQUIRED("key: {file: /etc/airlock/tsig.key}")},
	{"ttl", SCHEMA_MAPPING, SETTING, .sub = &ttl, REQUIRED("ttl: {normal: 1h, during: 30s}")},
};

static const struct schema none_kind = {.count = 0};
static const struct schema gateway_kind = {SCHEMA(gateway_rows)};
static const struct schema config_kind = {SCHEMA(config_rows)};
static const struct schema haproxy_kind = {SCHEMA(haproxy_rows)};
static const struct schema dns_kind = {SCHEMA(dns_rows)};

static const struct schema *const route_kinds[] = {
	[ROUTE_NONE] = &none_kind,
	[ROUTE_GATEWAY] = &gateway_kind,
	[ROUTE_CONFIG] = &config_kind,
	[ROUTE_HAPROXY] = &haproxy_kind,
	[ROUTE_DNS] = &dns_kind,
};

static const struct schema_row route_rows[] = {
	{"kind", SCHEMA_CHOICE, AT(plan_route, kind), .names = &names_route_kind,
		REQUIRED("kind: none")},
};
static const struct schema route = {
	SCHEMA(route_rows),
	.size = sizeof(struct plan_route),
	.named = true,
	.variant_key = "kind",
	.variant_names = &names_route_kind,
	.variants = route_kinds,
	.settings_at = offsetof(struct plan_route, settings),
	.settings_count_at = offsetof(struct plan_route, settings_count),
};

static const struct schema_row overlap_rows[] = {
	{"from", SCHEMA_SOMEREF, ARRAY_AT(plan_overlap, froms), .to = REF_NODE, .role = ROLE_FROM,
		REQUIRED("from: SERVICE")},
	{"to", SCHEMA_SOMEREF, ARRAY_AT(plan_overlap, tos), .to = REF_NODE, .role = ROLE_TO,
		REQUIRED("to: STORE or SERVICE")},
	{"because", SCHEMA_TEXT, AT(plan_overlap, because),
		REQUIRED("because: \"why the crossing is meant\"")},
	{"at_most", SCHEMA_TIME, AT(plan_overlap, at_most_ms), .min = 1, .max = YEAR,
		REQUIRED("at_most: 30m")},
};
static const struct schema overlap = {
	SCHEMA(overlap_rows),
	.size = sizeof(struct plan_overlap),
	.has_pos = true,
	.pos_at = offsetof(struct plan_overlap, pos),
};

static const struct schema_row limits_rows[] = {
	{"blast_radius", SCHEMA_INTEGER, AT(plan_limits, blast_radius), .min = 1,
		.max = PLAN_MEMBERS_MAX},
};
static const struct schema limits = {SCHEMA(limits_rows), .not_empty = true};

static const struct schema_row order_rows[] = {
	{"first", SCHEMA_REF, AT(plan_order, first), .to = REF_NODE, .role = ROLE_FIRST,
		REQUIRED("first: STORE or SERVICE")},
	{"then", SCHEMA_REF, AT(plan_order, then), .to = REF_NODE, .role = ROLE_THEN,
		REQUIRED("then: STORE or SERVICE")},
	{"because", SCHEMA_TEXT, AT(plan_order, because), REQUIRED("because: \"why this order\"")},
};
static const struct schema order = {
	SCHEMA(order_rows),
	.size = sizeof(struct plan_order),
	.has_pos = true,
	.pos_at = offsetof(struct plan_order, pos),
};

static const struct schema_row together_rows[] = {
	{"members", SCHEMA_REFS, ARRAY_AT(plan_together, members), .to = REF_NODE,
		.role = ROLE_MEMBER, REQUIRED("members: [NAME, NAME]")},
	{"because", SCHEMA_TEXT, AT(plan_together, because),
		REQUIRED("because: \"why they can not be apart\"")},
};
static const struct schema together = {
	SCHEMA(together_rows),
	.size = sizeof(struct plan_together),
	.has_pos = true,
	.pos_at = offsetof(struct plan_together, pos),
};

static const struct schema_row restore_rows[] = {
	{"pgbackrest", SCHEMA_TEXT, SETTING, REQUIRED("pgbackrest: STANZA")},
	{"younger_than", SCHEMA_TIME, SETTING, .min = 1, .max = YEAR,
		REQUIRED("younger_than: 24h")},
	{"query", SCHEMA_TEXT, SETTING, REQUIRED("query: \"select count(*) > 0 from SOME_TABLE\"")},
};
static const struct schema_row alerts_rows[] = {
	{"alertmanager", SCHEMA_TEXT, SETTING, REQUIRED("alertmanager: \"http://HOST:9093\"")},
	{"arrives_at", SCHEMA_TEXT, SETTING, REQUIRED("arrives_at: \"127.0.0.1:9911\"")},
	{"within", SCHEMA_TIME, SETTING, .min = 1, .max = HOUR, REQUIRED("within: 60s")},
};
static const struct schema_row clock_rows[] = {
	{"max_skew", SCHEMA_TIME, SETTING, .min = 1, .max = HOUR, REQUIRED("max_skew: 250ms")},
};
static const struct schema_row rehearsal_rows[] = {
	{"younger_than", SCHEMA_TIME, SETTING, .min = 1, .max = YEAR, REQUIRED("younger_than: 7d")},
};
static const struct schema_row writers_rows[] = {
	{"look_back", SCHEMA_TIME, SETTING, .min = SECOND, .max = YEAR, REQUIRED("look_back: 7d")},
};
static const struct schema restore_gate = {SCHEMA(restore_rows)};
static const struct schema alerts_gate = {SCHEMA(alerts_rows)};
static const struct schema clock_gate = {SCHEMA(clock_rows)};
static const struct schema rehearsal_gate = {SCHEMA(rehearsal_rows)};
static const struct schema writers_gate = {SCHEMA(writers_rows)};

/* In the order of names_gate. */
static const struct schema *const gates[] = {
	&restore_gate, &alerts_gate, &clock_gate, &rehearsal_gate, &writers_gate};

static const struct schema gate = {
	.count = 0,
	.size = sizeof(struct plan_gate),
	.named = true,
	.variant_names = &names_gate,
	.variants = gates,
	.settings_at = offsetof(struct plan_gate, settings),
	.settings_count_at = offsetof(struct plan_gate, settings_count),
};

static const struct schema_row plan_rows[] = {
	{"airlock", SCHEMA_VERSION, REQUIRED("airlock: 1")},
	{"name", SCHEMA_NAME, AT(plan, name), REQUIRED("name: NAME-OF-THIS-MOVE")},
	{"budgets", SCHEMA_MAPPING, AT(plan, budgets), .sub = &budgets},
	{"confidence", SCHEMA_MAPPING, AT(plan, confidence), .sub = &confidence},
	{"stores", SCHEMA_TABLE, ARRAY_AT(plan, stores), .sub = &store, .min = 1,
		REQUIRED("stores: {NAME: {engine: postgresql, old: ..., new: ..., ...}}")},
	{"services", SCHEMA_TABLE, ARRAY_AT(plan, services), .sub = &service},
	{"routes", SCHEMA_TABLE, ARRAY_AT(plan, routes), .sub = &route},
	{"overlap", SCHEMA_LIST, ARRAY_AT(plan, overlaps), .sub = &overlap},
	{"limits", SCHEMA_MAPPING, AT(plan, limits), .sub = &limits},
	{"order", SCHEMA_LIST, ARRAY_AT(plan, orders), .sub = &order},
	{"together", SCHEMA_LIST, ARRAY_AT(plan, togethers), .sub = &together},
	{"gates", SCHEMA_TABLE, ARRAY_AT(plan, gates), .sub = &gate},
};
const struct schema schema_plan = {SCHEMA(plan_rows)};
