#include "import/derive_priv.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "import/tiers.h"

/* ---- values that are not here ---- */

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

/* Its value is a path: the connection stands in a file, mostly a secret. */
static bool is_in_file(const struct fact *fact)
{
	size_t len = strlen(fact->name);

	return fact->value && ((len > 5 && strcasecmp(fact->name + len - 5, "_FILE") == 0) ||
				      strncmp(fact->value, "/run/secrets/", 13) == 0);
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

		if ((fact->value && *fact->value && !fact->blank && !is_in_file(fact)) ||
			!leads_to_store(fact->name) || (fact->value && strstr(fact->value, "://")))
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
		world_add_edge(w, service, &edge);
		notes_add(w->notes, NOTE_ASSUMED, fact->at,
			"%.80s: the value of %.80s is not in these files, so the store it leads to "
			"is "
			"not seen",
			service->part->name, fact->name);
	}
}

/* ---- who waits for whom ---- */

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
		edge.store = server_store(w, edge.server, NULL);
		edge.server = NULL;
	}
	if (edge.service != service)
		world_add_edge(w, service, &edge);
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
		if (!edge.service || !edge.service->behind ||
			edge.service->image.role != IMAGE_POOLER)
			continue;
		edge.why = arena_printf(w->arena, "%s, through %s", need->value, part->name);
		edge.server = edge.service->behind;
		edge.service = NULL;
		wait_for(w, service, edge);
	}
}

static void find_carrier(struct world *w, struct service *service)
{
	const struct part *inside = service->part->inside;
	struct edge edge = {.use = EDGE_NEEDS, .why = "runs in it", .at = service->part->at};

	if (inside)
		edge.service = w->service_of[inside->number];
	if (edge.service && edge.service != service)
		world_add_edge(w, service, &edge);
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
		e->use = image_is_reader(&service->image) ? EDGE_READS : EDGE_WRITES;
		/* Which of several databases nothing says. */
		if (!server->stores->next || server_default_database(server))
			continue;
		e->store = NULL;
		e->unseen = e->why;
		e->why = arena_printf(w->arena, "which database of %s; %s",
			server->part ? server->part->name : server->host, e->why);
	}
}

void needs_find(struct world *w, struct service *service)
{
	find_unseen(w, service);
	find_carrier(w, service);
	find_needs(w, service);
	drop_needless(service);
	assume_use(w, service);
}
