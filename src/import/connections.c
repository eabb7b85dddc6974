#include "import/connections.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "dsn/dsn.h"
#include "import/images.h"

#define GROUPS_MAX 64
#define VALUE_MAX (256u << 10) /* a whole configuration file may be a value */

/* Variables that begin alike: DB_HOST, DB_PORT, DB_NAME, DB_USER. */
struct group {
	const char *prefix;
	const char *file; /* of settings: the file; NULL: the environment */
	struct dsn dsn;
	bool engine_said; /* by DB_CONNECTION=pgsql, or by the prefix */
	bool blank;
	bool database_said; /* by a key that calls it one, not just a name */
	bool called_db;	    /* by DBHOST, whose prefix says nothing */
	bool used;	    /* by a command that takes it as its environment */
	const struct fact *host, *first;
};

struct search {
	const struct connections_asked *asked;
	const struct part *part;
	struct connections *found;
	struct group *groups;
	size_t groups_count;
	bool looks_on; /* monitoring: whom its files name it measures, and does not need */
};

/* ---- names that say something ---- */

static bool word_in(const char *name, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = name; (at = strcasestr(at, word)) != NULL; at++)
		if ((at == name || !isalnum((unsigned char)at[-1])) &&
			!isalpha((unsigned char)at[len]))
			return true;
	return false;
}

bool connections_says_reads(const char *name)
{
	static const char *const words[] = {"replica", "replicas", "readonly", "read-only",
		"read_only", "reader", "ro", "standby", "slave", "follower"};

	size_t len = name ? strlen(name) : 0;

	for (size_t i = 0; name && i < ARRAY_LEN(words); i++)
		if (word_in(name, words[i]))
			return true;
	return len > 5 && strcmp(name + len - 5, "-read") == 0;
}

/* A variable may say it in one word more: DATABASE_READ_URL. */
static bool key_says_reads(const char *key)
{
	return connections_says_reads(key) || word_in(key, "read");
}

