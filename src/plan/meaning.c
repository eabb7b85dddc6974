#include "plan/meaning.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "plan/circle.h"
#include "plan/conninfo.h"
#include "plan/graph.h"
#include "plan/override.h"
#include "plan/secret.h"
#include "plan/text.h"

#define ROLE_NAME_MAX 63 /* NAMEDATALEN - 1: the server cuts what is longer */

/* ---- secrets ---- */

static const char secret_help[] =
	"remove it, and change it if this file has been anywhere; "
	"passwords come from passfile=FILE, a service file or a certificate";

static void report_secret(
	struct checker *ck, const struct path *path, struct span at, const char *what)
{
	source_hide(ck->src, at);
	checker_error(ck, path, "P-SECRET", at, secret_help, "%s in the plan", what);
}

static void check_scalar_secret(
	struct checker *ck, const struct path *path, const struct yaml_tree *node)
{
	size_t start, len;
	struct span at = node->at;

	if (!secret_find(node->text, node->len, &start, &len))
		return;
	if (!problems_full(ck->ps))
		at = yaml_tree_inside(ck->src, node, start, len);
	report_secret(ck, path, at, "a password or other secret");
}

static void walk_secrets(struct checker *ck, const struct path *path, const struct yaml_tree *node);

static void check_pair_secret(
	struct checker *ck, const struct path *path, const struct yaml_tree_pair *pair)
{
	size_t start, len;

	if (secret_find(pair->key->text, pair->key->len, &start, &len))
		report_secret(ck, path->up, pair->key->at, "a password or other secret");
	else if (secret_key(pair->key->text) && pair->value->kind == YAML_TREE_SCALAR &&
		 pair->value->len > 0)
		report_secret(ck, path, pair->value->at, "a secret");
	else
		walk_secrets(ck, path, pair->value);
}

/* The tree is at most PLAN_DEPTH_MAX high, but paths are shown only as deep as a schema goes. */
static void walk_secrets(struct checker *ck, const struct path *path, const struct yaml_tree *node)
{
	if (node->kind == YAML_TREE_SCALAR)
		check_scalar_secret(ck, path, node);
	for (size_t i = 0; node->kind == YAML_TREE_MAPPING && i < node->count; i++) {
		struct path inner = {.up = path, .key = node->pairs[i].key->text};

		check_pair_secret(ck, &inner, &node->pairs[i]);
	}
	for (size_t i = 0; node->kind == YAML_TREE_LIST && i < node->count; i++) {
		struct path inner = {.up = path, .index = i};

		walk_secrets(ck, &inner, node->items[i]);
	}
}

void meaning_check_secrets(struct checker *ck, const struct yaml_tree *root)
{
	struct path path = {0};

	walk_secrets(ck, &path, root);
}

/* ---- places of what the plan holds ---- */

static const struct yaml_tree *get(const struct yaml_tree *node, const char *key)
{
	return node ? yaml_tree_get(node, key) : NULL;
}

static const struct yaml_tree *element_node(
	const struct yaml_tree *root, const char *table, const char *name, const char *key)
{
	const struct yaml_tree *node = get(get(root, table), name);

	return key ? get(node, key) : node;
}

/* The place of a value, else of the element, else the beginning. */
static struct span place(
	const struct yaml_tree *root, const char *table, const char *name, const char *key)
{
	const struct yaml_tree *node = element_node(root, table, name, key);

	if (!node)
		node = element_node(root, table, name, NULL);
	return node ? node->at : (struct span){0, 0};
}

static struct span name_place(const struct yaml_tree *root, const char *table, const char *name)
{
	const struct yaml_tree *key = yaml_tree_key(get(root, table), name);

	ENSURE(key != NULL);
	return key->at;
}

static const char *path_of(struct checker *ck, const char *table, const char *name, const char *key)
{
	struct path root = {0};
	struct path one = {.up = &root, .key = table};
	struct path two = {.up = &one, .key = name};
	struct path three = {.up = &two, .key = key};
	char text[CHECKER_PATH_BYTES];

	return arena_strdup(ck->scratch, path_text(key ? &three : name ? &two : &one, text));
}

/* ---- sizes and names ---- */

static void check_members(struct checker *ck, const struct yaml_tree *root)
{
	const struct plan *p = ck->plan;

	for (size_t i = 0; i < p->services_count; i++) {
		const char *name = p->services[i].name;

		if (plan_store_find(p, name) == PLAN_NONE)
			continue;
		checker_error_at(ck, path_of(ck, "services", name, NULL), "P-NAME-TAKEN",
			name_place(root, "services", name), "give one of them another name",
			"a store has this name already");
	}
}

