#include "import/derive_priv.h"

#include <string.h>

#include "base/check.h"

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

void copies_find(struct world *w)
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
