#include "import/derive_priv.h"

#include <string.h>

#include "base/check.h"

static bool same_user(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_target(const struct edge *a, const struct edge *b)
{
	return a->store == b->store && a->server == b->server && a->service == b->service &&
	       a->unseen == b->unseen;
}

void world_add_edge(struct world *w, struct service *from, const struct edge *edge)
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

bool image_is_reader(const struct image *image)
{
	return image->role == IMAGE_TOOL &&
	       (strcmp(image->word, "backup") == 0 || strcmp(image->word, "monitoring") == 0);
}

static void use_server(
	struct world *w, struct service *from, struct server *server, const struct connection *c)
{
	struct edge edge = {.use = c->reads || server->primary || image_is_reader(&from->image)
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
	} else if (!c->database && !server_default_database(server) && server->stores &&
		   (server->stores->next || (c->blank && server->stores->database))) {
		edge.unseen = c->key;
		edge.why = arena_printf(w->arena, "which database of %s; %s",
			server->part ? server->part->name : server->host, c->key);
	} else {
		edge.store = server_store(w, server, c->database);
		if (!edge.store)
			edge.server = server;
	}
	world_add_edge(w, from, &edge);
}

static void need_service(
	struct world *w, struct service *from, struct service *to, const char *why, struct place at)
{
	struct edge edge = {.use = EDGE_NEEDS, .service = to, .why = why, .at = at};

	if (from != to)
		world_add_edge(w, from, &edge);
}

/* Behind a pooler stands a server; the database and user are the client's. */
static void use_part(
	struct world *w, struct service *from, const struct part *part, const struct connection *c)
{
	struct server *server = w->server_of[part->number];
	struct service *service = w->service_of[part->number];

	if (!server && service && service->behind &&
		(service->image.role == IMAGE_POOLER ||
			(c->engine && strcmp(c->engine, service->behind->engine) == 0))) {
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
		world_add_edge(w, from, &edge);
	}
}

/* ---- connections that are not whole ---- */

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
	world_add_edge(w, from, &edge);
	return true;
}

void world_use_connection(struct world *w, struct service *from, const struct connection *c)
{
	const struct part *part = c->host ? world_find_host(w, from->part, c->host) : NULL;
	struct server *server;

	/* What a proxy stands in front of it does not use. */
	if (part && from->behind && w->server_of[part->number] == from->behind)
		return;
	if (part) {
		use_part(w, from, part, c);
		return;
	}
	if (!c->engine || (c->host && *c->host == '/'))
		return;
	if (c->host && facts_get(&w->model->left_out, c->host)) {
		notes_add(w->notes, NOTE_LEFT_OUT, c->at,
			"%.80s: %.80s leads to %.80s, whose profile is left out", from->part->name,
			c->key, c->host);
		return;
	}
	if (!c->host && c->blank && use_blank(w, from, c))
		return;
	server = world_outside(w, from, c);
	if (server)
		use_server(w, from, server, c);
}

/* ---- poolers, and proxies before a store ---- */

void world_find_behind(struct world *w, struct service *pooler, const struct connections *found)
{
	bool proxy = pooler->image.role == IMAGE_PROXY;

	for (size_t i = 0; i < found->count && !pooler->behind; i++) {
		const struct connection *c = &found->rows[i];
		const struct part *part =
			c->host ? world_find_host(w, pooler->part, c->host) : NULL;

		/* Kong keeps its own data in a store: a proxy has no database or user there. */
		if (proxy && (!c->set || c->database || c->user))
			continue;
		if (part)
			pooler->behind = w->server_of[part->number];
		else if (c->engine && c->host && !proxy)
			pooler->behind = world_outside(w, pooler, c);
	}
	/* Of all that a proxy may stand in front of only what moves is looked through it for. */
	if (proxy && pooler->behind && !pooler->behind->movable)
		pooler->behind = NULL;
	if (!pooler->behind && !proxy)
		notes_add(w->notes, NOTE_ASSUMED, pooler->part->at,
			"%.80s stands in front of a store, but which one is not seen",
			pooler->part->name);
}