static bool check_count(struct checker *ck, const struct yaml_tree *root)
{
	const struct plan *p = ck->plan;

	if (p->stores_count + p->services_count <= PLAN_MEMBERS_MAX)
		return true;
	checker_error_at(ck, "plan", "P-TOO-LARGE", (struct span){root->at.start, root->at.start},
		NULL, "more than %d stores and services", PLAN_MEMBERS_MAX);
	return false;
}

/* ---- connection strings ---- */

static bool parse_side(struct checker *ck, const struct yaml_tree *root,
	const struct plan_store *store, const char *key, const char *text, struct conninfo *ret)
{
	const struct yaml_tree *node = element_node(root, "stores", store->name, key);
	struct conninfo_error error;
	struct span at;

	if (!text)
		return false;
	if (conninfo_parse(text, ck->scratch, ret, &error))
		return true;
	at = node->at;
	if (!problems_full(ck->ps))
		at = yaml_tree_inside(ck->src, node, error.start, error.len);
	checker_error_at(ck, path_of(ck, "stores", store->name, key), "P-CONNINFO", at, error.help,
		"%s", error.message);
	return false;
}

static void check_sides(struct checker *ck, const struct yaml_tree *root, struct plan_store *store)
{
	struct conninfo old, new;
	bool have_old, have_new;

	if (store->engine != ENGINE_POSTGRESQL)
		return;
	have_old = parse_side(ck, root, store, "old", store->old, &old);
	have_new = parse_side(ck, root, store, "new", store->new, &new);
	if (have_old && have_new && conninfo_same(&old, &new))
		checker_error_at(ck, path_of(ck, "stores", store->name, "new"), "P-SAME-SERVER",
			place(root, "stores", store->name, "new"),
			"correct the host, port or dbname of one of them",
			"old and new are the same database on the same server");
}

/* ---- budgets ---- */

static struct span budget_place(const struct yaml_tree *root, const char *one, const char *two)
{
	const struct yaml_tree *budgets = get(root, "budgets");
	const struct yaml_tree *node = get(budgets, one);

	if (!node)
		node = get(budgets, two);
	/* Defaults do not contradict each other, so one of the two is written. */
	ENSURE(node != NULL);
	return node->at;
}

/* A budget that could not be read has been reported, and its default contradicts nothing. */
static bool is_good_time(const struct yaml_tree *root, const char *key)
{
	const struct yaml_tree *node = get(get(root, "budgets"), key);
	int64_t ms;

	return !node ||
	       (node->kind == YAML_TREE_SCALAR && text_time_ms(node->text, &ms) == TEXT_OK);
}

static void check_order(struct checker *ck, const struct yaml_tree *root, const char *small,
	int64_t small_ms, const char *large, int64_t large_ms)
{
	char a[TEXT_NUMBER_BYTES], b[TEXT_NUMBER_BYTES];
	char path[64];

	if (small_ms <= large_ms || !is_good_time(root, small) || !is_good_time(root, large))
		return;
	snprintf(path, sizeof path, "budgets.%s", get(get(root, "budgets"), small) ? small : large);
	checker_error_at(ck, path, "P-BUDGET", budget_place(root, small, large), NULL,
		"%s (%s) is longer than %s (%s), within which it lies", small,
		text_time_print(small_ms, a), large, text_time_print(large_ms, b));
}

/* The gateway ends transactions when the drain's time is up, and waits half as long again for those
 * that were being looked at just then. */
static void check_overtime(
	struct checker *ck, const struct yaml_tree *root, const struct plan_route *route)
{
	const struct plan_budgets *b = &ck->plan->budgets;
	const char *word =
		plan_setting_get(route->settings, route->settings_count, "carry.transactions");
	char drain[TEXT_NUMBER_BYTES], window[TEXT_NUMBER_BYTES];

	if (!word || strcmp(word, "disconnect") != 0 || b->drain_ms > b->window_ms ||
		b->drain_ms + b->drain_ms / 2 <= b->window_ms || !is_good_time(root, "drain") ||
		!is_good_time(root, "window"))
		return;
	checker_error_at(ck,
		get(get(root, "budgets"), "drain") ? "budgets.drain" : "budgets.window", "P-BUDGET",
		budget_place(root, "drain", "window"), NULL,
		"drain (%s), and half as long again for `transactions: disconnect` of route %s, is "
		"longer than window (%s), within which it lies",
		text_time_print(b->drain_ms, drain), route->name,
		text_time_print(b->window_ms, window));
}

static void check_budgets(struct checker *ck, const struct yaml_tree *root)
{
	const struct plan_budgets *b = &ck->plan->budgets;

	check_order(ck, root, "stall", b->stall_ms, "window", b->window_ms);
	check_order(ck, root, "window", b->window_ms, "hold", b->hold_ms);
	check_order(ck, root, "drain", b->drain_ms, "window", b->window_ms);
	for (size_t i = 0; i < ck->plan->routes_count; i++)
		check_overtime(ck, root, &ck->plan->routes[i]);
}

