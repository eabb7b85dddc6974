#include "discover/target.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/clock.h"
#include "discover/dns.h"
#include "plan/conninfo.h"

#define KNOWN_MAX 256
#define ADDRESSES_MAX 8

/* A host name and what it resolves to. */
struct known {
	char name[DSN_NAME_BYTES];
	char addresses[ADDRESSES_MAX][INET6_ADDRSTRLEN];
	size_t count;
};

struct end {
	size_t store;
	enum side side;
	enum plan_engine engine;
	struct dsn dsn;
	char hostaddr[256]; /* libpq's list beside the hosts: where Airlock itself connects to */
};

struct targets {
	struct end *ends;
	size_t ends_count;
	struct known *known;
	size_t known_count;
	struct dns *dns;     /* NULL = the system's resolver */
	int64_t resolved_ms; /* spent */
	const char **names;
	size_t names_count;
};

/* ---- names ----------------------------------------------------------------------------------- */

static void ask(struct dns *dns, struct known *k)
{
	struct dns_answer answer;

	dns_ask(dns, k->name, &answer);
	for (size_t i = 0; i < answer.addresses.count && k->count < ADDRESSES_MAX; i++)
		snprintf(
			k->addresses[k->count++], INET6_ADDRSTRLEN, "%s", answer.addresses.text[i]);
}

static void resolve(struct known *k)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;

	if (getaddrinfo(k->name, NULL, &hints, &list) != 0)
		return;
	for (struct addrinfo *a = list; a != NULL && k->count < ADDRESSES_MAX; a = a->ai_next)
		if (getnameinfo(a->ai_addr, a->ai_addrlen, k->addresses[k->count], INET6_ADDRSTRLEN,
			    NULL, 0, NI_NUMERICHOST) == 0)
			k->count++;
	freeaddrinfo(list);
}

/* The addresses that the plan itself writes beside a name. */
static void take_hostaddr(const struct targets *t, struct known *k)
{
	for (size_t i = 0; i < t->ends_count; i++) {
		const char *at = t->ends[i].hostaddr;

		for (size_t h = 0; h < t->ends[i].dsn.hosts_count && *at != '\0'; h++) {
			size_t len = strcspn(at, ",");

			if (strcasecmp(t->ends[i].dsn.hosts[h].name, k->name) == 0 && len > 0 &&
				len < INET6_ADDRSTRLEN && k->count < ADDRESSES_MAX)
				snprintf(k->addresses[k->count++], INET6_ADDRSTRLEN, "%.*s",
					(int)len, at);
			at += len + (at[len] == ',');
		}
	}
}

/* NULL when no more names can be known. */
static const struct known *known_of(struct targets *t, const char *name)
{
	int64_t began_ms = clock_now_ms();
	struct known *k;

	for (size_t i = 0; i < t->known_count; i++)
		if (strcasecmp(t->known[i].name, name) == 0)
			return &t->known[i];
	if (t->known_count == KNOWN_MAX)
		return NULL;
	k = &t->known[t->known_count++];
	snprintf(k->name, sizeof k->name, "%s", name);
	take_hostaddr(t, k);
	if (strpbrk(name, "${}<>% ") == NULL && t->resolved_ms < TARGET_RESOLVE_MS) {
		if (t->dns != NULL && !target_is_address(name))
			ask(t->dns, k);
		else
			resolve(k);
	}
	t->resolved_ms += clock_now_ms() - began_ms;
	return k;
}

bool target_is_address(const char *name)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

static bool is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

bool target_is_local(const char *host)
{
	return *host == '\0' || *host == '/' || *host == '@' ||
	       strcasecmp(host, "localhost") == 0 || is_loopback(host);
}

static bool same_address(struct targets *t, const char *a, const char *b)
{
	struct known one;
	const struct known *other, *first = known_of(t, a);

	if (first == NULL)
		return false;
	one = *first; /* the table does not move, but the next look may add to it */
	other = known_of(t, b);
	for (size_t i = 0; other != NULL && i < one.count; i++)
		for (size_t j = 0; j < other->count; j++)
			if (strcmp(one.addresses[i], other->addresses[j]) == 0)
				return true;
	return false;
}

