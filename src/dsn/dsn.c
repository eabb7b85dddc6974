#include "dsn/dsn.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "dsn/dsn_priv.h"

static const struct {
	const char *name;
	unsigned port;
} engines[] = {
	[DSN_POSTGRESQL] = {"postgresql", 5432},
	[DSN_MARIADB] = {"mariadb", 3306},
	[DSN_REDIS] = {"redis", 6379},
	[DSN_RABBITMQ] = {"rabbitmq", 5672},
};

static const struct {
	const char *word;
	enum dsn_engine engine;
} engine_words[] = {
	{"postgres", DSN_POSTGRESQL},
	{"postgis", DSN_POSTGRESQL},
	{"pgsql", DSN_POSTGRESQL},
	{"psql", DSN_POSTGRESQL},
	{"psycopg", DSN_POSTGRESQL},
	{"npgsql", DSN_POSTGRESQL},
	{"mysql", DSN_MARIADB},
	{"mariadb", DSN_MARIADB},
	{"redis", DSN_REDIS},
	{"valkey", DSN_REDIS},
	{"amqp", DSN_RABBITMQ},
	{"rabbitmq", DSN_RABBITMQ},
};

bool slice_is(struct slice s, const char *lower)
{
	return strlen(lower) == s.len && strncasecmp(s.at, lower, s.len) == 0;
}

bool slice_holds(struct slice s, const char *lower)
{
	size_t len = strlen(lower);

	for (size_t i = 0; i + len <= s.len; i++)
		if (strncasecmp(s.at + i, lower, len) == 0)
			return true;
	return false;
}

bool dsn_engine_of(const char *word, size_t len, enum dsn_engine *ret_engine)
{
	for (size_t i = 0; i < ARRAY_LEN(engine_words); i++)
		if (slice_holds((struct slice){word, len}, engine_words[i].word)) {
			*ret_engine = engine_words[i].engine;
			return true;
		}
	return false;
}

const char *dsn_engine_name(enum dsn_engine engine)
{
	REQUIRE((size_t)engine < ARRAY_LEN(engines));
	return engines[engine].name;
}

unsigned dsn_default_port(enum dsn_engine engine)
{
	REQUIRE((size_t)engine < ARRAY_LEN(engines));
	return engines[engine].port;
}

const char *dsn_form_name(enum dsn_form form)
{
	static const char *const names[] = {[DSN_URL] = "URL",
		[DSN_CONNINFO] = "conninfo",
		[DSN_JDBC] = "JDBC",
		[DSN_ADO] = "ADO",
		[DSN_PDO] = "PDO",
		[DSN_COMMAND] = "command"};

	REQUIRE((size_t)form < ARRAY_LEN(names));
	return names[form];
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* Copies a name; false, and nothing is copied, when it is none. */
static bool copy_name(char ret[DSN_NAME_BYTES], const char *value, size_t len)
{
	if (len == 0 || len >= DSN_NAME_BYTES)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
			return false;
	memcpy(ret, value, len);
	ret[len] = '\0';
	return true;
}

static unsigned port_of(const char *value, size_t len)
{
	unsigned port = 0;

	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)value[i]) || port > 6553)
			return 0;
		port = port * 10 + (unsigned)(value[i] - '0');
	}
	return port <= 65535 ? port : 0;
}

/* "host", "host:port", "[::1]:port", "tcp:host,port"; an address of IPv6 without brackets has more
 * than one colon. */
static void add_host(struct dsn *dsn, const char *value, size_t len)
{
	struct dsn_host *host;
	const char *colon = memrchr(value, ':', len), *first = memchr(value, ':', len);
	const char *end = memchr(value, ']', len);
	size_t name = len;

	if (dsn->hosts_count == DSN_HOSTS_MAX)
		return;
	host = &dsn->hosts[dsn->hosts_count];
	host->port = 0;
	if (len > 0 && *value == '[' && end != NULL) {
		if (end + 1 < value + len && end[1] == ':')
			host->port = port_of(end + 2, (size_t)(value + len - end - 2));
		value++;
		name = (size_t)(end - value);
	} else if (colon != NULL && colon == first && *value != '/') {
		name = (size_t)(colon - value);
		host->port = port_of(colon + 1, len - name - 1);
	}
	if (copy_name(host->name, value, name))
		dsn->hosts_count++;
}