void meaning_check_values(struct checker *ck, const struct yaml_tree *root)
{
	check_budgets(ck, root);
	if (!check_count(ck, root))
		return;
	check_members(ck, root);
	for (size_t i = 0; i < ck->plan->stores_count; i++)
		check_sides(ck, root, &ck->plan->stores[i]);
}

/* ---- tiers ---- */

/* Does any service or store need it? */
static bool *find_needed(struct checker *ck)
{
	bool *needed = arena_calloc(ck->scratch, PLAN_MEMBERS_MAX + 1, sizeof *needed);

	for (size_t i = 0; i < ck->refs_count; i++)
		if (ck->refs[i].role == ROLE_NEEDS && ck->refs[i].target != PLAN_NONE)
			needed[ck->refs[i].target] = true;
	return needed;
}

static enum plan_tier derive_tier(const struct plan_service *s, bool needed)
{
	if (s->writes_count)
		return s->schedule || s->during != DURING_NONE ? TIER_REPLAYABLE : TIER_ENTRY;
	if (s->reads_count)
		return TIER_READ_ONLY;
	return s->route != PLAN_NONE && !needed ? TIER_ENTRY : TIER_SUPPORT;
}

/* Only what replication itself keeps readable can be read before it is promoted. */
static bool may_be_read_early(const struct plan_store *store)
{
	return store->engine == ENGINE_POSTGRESQL && store->sync == SYNC_LOGICAL &&
	       store->pattern == PATTERN_REPLICA_PROMOTION;
}

/* Names that no application's role has. */
static bool is_reserved_role(const char *role)
{
	return *role == '\0' || strlen(role) > ROLE_NAME_MAX || strncmp(role, "pg_", 3) == 0 ||
	       strncmp(role, "airlock", 7) == 0;
}

static void early_error(struct checker *ck, const struct yaml_tree *root,
	const struct plan_service *s, const char *help, const char *message)
{
	checker_error_at(ck, path_of(ck, "services", s->name, "early_reader"), "P-EARLY",
		place(root, "services", s->name, "early_reader"), help, "%s", message);
}

static void check_early(
	struct checker *ck, const struct yaml_tree *root, const struct plan_service *s)
{
	if (is_reserved_role(s->early_reader))
		early_error(ck, root, s, "early_reader: ROLE, as it logs in on new",
			"this is not the name of an application's role");
	if (!s->tier_given || s->tier != TIER_READ_ONLY || s->writes_count)
		early_error(ck, root, s,
			s->writes_count ? "remove early_reader, or what it `writes`"
					: "add:  tier: read-only",
			"only a service that is declared to read, and nothing else, may read new "
			"before it is promoted");
	if (!s->reads_count)
		early_error(ck, root, s, "add:  reads: [STORE]", "it reads no store");
	for (size_t i = 0; i < s->reads_count; i++)
		if (s->reads[i] != PLAN_NONE && !may_be_read_early(&ck->plan->stores[s->reads[i]]))
			early_error(ck, root, s, "remove early_reader",
				arena_printf(ck->scratch,
					"the new side of %s cannot be read before it is promoted: "
					"that takes postgresql, replica-promotion and sync: logical",
					checker_name(ck, ck->plan->stores[s->reads[i]].name)));
}

static void check_service(
	struct checker *ck, const struct yaml_tree *root, struct plan_service *s, bool needed)
{
	s->tier_given = element_node(root, "services", s->name, "tier") != NULL;
	if (!s->tier_given)
		s->tier = derive_tier(s, needed);
	else if (s->tier == TIER_READ_ONLY && s->writes_count)
		checker_error_at(ck, path_of(ck, "services", s->name, "tier"), "P-TIER",
			place(root, "services", s->name, "tier"),
			"replayable and entry are the tiers of services that write",
			"a read-only service writes to nothing, but this one has `writes`");
	if (s->early_reader)
		check_early(ck, root, s);
	if (s->during == DURING_STOP && !s->stop.exec &&
		!element_node(root, "services", s->name, "stop"))
		checker_error_at(ck, path_of(ck, "services", s->name, NULL), "P-MISSING",
			place(root, "services", s->name, "during"),
			"add:  stop: {exec: [...], observe: [...], undo: [...], timeout: 10s}",
			"`during: stop` does not say how to stop it");
	if (s->schedule && s->during == DURING_NONE &&
		!element_node(root, "services", s->name, "during"))
		checker_error_at(ck, path_of(ck, "services", s->name, NULL), "P-MISSING",
			place(root, "services", s->name, "schedule"),
			"add:  during: holdback, hold or stop",
			"what runs on a schedule must say what it does during a cutover");
}