/* ---- the plan's own strings ------------------------------------------------------------------ */

static void set(struct dsn *dsn, const struct conninfo *info, const char *key, enum dsn_role role)
{
	const char *value = conninfo_get(info, key);

	if (value != NULL)
		dsn_set(dsn, role, value, strlen(value));
}

static void add_end(struct targets *t, const struct plan *plan, size_t store, enum side side)
{
	const struct plan_store *s = &plan->stores[store];
	struct end *end = &t->ends[t->ends_count];
	struct conninfo_error error;
	struct conninfo info;
	ARENA_AUTO arena = ARENA_INIT;

	*end = (struct end){.store = store, .side = side, .engine = s->engine};
	if (s->engine != ENGINE_POSTGRESQL) {
		t->ends_count += dsn_read(side == SIDE_OLD ? s->old : s->new, &end->dsn);
		return;
	}
	if (!conninfo_parse(side == SIDE_OLD ? s->old : s->new, &arena, &info, &error))
		return;
	set(&end->dsn, &info, "host", DSN_ROLE_HOST);
	if (end->dsn.hosts_count == 0)
		set(&end->dsn, &info, "hostaddr", DSN_ROLE_HOST);
	else if (conninfo_get(&info, "hostaddr") != NULL)
		snprintf(
			end->hostaddr, sizeof end->hostaddr, "%s", conninfo_get(&info, "hostaddr"));
	set(&end->dsn, &info, "port", DSN_ROLE_PORT);
	set(&end->dsn, &info, "dbname", DSN_ROLE_DATABASE);
	set(&end->dsn, &info, "service", DSN_ROLE_SERVICE);
	t->ends_count++;
}

static void add_names(struct targets *t)
{
	for (size_t i = 0; i < t->ends_count; i++)
		for (size_t h = 0; h < t->ends[i].dsn.hosts_count; h++) {
			const char *name = t->ends[i].dsn.hosts[h].name;

			if (!target_is_address(name) && !target_is_local(name))
				t->names[t->names_count++] = name;
		}
}

struct targets *targets_new(const struct plan *plan, struct dns *dns)
{
	struct targets *t = calloc(1, sizeof *t);

	ENSURE(t != NULL);
	t->dns = dns;
	t->ends = calloc(plan->stores_count * SIDE_COUNT + 1, sizeof *t->ends);
	t->known = calloc(KNOWN_MAX, sizeof *t->known);
	t->names = calloc(plan->stores_count * SIDE_COUNT * DSN_HOSTS_MAX + 1, sizeof *t->names);
	ENSURE(t->ends != NULL && t->known != NULL && t->names != NULL);
	for (size_t i = 0; i < plan->stores_count; i++) {
		add_end(t, plan, i, SIDE_OLD);
		add_end(t, plan, i, SIDE_NEW);
	}
	add_names(t);
	return t;
}

void targets_free(struct targets *t)
{
	if (t == NULL)
		return;
	free(t->ends);
	free(t->known);
	free(t->names);
	free(t);
}

const char *targets_host(const struct targets *t, size_t store, enum side side)
{
	for (size_t i = 0; i < t->ends_count; i++)
		if (t->ends[i].store == store && t->ends[i].side == side)
			return t->ends[i].dsn.hosts_count > 0 ? t->ends[i].dsn.hosts[0].name : NULL;
	return NULL;
}

