/*
 * plan.h - the checked, immutable plan.
 *
 * A text becomes a plan in one pass that reports every problem it finds (plan_load).  Afterwards
 * nothing changes it: all pointers are into one arena, all cross references are indices that have
 * been resolved, all times are milliseconds and all sizes bytes.  Safe to read from any thread.
 *
 * The hash is SHA-256 over the canonical form: keys sorted, defaults written out, units normalised,
 * comments and layout gone.  Two plans that mean the same have the same hash; approvals and
 * registers carry it.
 */
#ifndef AIRLOCK_PLAN_PLAN_H
#define AIRLOCK_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "plan/problem.h"

#define PLAN_HASH_BYTES 65 /* 64 hex digits and NUL */
#define PLAN_NONE ((size_t)-1)

/* Limits, each with a problem of its own when it is passed. */
#define PLAN_BYTES_MAX (1u << 20)
#define PLAN_DEPTH_MAX 64
#define PLAN_ALIASES_MAX 1000	    /* also the most anchors */
#define PLAN_ALIAS_NODES_MAX 100000 /* what all aliases written out would add */
#define PLAN_MEMBERS_MAX 1000	    /* stores and services together */
#define PLAN_PAIRS_MAX 100000	    /* of all entries of `overlap`, written out */

enum plan_engine { ENGINE_POSTGRESQL, ENGINE_MARIADB, ENGINE_REDIS, ENGINE_RABBITMQ, ENGINE_FILES };
enum plan_pattern { PATTERN_REPLICA_PROMOTION, PATTERN_SHADOW_WRITE };
enum plan_sync { SYNC_LOGICAL, SYNC_PHYSICAL };
enum plan_tier { TIER_SUPPORT, TIER_READ_ONLY, TIER_REPLAYABLE, TIER_STORE, TIER_ENTRY };
enum plan_during { DURING_NONE, DURING_HOLDBACK, DURING_HOLD, DURING_STOP };
enum plan_route_kind { ROUTE_NONE, ROUTE_GATEWAY, ROUTE_CONFIG, ROUTE_HAPROXY, ROUTE_DNS };

struct plan_pos {
	int line;
	int column;
};

struct plan_budgets {
	int64_t stall_ms, window_ms, hold_ms, drain_ms;
	int64_t lag_bytes;
	int64_t rollback_lag_ms;
	int64_t attempts;
	int64_t sync_age_ms;
};

/* Counts only where it is written in the plan. */
struct plan_confidence {
	bool given;
	int64_t lag_below_bytes; /* -1 = not asked for, likewise below */
	int64_t for_ms;
	int64_t verifies;
	int64_t rehearsals;
};

/* An external command: argv with a NULL at the end, or NULL when absent. */
struct plan_action {
	char **exec;
	char **observe;
	char **undo;
	int64_t timeout_ms;
};

struct plan_loss {
	const char *allowed, *because, *by; /* NULL: no loss is acceptable */
};

struct plan_store {
	const char *name;
	struct plan_pos pos;
	enum plan_engine engine;
	enum plan_pattern pattern;
	enum plan_sync sync;
	const char *old, *new; /* conninfo or URI without any password */
	size_t route;	       /* index into routes */
	struct plan_loss loss;
	size_t *needs; /* nodes, see below */
	size_t needs_count;
};

struct plan_match {
	const char *user, *application_name, *address; /* shell globs; NULL = any */
};

struct plan_service {
	const char *name;
	struct plan_pos pos;
	bool tier_given;
	enum plan_tier tier;	/* derived when not given */
	size_t *reads, *writes; /* indices into stores */
	size_t reads_count, writes_count;
	size_t *needs, *after; /* nodes */
	size_t needs_count, after_count;
	size_t route; /* index into routes or PLAN_NONE */
	struct plan_match *matches;
	size_t matches_count;
	enum plan_during during;
	const char *schedule; /* cron expression or NULL */
	/* The role, by its exact name, as which it reads the new side of its stores before they are
	 * promoted; NULL = it does not.  The tier is then read-only, as the plan's own word. */
	const char *early_reader;
	struct plan_action move, stop;
};

