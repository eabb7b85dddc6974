/*
 * world.h - the model understood: which parts are servers of stores, which databases they hold, who
 * uses them how, who needs whom; each with its reason and place.
 *
 * world_make (derive.c) makes it out of a model, write.c makes a plan of it.  A store of a plan is
 * one database of one server; a server whose engine this version cannot move, or that no plan
 * knows, keeps its edges, and write.c says them in comments.
 */
#ifndef AIRLOCK_IMPORT_WORLD_H
#define AIRLOCK_IMPORT_WORLD_H

#include "import/connections.h"
#include "import/images.h"
#include "import/model.h"
#include "plan/plan.h"

#define WORLD_EDGES_MAX 10000
#define WORLD_STORES_MAX 1000

struct server {
	const char *engine;	 /* as in images.def */
	bool movable;		 /* of the engine that this version moves */
	const struct part *part; /* NULL: it stands outside of all sources */
	const char *host;	 /* NULL = not known */
	unsigned port;		 /* 0 = the usual one */
	struct place at;
	const char *why;	/* "image postgres:16", "named by web in DATABASE_URL" */
	struct server *primary; /* this one is its read-only copy; or NULL */
	const char *name;	/* in the plan, of what is commented out */
	struct store *stores;	/* of a movable one */
};

struct store {
	struct server *server;
	const char *database; /* NULL = not known */
	const char *name;     /* in the plan */
	struct store *next;   /* of the same server */
};

struct service {
	const struct part *part;
	struct image image;
	const char *name; /* in the plan */
	enum plan_tier tier;
	const char *tier_why; /* NULL: the plan derives the tier */
	struct place tier_at;
	struct server *behind; /* of a pooler, or a proxy before a store: where it leads; or NULL */
	struct edge *edges, **edges_last;
	size_t node;
};

enum edge_use { EDGE_READS, EDGE_WRITES, EDGE_NEEDS };

struct edge {
	enum edge_use use;
	/* Exactly one of these. */
	struct store *store;
	struct server *server; /* that is not moved */
	struct service *service;
	const char *unseen; /* a variable whose value is not known, and that leads to a store */
	const char *user;   /* as whom; or NULL */
	const char *why;    /* "DATABASE_URL", "depends_on" */
	struct place at;
	bool circle; /* left out of the plan: needs would run in a circle */
	bool start;  /* likewise: only the order in which they start */
	struct edge *next;
};

struct world {
	struct arena *arena;
	const struct model *model;
	struct notes *notes;
	struct server **servers;
	size_t servers_count;
	struct service **services;
	size_t services_count;
	size_t stores_count, edges_count;
	struct server **server_of;   /* by the number of the part; NULL when it is none */
	struct service **service_of; /* likewise */
	struct node *hosts;	     /* a map: "scope/host" -> ref is its struct part */
	struct node *outside;	     /* a map: "engine host port" -> ref is its struct server */
	struct node *names;	     /* a map: names of the plan that are taken */
};

void world_make(const struct model *model, struct world *ret);

/* servers.c: hosts, also for what derive_priv.h does not reach. */
/* The part that goes by this host where `from` runs; also "db-0.db", one of a StatefulSet. */
const struct part *world_find_host(
	const struct world *w, const struct part *from, const char *host);
bool world_is_host(const void *world, const struct part *part, const char *word);
void world_add_server(
	struct world *w, const struct part *part, const char *engine, const char *why);

/* names.c: a name of the plan for a name of the source; notes when it had to differ. */
const char *world_name(struct world *w, const char *wanted, const char *scope, struct place at);

#endif
