#include "import/world.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "import/circles.h"
#include "import/hidden.h"
#include "import/tiers.h"

/* ---- servers ---- */

static bool is_movable(const char *engine)
{
	return strcmp(engine, "postgresql") == 0;
}

static struct server *add_server(struct world *w, const char *engine, struct place at)
{
	struct server *server = arena_alloc(w->arena, sizeof *server);

	server->engine = engine;
	server->movable = is_movable(engine);
	server->at = at;
	w->servers[w->servers_count++] = server;
	return server;
}

void world_add_server(struct world *w, const struct part *part, const char *engine, const char *why)
{
	struct server *server = add_server(w, engine, part->at);

	server->part = part;
	server->host = part->kind == PART_STORE ? part->host : part->name;
	server->port = part->port;
	if (part->hosts.first && part->kind == PART_WORKLOAD)
		server->host = part->hosts.first->name;
	server->why = why;
	w->server_of[part->number] = server;
}

static void add_service(struct world *w, const struct part *part)
{
	struct service *service = arena_alloc(w->arena, sizeof *service);

	service->part = part;
	service->image = image_look(part->image, w->arena);
	service->edges_last = &service->edges;
	w->services[w->services_count++] = service;
	w->service_of[part->number] = service;
}

static void index_hosts(struct world *w, struct part *part)
{
	for (const struct fact *host = part->hosts.first; host; host = host->next) {
		bool qualified = strchr(host->name, '.') != NULL;
		const char *key =
			arena_printf(w->arena, "%s/%s", qualified ? "" : part->scope, host->name);
		struct node *node;

		if (node_entry(w->hosts, key))
			continue;
		node = node_new(w->arena, NODE_NULL, host->at);
		node->ref = part;
		node_put(w->arena, w->hosts, key, host->at, node);
	}
}

static const struct part *lookup(const struct world *w, const char *scope, const char *host)
{
	char key[512];
	const struct node *node;

	snprintf(key, sizeof key, "%s/%s", strchr(host, '.') ? "" : scope, host);
	node = node_get(w->hosts, key);
	return node ? node->ref : NULL;
}

/* Also "postgres-0.postgres", one of a StatefulSet. */
const struct part *world_find_host(const struct world *w, const struct part *from, const char *host)
{
	const struct part *part = lookup(w, from->scope, host);
	const char *dot = strchr(host, '.');

	if (!part && dot && dot > host && dot[1])
		part = lookup(w, from->scope, dot + 1);
	return part;
}

bool world_is_host(const void *world, const struct part *part, const char *word)
{
	return world_find_host(world, part, word) != NULL;
}

/* ---- copies of a server ---- */

static struct server *server_at(const struct world *w, const struct part *from, const char *host)
{
	const struct part *part = host ? world_find_host(w, from, host) : NULL;

	return part ? w->server_of[part->number] : NULL;
}

static bool is_replica(const struct part *part)
{
	static const char *const modes[] = {"POSTGRESQL_REPLICATION_MODE", "REDIS_REPLICATION_MODE",
		"MARIADB_REPLICATION_MODE"};

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		const char *mode = facts_text(&part->env, modes[i]);

		if (mode && (strcmp(mode, "slave") == 0 || strcmp(mode, "replica") == 0))
			return true;
	}
	return part->replica || connections_says_reads(part->name);
}

/* "db" for "db-replica": the longest name that this one begins with. */
static struct server *primary_by_name(const struct world *w, const struct server *server)
{
	struct server *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < w->servers_count; i++) {
		struct server *other = w->servers[i];
		size_t len = other->part ? strlen(other->part->name) : 0;

		if (other != server && len > most && strcmp(other->engine, server->engine) == 0 &&
			!is_replica(other->part) &&
			strncmp(other->part->name, server->part->name, len) == 0) {
			most = len;
			best = other;
		}
	}
	return best;
}