/* ---- routes ---- */

static bool leads_to_stores(enum plan_route_kind kind)
{
	return kind == ROUTE_NONE || kind == ROUTE_GATEWAY || kind == ROUTE_CONFIG;
}

static bool leads_to_services(enum plan_route_kind kind)
{
	return kind != ROUTE_GATEWAY;
}

/* Where verifiers come from a file it is named, and only there. */
static void check_auth(
	struct checker *ck, const struct yaml_tree *root, const struct plan_route *route)
{
	const char *from =
		plan_setting_get(route->settings, route->settings_count, "auth.verifiers");
	const char *file = plan_setting_get(route->settings, route->settings_count, "auth.file");
	bool is_file = from && strcmp(from, "file") == 0;

	if (!from || is_file == (file != NULL))
		return;
	checker_error_at(ck, path_of(ck, "routes", route->name, NULL), "P-MISSING",
		name_place(root, "routes", route->name),
		is_file ? "add to auth:  file: /etc/airlock/verifiers" : "say  verifiers: file",
		is_file ? "`verifiers: file` does not say which"
			: "a file of verifiers, and `verifiers: query`");
}

static void check_routes(struct checker *ck, const struct yaml_tree *root)
{
	const struct plan *p = ck->plan;
	bool *used = arena_calloc(ck->scratch, p->routes_count + 1, sizeof *used);

	for (size_t i = 0; i < ck->refs_count; i++) {
		const struct ref *ref = &ck->refs[i];
		const char *kind;
		bool to_store = strncmp(ref->path, "stores.", 7) == 0;

		if (ref->role != ROLE_ROUTE || ref->target == PLAN_NONE)
			continue;
		used[ref->target] = true;
		if ((to_store ? leads_to_stores : leads_to_services)(p->routes[ref->target].kind))
			continue;
		kind = plan_route_kind_name(p->routes[ref->target].kind);
		/* Whatever leads new traffic elsewhere leaves a store's state where it is. */
		checker_error_at(ck, ref->path, to_store ? "P-INGRESS" : "P-ROUTE", ref->at, NULL,
			"a route of kind %s does not lead to a %s", kind,
			to_store ? "store" : "service");
	}
	for (size_t i = 0; i < p->routes_count; i++)
		check_auth(ck, root, &p->routes[i]);
	for (size_t i = 0; i < p->routes_count; i++)
		if (!used[i])
			source_report(ck->src, ck->ps, "P-UNUSED", PROBLEM_WARNING,
				name_place(root, "routes", p->routes[i].name), NULL,
				"%s: nothing uses this route",
				path_of(ck, "routes", p->routes[i].name, NULL));
}

/* ---- overlaps ---- */

static bool talk(const struct graph *g, size_t a, size_t b)
{
	for (size_t i = g->by_to.start[b]; i < g->by_to.start[b + 1]; i++) {
		const struct tie *edge = graph_edge(g, &g->by_to, i);

		if (edge->from == a && edge->kind & EDGE_TALKS)
			return true;
	}
	return false;
}

static void check_overlaps(
	struct checker *ck, const struct yaml_tree *root, const struct graph *graph)
{
	const struct yaml_tree *list = get(root, "overlap");

	for (size_t i = 0; i < ck->plan->overlaps_count; i++) {
		const struct plan_overlap *o = &ck->plan->overlaps[i];
		char path[32];

		if (o->from == PLAN_NONE || o->to == PLAN_NONE || talk(graph, o->from, o->to) ||
			talk(graph, o->to, o->from))
			continue;
		snprintf(path, sizeof path, "overlap[%zu]", o->entry);
		checker_error_at(ck, path, "P-OVERLAP", list->items[o->entry]->at, NULL,
			"nothing connects %s and %s: neither reads, writes or needs the other",
			checker_name(ck, plan_node_name(ck->plan, o->from)),
			checker_name(ck, plan_node_name(ck->plan, o->to)));
	}
}

void meaning_check_graph(struct checker *ck, const struct yaml_tree *root)
{
	struct plan *p = ck->plan;
	struct graph graph;
	bool *needed;

	check_routes(ck, root);
	if (p->stores_count + p->services_count > PLAN_MEMBERS_MAX)
		return;
	needed = find_needed(ck);
	for (size_t i = 0; i < p->services_count; i++)
		check_service(ck, root, &p->services[i], needed[p->stores_count + i]);
	graph_make(p, ck->scratch, &graph);
	check_overlaps(ck, root, &graph);
	circle_report(ck, &graph);
	override_check(ck, root, &graph);
}
