#include "import/derive_priv.h"

#include <string.h>

#include "import/circles.h"
#include "import/hidden.h"
#include "import/tiers.h"

/* ---- parts become servers and services ---- */

static void add_service(struct world *w, const struct part *part)
{
	struct service *service = arena_alloc(w->arena, sizeof *service);

	service->part = part;
	service->image = image_look(part->image, w->arena);
	service->edges_last = &service->edges;
	w->services[w->services_count++] = service;
	w->service_of[part->number] = service;
}

static void classify(struct world *w)
{
	for (size_t i = 0; i < w->model->parts_count; i++) {
		struct part *part = w->model->parts[i];
		const char *why, *engine = image_engine(part, w->arena, &why);

		if (engine)
			world_add_server(w, part, engine, why);
		else
			add_service(w, part);
		world_index_hosts(w, part);
	}
	hidden_find(w);
	copies_find(w);
}

/* ---- services get their edges ---- */

/* What the server itself says it holds; one that nobody names is a store all the same. */
static void said_databases(struct world *w, struct server *server)
{
	if (!server->movable || server->primary)
		return;
	for (const struct fact *d = server->part ? server->part->databases.first : NULL; d;
		d = d->next)
		server_store(w, server, d->name);
	if (!server->stores)
		server_store(w, server, NULL);
}

static void connect(struct world *w)
{
	struct connections_asked asked = {.arena = w->arena, .is_host = world_is_host, .world = w};
	struct connections *all = arena_calloc(w->arena, w->services_count + 1, sizeof *all);

	for (size_t i = 0; i < w->services_count; i++) {
		connections_find(&asked, w->services[i]->part, &all[i]);
		if (w->services[i]->image.role == IMAGE_POOLER ||
			w->services[i]->image.role == IMAGE_PROXY)
			world_find_behind(w, w->services[i], &all[i]);
	}
	/* Who names a database goes first: then those who name only a server find it. */
	for (int named = 1; named >= 0; named--)
		for (size_t i = 0; i < w->services_count; i++)
			for (size_t k = 0; k < all[i].count; k++)
				if (w->services[i]->image.role != IMAGE_POOLER &&
					(all[i].rows[k].database != NULL) == named)
					world_use_connection(w, w->services[i], &all[i].rows[k]);
	for (size_t i = 0; i < w->servers_count; i++)
		said_databases(w, w->servers[i]);
	for (size_t i = 0; i < w->services_count; i++)
		needs_find(w, w->services[i]);
}

/* ---- names ---- */

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