/* The server that it names, else the one its name begins with, else the only other one. */
static struct server *primary_of(const struct world *w, const struct server *server)
{
	static const char *const keys[] = {"POSTGRESQL_MASTER_HOST", "REDIS_MASTER_HOST",
		"MARIADB_MASTER_HOST", "PRIMARY_HOST", "MASTER_HOST"};
	struct server *only = NULL;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		only = server_at(w, server->part, facts_text(&server->part->env, keys[i]));
		if (only)
			return only;
	}
	only = primary_by_name(w, server);
	if (only)
		return only;
	for (size_t i = 0; i < w->servers_count; i++) {
		struct server *other = w->servers[i];

		if (other == server || strcmp(other->engine, server->engine) != 0 || !other->part ||
			is_replica(other->part))
			continue;
		if (only)
			return NULL;
		only = other;
	}
	return only;
}

static void find_copies(struct world *w)
{
	for (size_t i = 0; i < w->servers_count; i++) {
		struct server *server = w->servers[i];

		if (!is_replica(server->part))
			continue;
		server->primary = primary_of(w, server);
		if (server->primary == server || (server->primary && server->primary->primary))
			server->primary = NULL;
		notes_add(w->notes, NOTE_ASSUMED, server->at,
			server->primary
				? "%.80s is taken for a read-only copy of %.80s"
				: "%.80s looks like a read-only copy, but of which server is "
				  "not seen%.0s",
			server->part->name, server->primary ? server->primary->part->name : "");
	}
}

/* What a host is called outside, where one of the sources says so. */
static const char *real_host(struct world *w, const char *scope, const char *host)
{
	const struct fact *alias =
		host ? facts_get(&w->model->aliases, arena_printf(w->arena, "%s/%s",
							     strchr(host, '.') ? "" : scope, host))
		     : NULL;

	return alias ? alias->value : host;
}

static bool is_loopback(const char *host)
{
	return host && (strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
			       strcmp(host, "::1") == 0);
}

/* A server that stands outside of all sources: each engine, host and port once. */
static struct server *outside(struct world *w, const struct service *by, const struct connection *c)
{
	const char *host = real_host(w, by->part->scope, c->host);
	const char *key = arena_printf(w->arena, "%s %s%s %u", c->engine, host ? host : c->key,
		is_loopback(host) ? by->part->name : "", c->port);
	struct node *node = node_get(w->outside, key);
	struct server *server;

	if (node)
		return node->ref;
	if (w->servers_count >= MODEL_PARTS_MAX + WORLD_STORES_MAX)
		return NULL;
	server = add_server(w, c->engine, c->at);
	/* A proxy in the same pod or container, or a server on the same machine. */
	server->host = is_loopback(host) ? NULL : host;
	server->port = c->port;
	server->why = arena_printf(w->arena, "named by %s in %s%s", by->part->name, c->key,
		is_loopback(host)   ? " as localhost, where a proxy may stand"
		: c->engine_guessed ? "; the engine is a guess"
				    : "");
	node = node_new(w->arena, NODE_NULL, c->at);
	node->ref = server;
	node_put(w->arena, w->outside, key, c->at, node);
	return server;
}

/* ---- databases ---- */

static const char *default_database(const struct server *server)
{
	static const char *const keys[] = {"POSTGRES_DB", "POSTGRESQL_DATABASE",
		"POSTGRES_DATABASE", "PGDATABASE", "POSTGRES_USER", "POSTGRESQL_USERNAME"};

	if (!server->part)
		return NULL;
	if (server->part->database)
		return server->part->database;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (facts_text(&server->part->env, keys[i]))
			return facts_text(&server->part->env, keys[i]);
	return NULL;
}

/* The store of a database; NULL asks for the one that a server has anyhow. */
static struct store *store_of(struct world *w, struct server *server, const char *database)
{
	struct store **at = &server->stores;

	if (!database)
		database = default_database(server);
	for (; *at; at = &(*at)->next)
		if (!database || ((*at)->database && strcmp((*at)->database, database) == 0))
			return *at;
	if (w->stores_count == WORLD_STORES_MAX) {
		notes_add(w->notes, NOTE_ERROR, server->at,
			"more than %d stores: the rest is left out", WORLD_STORES_MAX);
		return server->stores;
	}
	w->stores_count++;
	*at = arena_alloc(w->arena, sizeof **at);
	(*at)->server = server;
	(*at)->database = database;
	return *at;
}

/* ---- edges ---- */