static void set_hosts(struct dsn *dsn, const char *value, size_t len)
{
	unsigned ports[DSN_HOSTS_MAX]; /* they may have come first */

	for (size_t i = 0; i < DSN_HOSTS_MAX; i++)
		ports[i] = dsn->hosts[i].port;
	dsn->hosts_count = 0;
	for (size_t at = 0; at < len;) {
		const char *comma = memchr(value + at, ',', len - at);
		size_t part = comma != NULL ? (size_t)(comma - value) - at : len - at;

		add_host(dsn, value + at, part);
		at += part + 1;
	}
	for (size_t i = 0; i < dsn->hosts_count; i++)
		if (dsn->hosts[i].port == 0)
			dsn->hosts[i].port = ports[i];
}

/* One port is all hosts'. */
static void set_ports(struct dsn *dsn, const char *value, size_t len)
{
	unsigned port = 0;
	size_t at = 0;

	for (size_t i = 0; i < DSN_HOSTS_MAX; i++) {
		const char *comma = at < len ? memchr(value + at, ',', len - at) : NULL;
		size_t part = at >= len	      ? 0
			      : comma != NULL ? (size_t)(comma - value) - at
					      : len - at;

		if (part > 0)
			port = port_of(value + at, part);
		dsn->hosts[i].port = port;
		at = comma != NULL ? at + part + 1 : len;
	}
}

void dsn_default(struct dsn *dsn, const struct dsn *from)
{
	if (dsn->hosts_count == 0) {
		unsigned port = dsn->hosts[0].port;

		memcpy(dsn->hosts, from->hosts, sizeof dsn->hosts);
		dsn->hosts_count = from->hosts_count;
		for (size_t i = 0; port > 0 && i < DSN_HOSTS_MAX; i++)
			dsn->hosts[i].port = port;
	} else if (dsn->hosts[0].port == 0) {
		for (size_t i = 0; i < dsn->hosts_count; i++)
			dsn->hosts[i].port = from->hosts[0].port;
	}
	if (dsn->database[0] == '\0')
		memcpy(dsn->database, from->database, sizeof dsn->database);
	if (dsn->user[0] == '\0')
		memcpy(dsn->user, from->user, sizeof dsn->user);
	dsn->has_secret = dsn->has_secret || from->has_secret;
}

void dsn_set(struct dsn *dsn, enum dsn_role role, const char *value, size_t len)
{
	switch (role) {
	case DSN_ROLE_HOST:
		set_hosts(dsn, value, len);
		break;
	case DSN_ROLE_PORT:
		set_ports(dsn, value, len);
		break;
	case DSN_ROLE_DATABASE:
		copy_name(dsn->database, value, len);
		break;
	case DSN_ROLE_USER:
		copy_name(dsn->user, value, len);
		break;
	case DSN_ROLE_SERVICE:
		copy_name(dsn->service, value, len);
		break;
	case DSN_ROLE_SECRET:
		dsn->has_secret = dsn->has_secret || len > 0;
		break;
	case DSN_ROLE_ENGINE:
		dsn->engine_guessed = !dsn_engine_of(value, len, &dsn->engine);
		break;
	case DSN_ROLE_NONE:
	case DSN_ROLE_TEXT:
		break;
	}
}

/* ---- keys of a configuration ----------------------------------------------------------------- */

static const struct {
	const char *word;
	enum dsn_role role;
} role_words[] = {
	{"hostname", DSN_ROLE_HOST},
	{"hostaddr", DSN_ROLE_HOST},
	{"servername", DSN_ROLE_HOST},
	{"server", DSN_ROLE_HOST},
	{"dbhost", DSN_ROLE_HOST},
	{"host", DSN_ROLE_HOST},
	{"dbport", DSN_ROLE_PORT},
	{"port", DSN_ROLE_PORT},
	{"dbname", DSN_ROLE_DATABASE},
	{"database", DSN_ROLE_DATABASE},
	{"db", DSN_ROLE_DATABASE},
	{"name", DSN_ROLE_DATABASE},
	{"username", DSN_ROLE_USER},
	{"dbuser", DSN_ROLE_USER},
	{"user", DSN_ROLE_USER},
	{"uid", DSN_ROLE_USER},
	{"dbpassword", DSN_ROLE_SECRET},
	{"dbpass", DSN_ROLE_SECRET},
	{"password", DSN_ROLE_SECRET},
	{"passwd", DSN_ROLE_SECRET},
	{"pass", DSN_ROLE_SECRET},
	{"pwd", DSN_ROLE_SECRET},
	{"servicefile", DSN_ROLE_NONE},
	{"service", DSN_ROLE_SERVICE},
	{"adapter", DSN_ROLE_ENGINE},
	{"driver", DSN_ROLE_ENGINE},
	{"engine", DSN_ROLE_ENGINE},
	{"connection", DSN_ROLE_ENGINE},
	{"connectionstring", DSN_ROLE_TEXT},
	{"url", DSN_ROLE_TEXT},
	{"uri", DSN_ROLE_TEXT},
	{"dsn", DSN_ROLE_TEXT},
};

