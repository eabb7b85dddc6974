#include "gateway/side.h"

#include <libpq-fe.h>
#include <netdb.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"

/* The value; "" when it is neither given nor has a default. */
static const char *get(const PQconninfoOption *options, const char *key)
{
	for (const PQconninfoOption *o = options; o->keyword; o++)
		if (strcmp(o->keyword, key) == 0)
			return o->val ? o->val : "";
	return "";
}

static int unix_address(
	struct gateway_side *side, const char *dir, const char *port, struct err *err)
{
	struct sockaddr_un *to = (struct sockaddr_un *)&side->addresses[0].address;
	int len = snprintf(to->sun_path, sizeof to->sun_path, "%s/.s.PGSQL.%s", dir, port);

	if (len < 0 || (size_t)len >= sizeof to->sun_path)
		return err_set(err, ERR_PLAN, "host: too long a path for a socket: %s", dir);
	to->sun_family = AF_UNIX;
	side->addresses[0].len =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len + 1);
	side->addresses_count = 1;
	return 0;
}

static void take_all(struct gateway_side *side, const struct addrinfo *all)
{
	side->addresses_count = side->at = 0;
	for (const struct addrinfo *a = all; a && side->addresses_count < GATEWAY_ADDRESSES_MAX;
		a = a->ai_next) {
		struct gateway_address *to = &side->addresses[side->addresses_count++];

		memcpy(&to->address, a->ai_addr, a->ai_addrlen);
		to->len = a->ai_addrlen;
	}
}

static int inet_address(
	struct gateway_side *side, const char *host, const char *port, struct err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
	int rc = getaddrinfo(host, port, &hints, &all);

	if (rc)
		return err_set(err, ERR_UNREACHABLE, "host %s: %s", host, gai_strerror(rc));
	take_all(side, all);
	freeaddrinfo(all);
	return 0;
}

static int take_address(struct gateway_side *side, const PQconninfoOption *options, struct err *err)
{
	const char *host = get(options, "host"), *address = get(options, "hostaddr");
	const char *port = *get(options, "port") ? get(options, "port") : "5432";

	if (strchr(host, ',') || strchr(address, ',') || strchr(port, ','))
		return err_set(err, ERR_PLAN, "a side has one host: %s", host);
	if (!*host && !*address)
		return err_set(err, ERR_PLAN, "a side's host is missing");
	if (snprintf(side->host, sizeof side->host, "%s", *host ? host : address) >=
		(int)sizeof side->host)
		return err_set(err, ERR_PLAN, "host: too long: %s", host);
	side->resolved = !*address;
	snprintf(side->port, sizeof side->port, "%s", port);
	if (host[0] == '/' || host[0] == '@')
		return unix_address(side, host, port, err);
	return inet_address(side, *address ? address : host, port, err);
}

/* Where libpq looks for roots when none are named. */
static bool default_roots(char ret[4096])
{
	struct passwd *user = getpwuid(geteuid());
	const char *home = getenv("HOME") ? getenv("HOME") : user ? user->pw_dir : "";

	snprintf(ret, 4096, "%s/.postgresql/root.crt", home);
	return access(ret, R_OK) == 0;
}

static int take_tls(struct gateway_side *side, const PQconninfoOption *options, struct err *err)
{
	const char *mode = get(options, "sslmode"), *given = get(options, "sslrootcert");
	bool verify = strncmp(mode, "verify-", 7) == 0, found;
	char roots[4096];

	side->tls_try = side->addresses[0].address.ss_family != AF_UNIX &&
			strcmp(mode, "disable") != 0 && strcmp(mode, "allow") != 0;
	side->tls_must = verify || strcmp(mode, "require") == 0;
	side->verify_host = strcmp(mode, "verify-full") == 0;
	if (!side->tls_try)
		return side->tls_must && side->addresses[0].address.ss_family != AF_UNIX
			       ? err_set(err, ERR_PLAN, "sslmode %s", mode)
			       : 0;
	found = *given ? snprintf(roots, sizeof roots, "%s", given) > 0 : default_roots(roots);
	if (verify && !found)
		return err_set(
			err, ERR_PLAN, "sslmode %s: there is no %s (sslrootcert)", mode, roots);
	/* With require, libpq verifies too when roots are there. */
	return tls_client_new(side->tls_must && found ? roots : NULL, &side->tls, err);
}

static int take(struct gateway_side *side, const PQconninfoOption *options, struct err *err)
{
	*side = (struct gateway_side){0};
	if (snprintf(side->database, sizeof side->database, "%s", get(options, "dbname")) >=
		(int)sizeof side->database)
		return err_set(err, ERR_PLAN, "dbname: too long");
	if (!*side->database)
		return err_set(err, ERR_PLAN, "a side's dbname is missing");
	return take_address(side, options, err) || take_tls(side, options, err) ? -1 : 0;
}

/* What is not given has libpq's default: from its service file, its environment, or built in. */
static void fill(PQconninfoOption *given)
{
	PQconninfoOption *defaults = PQconndefaults();

	for (PQconninfoOption *o = given; defaults && o->keyword; o++)
		if (!o->val && *get(defaults, o->keyword))
			o->val = strdup(get(defaults, o->keyword));
	PQconninfoFree(defaults);
}

int side_init(struct gateway_side *side, const char *conninfo, struct err *err)
{
	char *why = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &why);
	int rc;

	if (!options) {
		err_set(err, ERR_PLAN, "%s", why ? why : "not a connection string");
		PQfreemem(why);
		return -1;
	}
	fill(options);
	rc = take(side, options, err);
	PQconninfoFree(options);
	return rc;
}

void side_next_address(struct gateway_side *side)
{
	REQUIRE(side->addresses_count > 0);
	side->at = (side->at + 1) % side->addresses_count;
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *all)
{
	struct gateway_side *side = request->data;

	if (status == 0 && all)
		take_all(side, all);
	uv_freeaddrinfo(all);
	free(request);
}

void side_refresh(struct gateway *gateway, enum control_side which)
{
	struct gateway_side *side = &gateway->side[which];
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	uv_getaddrinfo_t *request;

	if (!side->resolved || side->addresses[0].address.ss_family == AF_UNIX)
		return;
	request = calloc(1, sizeof *request);
	ENSURE(request != NULL);
	request->data = side;
	if (uv_getaddrinfo(&gateway->loop, request, on_resolved, side->host, side->port, &hints))
		free(request);
}

void side_fini(struct gateway_side *side)
{
	SSL_CTX_free(side->tls);
	side->tls = NULL;
}
