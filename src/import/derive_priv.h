/*
 * derive_priv.h - what makes the world of a model, by ideas: servers.c knows who stands where and
 * what it holds, copies.c which server is a copy of another, use.c what a connection means, needs.c
 * what is only waited for or not seen.  derive.c calls them in their order.
 */
#ifndef AIRLOCK_IMPORT_DERIVE_PRIV_H
#define AIRLOCK_IMPORT_DERIVE_PRIV_H

#include "import/world.h"

/* ---- servers.c ---- */

void world_index_hosts(struct world *w, struct part *part);
/* A server that stands outside of all sources: each engine, host and port once.  NULL when there
 * are too many. */
struct server *world_outside(struct world *w, const struct service *by, const struct connection *c);
/* The database that a server has anyhow, by its own settings; or NULL. */
const char *server_default_database(const struct server *server);
/* The store of a database; NULL asks for the one that a server has anyhow.  Past
 * WORLD_STORES_MAX any store of the server, or NULL. */
struct store *server_store(struct world *w, struct server *server, const char *database);

/* ---- copies.c ---- */

/* Sets server.primary of each read-only copy, and tells. */
void copies_find(struct world *w);

/* ---- use.c ---- */

/* One edge for each target and user: writing is more than reading, reading more than needing. */
void world_add_edge(struct world *w, struct service *from, const struct edge *edge);
void world_use_connection(struct world *w, struct service *from, const struct connection *c);
/* Sets service.behind of a pooler. */
void world_find_behind(struct world *w, struct service *pooler, const struct connections *found);
/* What makes backups and measures only reads; tools for people do anything. */
bool image_is_reader(const struct image *image);

/* ---- needs.c ---- */

/* Adds what a service waits for, and stores that it must lead to but whose names are not here. */
void needs_find(struct world *w, struct service *service);

#endif