static bool same_user(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_target(const struct edge *a, const struct edge *b)
{
	return a->store == b->store && a->server == b->server && a->service == b->service &&
	       a->unseen == b->unseen;
}

/* One edge for each target and user: writing is more than reading, reading more than needing. */
static void add_edge(struct world *w, struct service *from, const struct edge *edge)
{
	for (struct edge *old = from->edges; old; old = old->next) {
		if (!same_target(old, edge))
			continue;
		if (edge->use == EDGE_NEEDS || (edge->use == old->use && !edge->user))
			return;
		if (!same_user(old->user, edge->user) && old->user)
			continue;
		if (edge->use == EDGE_WRITES || !old->user) {
			struct edge *next = old->next;
			bool writes = old->use == EDGE_WRITES || edge->use == EDGE_WRITES;

			*old = *edge;
			old->use = writes ? EDGE_WRITES : edge->use;
			old->next = next;
		}
		return;
	}
	if (w->edges_count++ >= WORLD_EDGES_MAX) {
		notes_add(w->notes, NOTE_ERROR, (struct place){.file = edge->at.file},
			"more than %d connections: the rest is left out", WORLD_EDGES_MAX);
		return;
	}
	*from->edges_last = arena_alloc(w->arena, sizeof *edge);
	**from->edges_last = *edge;
	(*from->edges_last)->next = NULL;
	from->edges_last = &(*from->edges_last)->next;
}

static void use_server(
	struct world *w, struct service *from, struct server *server, const struct connection *c);

/* "orders,users": what backup tools take. */
static void use_databases(
	struct world *w, struct service *from, struct server *server, const struct connection *c)
{
	for (const char *at = c->database; *at; at += strcspn(at, ","), at += *at == ',') {
		struct connection one = *c;

		one.database = arena_strndup(w->arena, at, strcspn(at, ","));
		if (*one.database)
			use_server(w, from, server, &one);
	}
}

/* What makes backups and measures only reads; tools for people do anything. */
static bool is_reader(const struct image *image)
{
	return image->role == IMAGE_TOOL &&
	       (strcmp(image->word, "backup") == 0 || strcmp(image->word, "monitoring") == 0);
}

static void use_server(
	struct world *w, struct service *from, struct server *server, const struct connection *c)
{
	struct edge edge = {.use = c->reads || server->primary || is_reader(&from->image)
					   ? EDGE_READS
					   : EDGE_WRITES,
		.user = c->user,
		.why = c->key,
		.at = c->at};

	if (c->database && strchr(c->database, ',')) {
		use_databases(w, from, server, c);
		return;
	}
	if (server->primary)
		server = server->primary;
	if (!server->movable) {
		edge.server = server;
	} else if (!c->database && !default_database(server) && server->stores &&
		   (server->stores->next || (c->blank && server->stores->database))) {
		edge.unseen = c->key;
		edge.why = arena_printf(w->arena, "which database of %s; %s",
			server->part ? server->part->name : server->host, c->key);
	} else {
		edge.store = store_of(w, server, c->database);
		if (!edge.store)
			edge.server = server;
	}
	add_edge(w, from, &edge);
}

static void need_service(
	struct world *w, struct service *from, struct service *to, const char *why, struct place at)
{
	struct edge edge = {.use = EDGE_NEEDS, .service = to, .why = why, .at = at};

	if (from != to)
		add_edge(w, from, &edge);
}

/* Behind a pooler stands a server; the database and user are the client's. */
static void use_part(
	struct world *w, struct service *from, const struct part *part, const struct connection *c)
{
	struct server *server = w->server_of[part->number];
	struct service *service = w->service_of[part->number];

	if (!server && service && service->behind) {
		struct connection through = *c;

		through.key = arena_printf(w->arena, "%s, through %s", c->key, part->name);
		use_server(w, from, service->behind, &through);
		return;
	}
	if (server)
		use_server(w, from, server, c);
	else if (service)
		need_service(w, from, service, c->key, c->at);
	/* A proxy of any kind before a store: which one, its own configuration says. */
	if (!server && service && from != service && c->engine && !c->engine_guessed &&
		(c->database || c->user)) {
		struct edge edge = {.use = EDGE_WRITES, .unseen = c->key, .at = c->at};

		edge.why = arena_printf(
			w->arena, "the store behind %s, to which %s leads", part->name, c->key);
		add_edge(w, from, &edge);
	}
}

static bool waits_for(const struct world *w, const struct service *service, const struct part *part)
{
	for (const struct fact *need = service->part->needs.first; need; need = need->next)
		if (world_find_host(w, service->part, need->name) == part)
			return true;
	return false;
}

/*
 * A connection whose host has no value: to the one server of its engine that the service waits
 * for, else to the only one that the sources run.  *ret_some: they run some.
 */
static struct server *likely_server(
	const struct world *w, const struct service *from, const char *engine, bool *ret_some)
{
	struct server *waited = NULL, *only = NULL;
	size_t waited_count = 0, count = 0;

	for (size_t i = 0; i < w->servers_count; i++) {
		struct server *server = w->servers[i];

		if (!server->part || server->primary || strcmp(server->engine, engine) != 0)
			continue;
		only = server;
		count++;
		if (waits_for(w, from, server->part)) {
			waited = server;
			waited_count++;
		}
	}
	*ret_some = count > 0;
	return waited_count == 1 ? waited : count == 1 ? only : NULL;
}

/* True when it was dealt with. */
static bool use_blank(struct world *w, struct service *from, const struct connection *c)
{
	struct connection here = *c;
	bool some;
	struct server *server = likely_server(w, from, c->engine, &some);
	struct edge edge = {.use = EDGE_WRITES, .unseen = c->key, .at = c->at};

	if (server) {
		here.key = arena_printf(w->arena,
			"%s (its host has no value: taken for the server it waits for, or the only "
			"one)",
			c->key);
		use_server(w, from, server, &here);
		return true;
	}
	if (!some)
		return false;
	edge.why =
		arena_printf(w->arena, "the store that %s leads to; its host has no value", c->key);
	add_edge(w, from, &edge);
	return true;
}

static void use_connection(struct world *w, struct service *from, const struct connection *c)
{
	const struct part *part = c->host ? world_find_host(w, from->part, c->host) : NULL;
	struct server *server;

	if (part) {
		use_part(w, from, part, c);
		return;
	}
	if (!c->engine || (c->host && *c->host == '/'))
		return;
	if (!c->host && c->blank && use_blank(w, from, c))
		return;
	server = outside(w, from, c);
	if (server)
		use_server(w, from, server, c);
}

static void find_behind(struct world *w, struct service *pooler, const struct connections *found)
{
	for (size_t i = 0; i < found->count && !pooler->behind; i++) {
		const struct connection *c = &found->rows[i];
		const struct part *part =
			c->host ? world_find_host(w, pooler->part, c->host) : NULL;

		if (part)
			pooler->behind = w->server_of[part->number];
		else if (c->engine && c->host)
			pooler->behind = outside(w, pooler, c);
	}
	if (!pooler->behind)
		notes_add(w->notes, NOTE_ASSUMED, pooler->part->at,
			"%.80s stands in front of a store, but which one is not seen",
			pooler->part->name);
}

/* A variable that must lead to a store, but its value comes from a Secret or a shell. */
static bool leads_to_store(const char *name)
{
	static const char *const words[] = {"DATABASE_URL", "DATABASE_URI", "DB_URL", "DB_URI",
		"DB_DSN", "DATABASE_DSN", "POSTGRES_URL", "POSTGRES_DSN", "POSTGRESQL_URL",
		"PG_URL", "PG_DSN", "SQLALCHEMY_DATABASE_URI", "DATASOURCE_URL", "JDBC_URL",
		"DB_HOST", "DATABASE_HOST", "POSTGRES_HOST", "POSTGRESQL_HOST", "PGHOST",
		"ConnectionStrings__"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasestr(name, words[i]))
			return true;
	return false;
}

static struct store *only_store(const struct world *w)
{
	for (size_t i = 0; i < w->servers_count; i++)
		if (w->servers[i]->stores)
			return w->servers[i]->stores;
	return NULL;
}

static void find_unseen(struct world *w, struct service *service)
{
	for (const struct fact *fact = service->part->env.first; fact; fact = fact->next) {
		struct edge edge = {.use = EDGE_WRITES, .why = fact->name, .at = fact->at};

		if ((fact->value && *fact->value && !fact->blank) || !leads_to_store(fact->name) ||
			(fact->value && strstr(fact->value, "://")))
			continue;
		if (w->stores_count == 1) {
			edge.store = only_store(w);
			edge.why = arena_printf(w->arena,
				"%s, whose value is not here: this is the only store", fact->name);
		} else {
			edge.unseen = fact->name;
			edge.why = arena_printf(w->arena,
				"the store that %s leads to; its value is not in these files",
				fact->name);
		}
		add_edge(w, service, &edge);
		notes_add(w->notes, NOTE_ASSUMED, fact->at,
			"%.80s: the value of %.80s is not in these files, so the store it leads to "
			"is "
			"not seen",
			service->part->name, fact->name);
	}
}

/*
 * depends_on is the order in which containers start.  Mostly it follows who calls whom; a job that
 * has to finish first, and what works off a queue or by the clock, is not called by anybody.
 */
static bool only_starts_after(const struct fact *need, const struct part *part)
{
	if (strncmp(need->value, "depends_on", strlen("depends_on")) != 0)
		return false;
	return strcmp(need->value, "depends_on") != 0 ||
	       (!part->entries.first && (part->schedule || tiers_is_worker(part)));
}

/* For a server that is moved: its store, the usual one where it has several. */
static void wait_for(struct world *w, struct service *service, struct edge edge)
{
	if (edge.server && edge.server->primary)
		edge.server = edge.server->primary;
	if (edge.server && edge.server->movable) {
		edge.store = store_of(w, edge.server, NULL);
		edge.server = NULL;
	}
	if (edge.service != service)
		add_edge(w, service, &edge);
}

static void find_needs(struct world *w, struct service *service)
{
	for (const struct fact *need = service->part->needs.first; need; need = need->next) {
		const struct part *part = world_find_host(w, service->part, need->name);
		struct edge edge = {.use = EDGE_NEEDS, .why = need->value, .at = need->at};

		edge.start = part && only_starts_after(need, part);
		if (!part) {
			notes_add(w->notes, NOTE_UNKNOWN, need->at,
				"%s %.80s: no such service, or its profile is left out",
				need->value, need->name);
			continue;
		}
		edge.service = w->service_of[part->number];
		edge.server = w->server_of[part->number];
		edge.start = edge.start && edge.service;
		wait_for(w, service, edge);
		if (!edge.service || !edge.service->behind)
			continue;
		edge.why = arena_printf(w->arena, "%s, through %s", need->value, part->name);
		edge.server = edge.service->behind;
		edge.service = NULL;
		wait_for(w, service, edge);
	}
}

/* Is one of the server's databases used by this service?  Then it needs no other. */
static void drop_needless(struct service *service)
{
	for (struct edge **at = &service->edges; *at;) {
		bool used = false;

		for (const struct edge *e = service->edges; e && (*at)->use == EDGE_NEEDS;
			e = e->next)
			used |= e != *at && e->use != EDGE_NEEDS && e->store && (*at)->store &&
				e->store->server == (*at)->store->server;
		if (used)
			*at = (*at)->next;
		else
			at = &(*at)->next;
	}
}

/*
 * It waits for a store and no file says how it comes to it (a file of variables that is not here,
 * the application's own configuration): it is assumed to write, as whoever has a connection is.
 */
static void assume_use(struct world *w, struct service *service)
{
	for (struct edge *e = service->edges; e; e = e->next) {
		const struct server *server = e->store ? e->store->server : NULL;

		if (e->use != EDGE_NEEDS || !server || service->image.role == IMAGE_POOLER)
			continue;
		e->use = is_reader(&service->image) ? EDGE_READS : EDGE_WRITES;
		/* Which of several databases nothing says. */
		if (!server->stores->next || default_database(server))
			continue;
		e->store = NULL;
		e->unseen = e->why;
		e->why = arena_printf(w->arena, "which database of %s; %s",
			server->part ? server->part->name : server->host, e->why);
	}
}

/* ---- all ---- */

static void classify(struct world *w)
{
	for (size_t i = 0; i < w->model->parts_count; i++) {
		struct part *part = w->model->parts[i];
		const char *why, *engine = image_engine(part, w->arena, &why);

		if (engine)
			world_add_server(w, part, engine, why);
		else
			add_service(w, part);
		index_hosts(w, part);
	}
	hidden_find(w);
	find_copies(w);
}

/* What the server itself says it holds; one that nobody names is a store all the same. */
static void said_databases(struct world *w, struct server *server)
{
	if (!server->movable || server->primary)
		return;
	for (const struct fact *d = server->part ? server->part->databases.first : NULL; d;
		d = d->next)
		store_of(w, server, d->name);
	if (!server->stores)
		store_of(w, server, NULL);
}

static void connect(struct world *w)
{
	struct connections_asked asked = {.arena = w->arena, .is_host = world_is_host, .world = w};
	struct connections *all = arena_calloc(w->arena, w->services_count + 1, sizeof *all);

	for (size_t i = 0; i < w->services_count; i++) {
		connections_find(&asked, w->services[i]->part, &all[i]);
		if (w->services[i]->image.role == IMAGE_POOLER)
			find_behind(w, w->services[i], &all[i]);
	}
	/* Who names a database goes first: then those who name only a server find it. */
	for (int named = 1; named >= 0; named--)
		for (size_t i = 0; i < w->services_count; i++)
			for (size_t k = 0; k < all[i].count; k++)
				if (w->services[i]->image.role != IMAGE_POOLER &&
					(all[i].rows[k].database != NULL) == named)
					use_connection(w, w->services[i], &all[i].rows[k]);
	for (size_t i = 0; i < w->servers_count; i++)
		said_databases(w, w->servers[i]);
	for (size_t i = 0; i < w->services_count; i++) {
		find_unseen(w, w->services[i]);
		find_needs(w, w->services[i]);
		drop_needless(w->services[i]);
		assume_use(w, w->services[i]);
	}
}

/* A server with one database is called as the server is; with several, each has both names. */
static void name_stores(struct world *w, struct server *server)
{
	const char *base = server->part ? server->part->name : server->host;
	const char *scope = server->part ? server->part->scope : "";
	bool several = server->stores && server->stores->next;

	/* A managed server's address begins with its name; an IP address says nothing. */
	if (!server->part && base)
		base = base[strspn(base, "0123456789.")]
			       ? arena_strndup(w->arena, base, strcspn(base, "."))
			       : NULL;
	if (!base)
		base = server->stores && server->stores->database ? server->stores->database
								  : server->engine;
	/* "cms" of a service "cms" is told from it. */
	if (node_entry(w->names, base))
		base = arena_printf(w->arena, "%s-store", base);
	if (!server->movable)
		server->name = world_name(w, base, scope, server->at);
	for (struct store *store = server->stores; store; store = store->next)
		store->name = world_name(w,
			several && store->database
				? arena_printf(w->arena, "%s-%s", base, store->database)
				: base,
			scope, server->at);
}

static void name_all(struct world *w)
{
	for (size_t i = 0; i < w->services_count; i++)
		w->services[i]->name = world_name(w, w->services[i]->part->name,
			w->services[i]->part->scope, w->services[i]->part->at);
	for (size_t i = 0; i < w->servers_count; i++)
		if (!w->servers[i]->primary)
			name_stores(w, w->servers[i]);
}

void world_make(const struct model *model, struct world *ret)
{
	struct world *w = ret;
	size_t parts = model->parts_count + 1;
	struct place nowhere = {0};

	*w = (struct world){.arena = model->arena, .model = model, .notes = model->notes};
	w->servers = arena_calloc(
		w->arena, parts + MODEL_PARTS_MAX + WORLD_STORES_MAX, sizeof(struct server *));
	w->services = arena_calloc(w->arena, parts, sizeof(struct service *));
	w->server_of = arena_calloc(w->arena, parts, sizeof(struct server *));
	w->service_of = arena_calloc(w->arena, parts, sizeof(struct service *));
	w->hosts = node_new(w->arena, NODE_MAP, nowhere);
	w->outside = node_new(w->arena, NODE_MAP, nowhere);
	w->names = node_new(w->arena, NODE_MAP, nowhere);
	classify(w);
	connect(w);
	name_all(w);
	tiers_derive(w);
	circles_break(w);
}