/* PGHOST, ORDERS_PGHOST */
static bool behind_pg(const char *key, size_t before)
{
	return before >= 2 && strncasecmp(key + before - 2, "pg", 2) == 0 &&
	       (before == 2 || !isalnum((unsigned char)key[before - 3]));
}

enum dsn_role dsn_role_of(const char *key, size_t len, size_t *ret_prefix)
{
	size_t best = 0;
	enum dsn_role role = DSN_ROLE_NONE;

	*ret_prefix = 0;
	for (size_t i = 0; i < ARRAY_LEN(role_words); i++) {
		size_t word = strlen(role_words[i].word), before;
		bool apart;

		if (word > len || word <= best ||
			strncasecmp(key + len - word, role_words[i].word, word) != 0)
			continue;
		before = len - word;
		/* A word of its own: at the start, behind a sign, behind "PG", or in camelCase. */
		apart = before == 0 || !isalnum((unsigned char)key[before - 1]) ||
			behind_pg(key, before) ||
			(islower((unsigned char)key[before - 1]) &&
				isupper((unsigned char)key[before]));
		if (!apart)
			continue;
		best = word;
		role = role_words[i].role;
		*ret_prefix = before;
	}
	return role;
}

/* ---- finding and showing --------------------------------------------------------------------- */

typedef bool next_fn(struct slice text, size_t from, struct dsn *ret);

bool dsn_next(const char *text, size_t len, size_t from, struct dsn *ret)
{
	static next_fn *const finders[] = {dsn_url_next, dsn_pairs_next, dsn_command_next};
	struct slice whole = {text, len};
	bool found = false;

	for (size_t i = 0; from < len && i < ARRAY_LEN(finders); i++) {
		struct dsn one = {0};

		if (!finders[i](whole, from, &one) || (found && one.start >= ret->start))
			continue;
		ENSURE(one.start >= from && one.len > 0 && one.start + one.len <= len);
		*ret = one;
		found = true;
	}
	return found;
}

static bool is_blank(char c)
{
	return isspace((unsigned char)c) || c == '"' || c == '\'' || c == '`';
}

bool dsn_read(const char *text, struct dsn *ret)
{
	size_t len = strlen(text), start = 0;
	struct dsn one;

	while (len > 0 && is_blank(text[len - 1]))
		len--;
	while (start < len && is_blank(text[start]))
		start++;
	if (!dsn_next(text, len, start, &one) || one.start != start || one.len != len - start)
		return false;
	*ret = one;
	return true;
}

static void show_host(const struct dsn_host *host, struct buf *out)
{
	bool bracket = strchr(host->name, ':') != NULL;

	buf_printf(out, "%s%s%s", bracket ? "[" : "", host->name, bracket ? "]" : "");
	if (host->port > 0)
		buf_printf(out, ":%u", host->port);
}

void dsn_show(const struct dsn *dsn, struct buf *out)
{
	buf_printf(out, "%s://", dsn_engine_name(dsn->engine));
	if (dsn->user[0])
		buf_printf(out, "%s@", dsn->user);
	for (size_t i = 0; i < dsn->hosts_count; i++) {
		if (i > 0)
			buf_putc(out, ',');
		show_host(&dsn->hosts[i], out);
	}
	if (dsn->database[0])
		buf_printf(out, "/%s", dsn->database);
	if (dsn->service[0])
		buf_printf(out, "?service=%s", dsn->service);
}

void dsn_redact(const char *text, size_t len, struct buf *out)
{
	size_t at = 0;
	struct dsn dsn;

	while (dsn_next(text, len, at, &dsn)) {
		buf_add(out, text + at, dsn.start - at);
		dsn_show(&dsn, out);
		at = dsn.start + dsn.len;
	}
	buf_add(out, text + at, len - at);
}