struct plan_route {
	const char *name;
	struct plan_pos pos;
	enum plan_route_kind kind;
	/* Every scalar that the kind allows, flattened ("tls.cert"), in canonical order. */
	struct plan_setting {
		const char *key, *value;
	} * settings;
	size_t settings_count;
};

/* One pair.  An entry with lists stands for each pair of theirs, written out (resolve.c). */
struct plan_overlap {
	size_t from, to; /* nodes */
	const char *because;
	int64_t at_most_ms;
	struct plan_pos pos; /* of its entry */
	size_t entry;	     /* its place in the list */
	size_t *froms, *tos; /* what the entry lists */
	size_t froms_count, tos_count;
};

/* The plan's own word about the order; each says why. */
struct plan_order {
	size_t first, then; /* nodes: `then` moves in a later wave than `first` */
	const char *because;
	struct plan_pos pos;
};

struct plan_together {
	size_t *members; /* nodes that move in one cutover, sorted */
	size_t members_count;
	const char *because;
	struct plan_pos pos;
};

struct plan_limits {
	/* The most stores and services that may feel it when one wave goes wrong: its members, and
	 * what reads, writes or needs them, directly or through others.  0 = no limit. */
	int64_t blast_radius;
};

struct plan_gate {
	const char *id; /* "clock" */
	struct plan_pos pos;
	struct plan_setting *settings;
	size_t settings_count;
};

/*
 * Nodes: stores and services share one name space and one numbering, stores first:
 * node n is stores[n] when n < stores_count, else services[n - stores_count].
 *
 * Stores, services, routes, gates and every list of names are sorted by name, so that two plans of
 * the same hash are the same plan, down to the order in which things are done.
 */
struct plan {
	struct arena arena;
	const char *path; /* as it was given */
	const char *name;
	struct plan_budgets budgets;
	struct plan_confidence confidence;
	struct plan_store *stores;
	size_t stores_count;
	struct plan_service *services;
	size_t services_count;
	struct plan_route *routes;
	size_t routes_count;
	struct plan_overlap *overlaps;
	size_t overlaps_count;
	struct plan_limits limits;
	struct plan_order *orders; /* sorted, like togethers */
	size_t orders_count;
	struct plan_together *togethers;
	size_t togethers_count;
	struct plan_gate *gates;
	size_t gates_count;
	const char *canonical;
	char hash[PLAN_HASH_BYTES];
};

#define PLAN_AUTO __attribute__((cleanup(plan_freep))) struct plan *

/*
 * Reads the file and checks it.  On success *ret_plan is owned by the caller (plan_free) and `ps`
 * holds warnings at most.  On failure err is ERR_PLAN (or ERR_IO when the file cannot be read) and
 * `ps` holds every problem.  `ps` must have been made with an arena that outlives the call.
 */
int plan_load(
	const char *path, struct plan **ret_plan, struct problems *ps, struct err *err) MUST_CHECK;
/* The same from memory; `path` is only what the problems call it. */
int plan_parse(const char *path, const char *text, size_t len, struct plan **ret_plan,
	struct problems *ps, struct err *err) MUST_CHECK;
void plan_free(struct plan *plan);
void plan_freep(struct plan **plan);

const char *plan_node_name(const struct plan *plan, size_t node);
/* PLAN_NONE when there is no such name. */
size_t plan_store_find(const struct plan *plan, const char *name);
/* The i-th role, each once, that reads the new side of this store early; NULL = no more. */
const char *plan_early_reader(const struct plan *plan, size_t store, size_t i);
const char *plan_setting_get(const struct plan_setting *settings, size_t count, const char *key);

const char *plan_engine_name(enum plan_engine engine);
const char *plan_pattern_name(enum plan_pattern pattern);
const char *plan_sync_name(enum plan_sync sync);
const char *plan_tier_name(enum plan_tier tier);
const char *plan_during_name(enum plan_during during);
const char *plan_route_kind_name(enum plan_route_kind kind);

#endif
