#include "import/derive_priv.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "dsn/dsn.h"

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

/* ---- hosts ---- */

void world_index_hosts(struct world *w, struct part *part)
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

/* ---- outside of all sources ---- */

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

/* Whether somebody says 5432 or nothing, it is the same server. */
static unsigned usual_port(const char *engine)
{
	enum dsn_engine known;

	return dsn_engine_of(engine, strlen(engine), &known) ? dsn_default_port(known) : 0;
}

struct server *world_outside(struct world *w, const struct service *by, const struct connection *c)
{
	const char *host = real_host(w, by->part->scope, c->host);
	const char *key = arena_printf(w->arena, "%s %s%s %u", c->engine, host ? host : c->key,
		is_loopback(host) ? by->part->name : "", c->port ? c->port : usual_port(c->engine));
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

const char *server_default_database(const struct server *server)
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

struct store *server_store(struct world *w, struct server *server, const char *database)
{
	struct store **at = &server->stores;

	if (!database)
		database = server_default_database(server);
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