size_t targets_names(const struct targets *t, const char *const **ret_names)
{
	*ret_names = t->names;
	return t->names_count;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool same_engine(const struct dsn *dsn, enum plan_engine engine)
{
	static const int engines[] = {[ENGINE_POSTGRESQL] = DSN_POSTGRESQL,
		[ENGINE_MARIADB] = DSN_MARIADB,
		[ENGINE_REDIS] = DSN_REDIS,
		[ENGINE_RABBITMQ] = DSN_RABBITMQ,
		[ENGINE_FILES] = -1};

	return (int)dsn->engine == engines[engine] || (dsn->engine_guessed && engines[engine] >= 0);
}

/* One of this machine's own addresses. */
static bool is_own_address(const char *address)
{
	struct ifaddrs *all = NULL;
	char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
	bool own = false;

	if (is_loopback(address))
		return true;
	if (getifaddrs(&all) != 0)
		return false;
	for (struct ifaddrs *a = all; a != NULL && !own; a = a->ifa_next) {
		int family = a->ifa_addr != NULL ? a->ifa_addr->sa_family : AF_UNSPEC;

		own = (family == AF_INET || family == AF_INET6) &&
		      getnameinfo(a->ifa_addr,
			      family == AF_INET ? sizeof(struct sockaddr_in)
						: sizeof(struct sockaddr_in6),
			      text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0 &&
		      strcmp(text, address) == 0;
	}
	freeifaddrs(all);
	return own;
}

/* Is it this machine, by whatever name? */
static bool is_this_machine(struct targets *t, const char *host)
{
	const struct known *k;

	if (target_is_local(host))
		return true;
	k = known_of(t, host);
	for (size_t i = 0; k != NULL && i < k->count; i++)
		if (is_own_address(k->addresses[i]))
			return true;
	return false;
}

static bool same_host(struct targets *t, const struct dsn_host *a, const struct dsn_host *b,
	unsigned default_port, bool *ret_by_name)
{
	if ((a->port ? a->port : default_port) != (b->port ? b->port : default_port))
		return false;
	*ret_by_name = strcasecmp(a->name, b->name) == 0;
	if (*ret_by_name)
		return true;
	if (target_is_local(a->name))
		return is_this_machine(t, b->name);
	if (target_is_local(b->name))
		return is_this_machine(t, a->name);
	return same_address(t, a->name, b->name);
}

static bool same_end(
	struct targets *t, const struct dsn *dsn, const struct end *end, struct target *ret)
{
	static const struct dsn_host nowhere = {.name = ""};
	unsigned port = dsn_default_port(dsn->engine);
	struct dsn_host local = nowhere;

	local.port = dsn->hosts[0].port;
	if (!same_engine(dsn, end->engine))
		return false;
	if (dsn->database[0] && end->dsn.database[0] && end->engine != ENGINE_RABBITMQ &&
		strcmp(dsn->database, end->dsn.database) != 0)
		return false;
	*ret = (struct target){.store = end->store,
		.side = end->side,
		.database = dsn->database[0] != '\0' || end->dsn.database[0] == '\0'};
	if (dsn->service[0] && dsn->hosts_count == 0)
		return strcmp(dsn->service, end->dsn.service) == 0;
	for (size_t h = 0; h < end->dsn.hosts_count; h++) {
		for (size_t i = 0; i < dsn->hosts_count; i++)
			if (same_host(t, &dsn->hosts[i], &end->dsn.hosts[h], port, &ret->by_name))
				return true;
		if (dsn->hosts_count == 0 && (dsn->database[0] || local.port) &&
			same_host(t, &local, &end->dsn.hosts[h], port, &ret->by_name))
			return true;
	}
	return false;
}

bool targets_find(struct targets *t, const struct dsn *dsn, struct target *ret)
{
	struct target first;

	for (size_t i = 0; i < t->ends_count; i++)
		if (same_end(t, dsn, &t->ends[i], &first)) {
			*ret = first;
			return true;
		}
	return false;
}

const struct dsn *targets_end(
	const struct targets *t, size_t i, size_t *ret_store, enum side *ret_side)
{
	if (i >= t->ends_count)
		return NULL;
	*ret_store = t->ends[i].store;
	*ret_side = t->ends[i].side;
	return &t->ends[i].dsn;
}