static bool says_database(const char *name)
{
	static const char *const words[] = {"db", "database", "sql", "postgres", "postgresql", "pg",
		"pgsql", "mysql", "mariadb", "datasource", "jdbc"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (word_in(name, words[i]))
			return true;
	return false;
}

/* ---- found ones ---- */

static struct connection *add(struct search *s, const struct fact *fact)
{
	struct connections *found = s->found;

	if (found->count == CONNECTIONS_MAX)
		return NULL;
	found->rows = arena_grow(
		s->asked->arena, found->rows, found->count, &found->cap, sizeof *found->rows);
	found->rows[found->count] =
		(struct connection){.key = fact->name, .at = fact->at, .set = fact->file != NULL};
	return &found->rows[found->count++];
}

static const char *kept(struct search *s, const char *text)
{
	return *text ? arena_strdup(s->asked->arena, text) : NULL;
}

static void add_dsn(
	struct search *s, const struct fact *fact, const struct dsn *dsn, size_t host, bool blank)
{
	struct connection *c = add(s, fact);

	if (!c)
		return;
	c->engine = dsn_engine_name(dsn->engine);
	c->engine_guessed = dsn->engine_guessed;
	c->database = kept(s, dsn->database);
	c->user = kept(s, dsn->user);
	c->blank = blank;
	if (host < dsn->hosts_count) {
		c->host = kept(s, dsn->hosts[host].name);
		c->port = dsn->hosts[host].port;
	}
	c->reads = key_says_reads(fact->name) || connections_says_reads(c->host) ||
		   connections_says_reads(c->user);
}

static bool knows(const struct search *s, const char *word)
{
	return s->asked->is_host(s->asked->world, s->part, word);
}

/* "psql -d shop" under PGHOST=db: what the command does not say, its environment does. */
static bool take_environment(struct search *s, struct dsn *dsn)
{
	if (dsn->engine != DSN_POSTGRESQL ||
		(dsn->form != DSN_COMMAND && dsn->form != DSN_CONNINFO))
		return false;
	for (size_t i = 0; i < s->groups_count; i++) {
		struct group *g = &s->groups[i];

		if (strcasecmp(g->prefix, "PG") != 0 || g->dsn.hosts_count == 0)
			continue;
		dsn_default(dsn, &g->dsn);
		g->used = true;
		return true;
	}
	return false;
}

/* Every connection string in the value; false when there is none. */
static bool from_strings(struct search *s, const struct fact *fact)
{
	size_t len = strlen(fact->value), from = 0;
	bool found = false;
	struct dsn dsn;

	while (len <= VALUE_MAX && s->found->count < CONNECTIONS_MAX &&
		dsn_next(fact->value, len, from, &dsn)) {
		from = dsn.start + dsn.len;
		if (dsn.hosts_count == 0 && !take_environment(s, &dsn) && !fact->blank)
			continue;
		add_dsn(s, fact, &dsn, 0, fact->blank);
		for (size_t i = 1; i < dsn.hosts_count; i++)
			if (knows(s, dsn.hosts[i].name) && !knows(s, dsn.hosts[0].name))
				add_dsn(s, fact, &dsn, i, fact->blank);
		found = true;
	}
	return found;
}

/* ---- variables that belong together ---- */

/* PGHOST, ORDERS_PGHOST */
static bool is_libpq_prefix(const char *prefix, size_t len)
{
	return len >= 2 && strcasecmp(prefix + len - 2, "PG") == 0 &&
	       (len == 2 || strchr("_.-", prefix[len - 3]));
}

static struct group *group_of(struct search *s, const char *key, size_t len, const char *file)
{
	struct group *g;

	while (len && strchr("_.-", key[len - 1]))
		len--;
	for (size_t i = 0; i < s->groups_count; i++)
		if (s->groups[i].file == file && strlen(s->groups[i].prefix) == len &&
			strncasecmp(s->groups[i].prefix, key, len) == 0)
			return &s->groups[i];
	if (s->groups_count == GROUPS_MAX)
		return NULL;
	g = &s->groups[s->groups_count++];
	g->prefix = arena_strndup(s->asked->arena, key, len);
	g->file = file;
	g->dsn.engine_guessed = true;
	g->engine_said = dsn_engine_of(key, len, &g->dsn.engine) || is_libpq_prefix(g->prefix, len);
	return g;
}

static bool ends_with_name(const char *key)
{
	size_t len = strlen(key);

	return len > 5 && strcasecmp(key + len - 5, "_NAME") == 0;
}

/* True when the key says that its value is a host of a connection. */
static bool from_key(struct search *s, const struct fact *fact)
{
	size_t prefix;
	enum dsn_role role = dsn_role_of(fact->name, strlen(fact->name), &prefix);
	enum dsn_engine engine;
	struct group *g;

	if (role == DSN_ROLE_NONE || role == DSN_ROLE_TEXT || role == DSN_ROLE_SECRET ||
		strlen(fact->name) > DSN_NAME_BYTES || strlen(fact->value) >= 4 * DSN_NAME_BYTES)
		return false;
	/* DB_NAME belongs to DB_HOST. */
	if (role == DSN_ROLE_DATABASE && ends_with_name(fact->name))
		prefix = strlen(fact->name) - strlen("NAME");
	/* "server one db:5432 check" of HAProxy is no host. */
	if (strstr(fact->value, "://") || (role == DSN_ROLE_HOST && strpbrk(fact->value, " \t")))
		return false;
	g = group_of(s, fact->name, prefix, fact->file);
	if (!g)
		return false;
	if (role == DSN_ROLE_ENGINE) {
		if (dsn_engine_of(fact->value, strlen(fact->value), &engine)) {
			g->dsn.engine = engine;
			g->engine_said = true;
		}
		return false;
	}
	dsn_set(&g->dsn, role, fact->value, strlen(fact->value));
	g->called_db |= role == DSN_ROLE_HOST && strncasecmp(fact->name + prefix, "db", 2) == 0;
	g->database_said |= role == DSN_ROLE_DATABASE && strcasestr(fact->name, "database");
	g->blank |= fact->blank && role == DSN_ROLE_HOST;
	if (role == DSN_ROLE_HOST)
		g->host = fact;
	if (!g->first)
		g->first = fact;
	return role == DSN_ROLE_HOST && g->dsn.hosts_count > 0;
}

/* APP_DBHOST goes with APP_DBNAME, APP_DB_HOST with APP_DATABASE. */
static bool is_longer(const char *prefix, const char *other)
{
	size_t len = strlen(other);
	const char *rest = prefix + len;

	return strncasecmp(prefix, other, len) == 0 && strcasecmp(rest + (*rest == '_'), "DB") == 0;
}

/* SENTRY_POSTGRES_HOST with SENTRY_DB_NAME: the one other group that names a database. */
static const struct group *complement(const struct search *s, const struct group *g)
{
	const struct group *only = NULL;

	for (size_t i = 0; i < s->groups_count; i++) {
		const struct group *other = &s->groups[i];

		if (other == g || other->file != g->file || other->host ||
			(!other->dsn.database[0] && !other->dsn.user[0]) ||
			(!says_database(other->prefix) && !other->database_said &&
				!is_longer(g->prefix, other->prefix)) ||
			(other->engine_said && g->engine_said &&
				other->dsn.engine != g->dsn.engine))
			continue;
		if (only)
			return NULL;
		only = other;
	}
	return only;
}

static bool engine_by_port(unsigned port, enum dsn_engine *ret)
{
	for (int e = DSN_POSTGRESQL; e <= DSN_RABBITMQ; e++)
		if (dsn_default_port((enum dsn_engine)e) == port) {
			*ret = (enum dsn_engine)e;
			return true;
		}
	return false;
}

static void add_group(struct search *s, struct group *g)
{
	const struct group *other = NULL;
	bool sql;

	if (!g->engine_said)
		g->engine_said = engine_by_port(g->dsn.hosts[0].port, &g->dsn.engine);
	sql = !g->engine_said || g->dsn.engine == DSN_POSTGRESQL || g->dsn.engine == DSN_MARIADB;
	if (sql && (!g->dsn.database[0] || !g->dsn.user[0]) &&
		(g->engine_said || g->called_db || says_database(g->prefix)))
		other = complement(s, g);
	if (other && !g->dsn.database[0])
		memcpy(g->dsn.database, other->dsn.database, sizeof g->dsn.database);
	if (other && !g->dsn.user[0])
		memcpy(g->dsn.user, other->dsn.user, sizeof g->dsn.user);
	for (size_t i = 0; i < g->dsn.hosts_count; i++) {
		bool known = knows(s, g->dsn.hosts[i].name);

		/* A host that nobody knows is a store only when something says so. */
		if (!known && !g->engine_said &&
			!((says_database(g->prefix) || g->called_db) && g->dsn.database[0]))
			continue;
		add_dsn(s, g->host, &g->dsn, i, g->blank);
		s->found->rows[s->found->count - 1].engine_guessed = !g->engine_said;
	}
	if (g->blank && g->dsn.hosts_count == 0 && g->engine_said)
		add_dsn(s, g->host, &g->dsn, 0, true);
}

/* ---- anything else that names a host: http://api:8080, kafka-1:9092,kafka-2:9092 ---- */

bool connections_names_host(const char *name)
{
	static const char *const ends[] = {"HOST", "HOSTS", "HOSTNAME", "ADDR", "ADDRESS",
		"ADDRESSES", "SERVER", "SERVERS", "BROKER", "BROKERS", "ENDPOINT", "ENDPOINTS",
		"URL", "URLS", "URI", "NODES", "SEEDS", "BOOTSTRAP", "SERVICE", "UPSTREAM",
		"BACKEND", "ORIGIN"};
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (len >= strlen(ends[i]) &&
			strcasecmp(name + len - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

/* A word that stands where a host stands: behind "://" or "@", before ":port", or alone. */
static bool stands_as_host(const char *value, const char *start, const char *end, bool alone)
{
	bool behind = start >= value + 3 && strncmp(start - 3, "://", 3) == 0;

	if (behind || (start > value && start[-1] == '@'))
		return true;
	if (end[0] == ':' && isdigit((unsigned char)end[1]))
		return true;
	return alone && (start == value || start[-1] == ',' || start[-1] == ' ') &&
	       (!*end || *end == ',' || *end == ' ' || *end == '/');
}

/* Temporal's own words: who is given seeds has two databases there. */
static void take_seeds(const struct search *s, struct connection *c)
{
	const char *main = facts_text(&s->part->env, "DBNAME");
	const char *visibility = facts_text(&s->part->env, "VISIBILITY_DBNAME");

	if (strcmp(c->key, "POSTGRES_SEEDS") == 0 && s->part->image &&
		strstr(s->part->image, "temporal"))
		c->database = arena_printf(s->asked->arena, "%s,%s", main ? main : "temporal",
			visibility ? visibility : "temporal_visibility");
}

static void from_hosts(struct search *s, const struct fact *fact)
{
	static const char host_characters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	bool alone = connections_names_host(fact->name);

	if (strlen(fact->value) > VALUE_MAX)
		return;
	for (const char *at = fact->value; *at;) {
		size_t len = strspn(at, host_characters);

		if (len && len < DSN_NAME_BYTES &&
			stands_as_host(fact->value, at, at + len, alone)) {
			const char *word = arena_strndup(s->asked->arena, at, len);
			struct connection *c = knows(s, word) ? add(s, fact) : NULL;

			if (c) {
				c->host = word;
				c->reads =
					key_says_reads(fact->name) || connections_says_reads(word);
				take_seeds(s, c);
			}
		}
		at += len ? len : 1;
	}
}

/* ---- all ---- */

static void look_at(struct search *s, const struct fact *fact)
{
	if (!fact->value || !*fact->value)
		return;
	if (from_strings(s, fact))
		return;
	if (!from_key(s, fact) && !(fact->file && s->looks_on))
		from_hosts(s, fact);
}

/* SPRING_DATASOURCE_USERNAME beside SPRING_DATASOURCE_URL */
static void complete(struct search *s, struct connection *c)
{
	size_t prefix;
	enum dsn_role role = dsn_role_of(c->key, strlen(c->key), &prefix);

	while (prefix && strchr("_.-", c->key[prefix - 1]))
		prefix--;
	for (size_t i = 0; role == DSN_ROLE_TEXT && prefix && i < s->groups_count; i++) {
		const struct group *g = &s->groups[i];

		if (g->host || strlen(g->prefix) != prefix ||
			strncasecmp(g->prefix, c->key, prefix) != 0)
			continue;
		if (!c->user)
			c->user = kept(s, g->dsn.user);
		if (!c->database)
			c->database = kept(s, g->dsn.database);
	}
}

void connections_find(
	const struct connections_asked *asked, const struct part *part, struct connections *ret)
{
	struct fact command = {.name = "command", .value = part->command, .at = part->at};
	struct search s = {.asked = asked, .part = part, .found = ret};

	*ret = (struct connections){0};
	s.looks_on = image_look(part->image, asked->arena).role == IMAGE_SUPPORT;
	s.groups = arena_calloc(asked->arena, GROUPS_MAX, sizeof *s.groups);
	for (const struct fact *fact = part->env.first; fact; fact = fact->next)
		look_at(&s, fact);
	for (const struct fact *fact = part->settings.first; fact; fact = fact->next)
		look_at(&s, fact);
	if (*part->command && !from_strings(&s, &command))
		from_hosts(&s, &command);
	for (size_t i = 0; i < ret->count; i++)
		complete(&s, &ret->rows[i]);
	for (size_t i = 0; i < s.groups_count; i++)
		if (s.groups[i].host && !s.groups[i].used)
			add_group(&s, &s.groups[i]);
}
