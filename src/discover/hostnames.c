#include "discover/hostnames.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/clock.h"
#include "discover/caches.h"
#include "discover/stale.h"

struct hostname {
	char name[DSN_NAME_BYTES];
	char by[80];	/* "store orders", "route shop-name", "cron" */
	char store[64]; /* "" = of none */
	enum side side;
	unsigned port;	/* of the store; 0 = not known */
	char file[256]; /* that names it; "" = the plan */
	int line;
	struct dns_addresses also; /* that the plan says it has, before and after */
};

struct look {
	struct lead *lead;
	const char *root;
	bool chosen; /* the name server, by the operator */
	struct hostname rows[HOSTNAMES_MAX];
	size_t count;
	size_t left_out;
	struct dns *dns;
	int64_t until_ms;
	struct buf hosts; /* the text of root/etc/hosts */
	struct buf who;	  /* "nscd, dnsmasq" */
};

/* ---- which names ----------------------------------------------------------------------------- */

/* NULL when it stands there already, is none or is one too many. */
static struct hostname *add(
	struct look *look, const char *name, const char *store, enum side side, const char *by)
{
	struct hostname *row;
	size_t len = strlen(name);

	if (target_is_local(name) || strpbrk(name, "${}<>% @/") != NULL)
		return NULL;
	for (size_t i = 0; i < look->count; i++)
		if (strcasecmp(look->rows[i].name, name) == 0 &&
			strcmp(look->rows[i].store, store) == 0 && look->rows[i].side == side)
			return NULL;
	if (look->count == HOSTNAMES_MAX) {
		look->left_out++;
		return NULL;
	}
	row = &look->rows[look->count++];
	*row = (struct hostname){.side = side};
	FIELD(row->name, "%.*s", (int)(len > 1 && name[len - 1] == '.' ? len - 1 : len), name);
	FIELD(row->store, "%s", store);
	FIELD(row->by, "%s", by);
	return row;
}

static void add_hosts(struct look *look, const struct dsn *dsn, const struct finding *where)
{
	for (size_t i = 0; i < dsn->hosts_count; i++) {
		struct hostname *row =
			add(look, dsn->hosts[i].name, where->store, where->side, where->name);

		if (row == NULL)
			continue;
		row->port = dsn->hosts[i].port ? dsn->hosts[i].port : dsn_default_port(dsn->engine);
		FIELD(row->file, "%s", where->file);
		row->line = where->line;
	}
}

static void add_stores(struct look *look)
{
	const struct plan *plan = look->lead->plan;
	const struct dsn *dsn;
	struct finding where = {0};
	size_t store;

	for (size_t i = 0; (dsn = targets_end(look->lead->targets, i, &store, &where.side)); i++) {
		FIELD(where.store, "%s", plan->stores[store].name);
		FIELD(where.name, "store %.50s", plan->stores[store].name);
		add_hosts(look, dsn, &where);
	}
}

/* "shop.example.com:6432", "[::1]:6432". */
static void host_of(const char *endpoint, char ret[DSN_NAME_BYTES])
{
	const char *colon = strrchr(endpoint, ':');
	size_t len = colon != NULL ? (size_t)(colon - endpoint) : strlen(endpoint);

	if (*endpoint == '[' && len > 2)
		field_print(ret, DSN_NAME_BYTES, "%.*s", (int)len - 2, endpoint + 1);
	else
		field_print(ret, DSN_NAME_BYTES, "%.*s", (int)len, endpoint);
}

static void add_route(struct look *look, const struct plan_route *r)
{
	static const char *const ends[] = {"listen", "name", "server"}, *const sides[] = {
										"old", "new"};
	struct finding where = {0};

	FIELD(where.name, "route %.50s", r->name);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		const char *value = plan_setting_get(r->settings, r->settings_count, ends[i]);
		char host[DSN_NAME_BYTES];
		struct hostname *row;

		if (value == NULL)
			continue;
		host_of(value, host);
		row = add(look, host, "", SIDE_OLD, where.name);
		for (size_t s = 0; row != NULL && r->kind == ROUTE_DNS && s < ARRAY_LEN(sides);
			s++) {
			value = plan_setting_get(r->settings, r->settings_count, sides[s]);
			if (value != NULL && target_is_address(value) &&
				strcmp(ends[i], "name") == 0)
				dns_add_address(&row->also, value);
		}
	}
	for (size_t s = 0; r->kind == ROUTE_CONFIG && s < ARRAY_LEN(sides); s++) {
		const char *value = plan_setting_get(r->settings, r->settings_count, sides[s]);
		struct dsn dsn;

		where.side = s == 0 ? SIDE_OLD : SIDE_NEW;
		if (value != NULL && dsn_read(value, &dsn))
			add_hosts(look, &dsn, &where);
	}
}

/* Of everything that leads to a store. */
static void add_found(struct look *look)
{
	const struct findings *f = look->lead->f;

	for (size_t i = 0; i < f->count; i++) {
		struct finding where = f->rows[i];
		struct dsn dsn;

		if (!where.here || where.store[0] == '\0' || !dsn_read(where.target, &dsn))
			continue;
		FIELD(where.name, "%s", finding_id(where.kind));
		add_hosts(look, &dsn, &where);
	}
}

/* ---- what one resolves to -------------------------------------------------------------------- */

/* The addresses that hosts(5) gives it, and the line of the first. */
static int pinned(const char *text, const char *name, struct dns_addresses *ret)
{
	int line = 0, first = 0;

	for (size_t len; *text != '\0'; text += len + (text[len] != '\0')) {
		char copy[1024], *at = copy, *word, *save = NULL, *address;

		len = strcspn(text, "\n");
		line++;
		snprintf(copy, sizeof copy, "%.*s", (int)(len < 1000 ? len : 1000), text);
		copy[strcspn(copy, "#\r")] = '\0';
		address = strtok_r(at, " \t", &save);
		while (address != NULL && (word = strtok_r(NULL, " \t", &save)) != NULL) {
			if (strcasecmp(word, name) != 0 || !target_is_address(address))
				continue;
			dns_add_address(ret, address);
			first = first ? first : line;
		}
	}
	return first;
}

/* As an application of this host is told. */
static void resolve_here(const char *name, struct dns_addresses *ret)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	char text[DNS_ADDRESS_BYTES];

	if (getaddrinfo(name, NULL, &hints, &list) != 0)
		return;
	for (struct addrinfo *a = list; a != NULL; a = a->ai_next)
		if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0,
			    NI_NUMERICHOST) == 0)
			dns_add_address(ret, text);
	freeaddrinfo(list);
}

static void join(const struct dns_addresses *a, struct buf *out)
{
	for (size_t i = 0; i < a->count; i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : "", a->text[i]);
}

static bool same_addresses(const struct dns_addresses *a, const struct dns_addresses *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; same && i < a->count; i++)
		same = dns_has_address(b, a->text[i]);
	return same;
}

static void say_ttl(const struct dns_answer *answer, const struct window *w, struct buf *out)
{
	if (answer->ttl_s < 0)
		return;
	buf_printf(out, "TTL %" PRId64 " s by %s%s", answer->ttl_s, answer->server,
		answer->authoritative ? "" : ", which counts down in a cache");
	if (answer->ttl_s > w->to_s - w->from_s)
		buf_puts(out, ": longer than the window");
}

/* Where its addresses come from, and how long they may be kept. */
static void say_source(const struct look *look, int line, const struct dns_addresses *addresses,
	const struct dns_answer *answer, struct buf *out)
{
	if (line > 0) {
		buf_printf(
			out, ", pinned in %s/etc/hosts:%d, TTL not observable", look->root, line);
	} else if (answer->state == DNS_FOUND && same_addresses(addresses, &answer->addresses)) {
		say_ttl(answer, &look->lead->f->window, out);
		return;
	} else {
		buf_puts(out, "TTL not observable");
	}
	if (answer->state == DNS_NO_ANSWER)
		buf_printf(out, ", %s does not answer", answer->server);
	if (answer->state != DNS_FOUND || same_addresses(addresses, &answer->addresses))
		return;
	buf_puts(out, "; DNS says ");
	join(&answer->addresses, out);
	if (answer->ttl_s >= 0)
		buf_puts(out, ", ");
	say_ttl(answer, &look->lead->f->window, out);
}

static void ask(struct look *look, const char *name, struct dns_answer *ret)
{
	int64_t began_us = clock_now_us();

	*ret = (struct dns_answer){.state = DNS_NO_ANSWER, .ttl_s = -1};
	snprintf(ret->server, sizeof ret->server, "the name server (not asked: no time left)");
	if (clock_now_ms() >= look->until_ms)
		return;
	dns_ask(look->dns, name, ret);
	look->lead->f->names++;
	look->lead->f->names_us += clock_now_us() - began_us;
}

/* pinned before asked, and whom the operator names before what this host is told. */
static int addresses_of(struct look *look, const char *name, const struct dns_answer *answer,
	struct dns_addresses *ret)
{
	int line = pinned(buf_str(&look->hosts), name, ret);

	if (line > 0)
		return line;
	/* Where no server answers this would wait for it much longer. */
	if (!look->chosen && *look->root == '\0' && answer->state != DNS_NO_ANSWER)
		resolve_here(name, ret);
	if (ret->count == 0)
		*ret = answer->addresses;
	return 0;
}

static struct finding begun(const struct hostname *row)
{
	struct finding one = {
		.kind = FOUND_NAME, .how = HOW_SEEN, .side = row->side, .line = row->line};

	FIELD(one.store, "%s", row->store);
	FIELD(one.place, "%s (%s)", row->name, row->by);
	FIELD(one.name, "%s", row->name);
	FIELD(one.file, "%s", row->file);
	return one;
}

static void tell_name(struct look *look, const struct hostname *row)
{
	struct finding one = begun(row);
	struct dns_addresses addresses = {.count = 0}, now;
	struct dns_answer answer;
	BUF_AUTO target = BUF_INIT;
	BUF_AUTO what = BUF_INIT;
	int line;

	ask(look, row->name, &answer);
	line = addresses_of(look, row->name, &answer, &addresses);
	join(&addresses, &target);
	FIELD(one.target, "%s", buf_str(&target));
	if (addresses.count == 0) {
		one.how = HOW_UNOBSERVABLE;
		buf_printf(&what, "does not resolve here: %s %s", answer.server,
			answer.state == DNS_NO_ANSWER ? "does not answer" : "knows no such name");
	} else {
		say_source(look, line, &addresses, &answer, &what);
		if (look->who.len > 0)
			buf_printf(&what, "; kept here by %s", buf_str(&look->who));
	}
	FIELD(one.what, "%s", buf_str(&what));
	findings_add(look->lead->f, &one);
	now = addresses;
	if (now.count > 0)
		stale_look(look->lead->f, &one, row->port, &now, &row->also);
}

static void tell_address(struct look *look, const struct hostname *row)
{
	struct finding one = begun(row);

	if (row->file[0])
		return; /* the file itself was told */
	FIELD(one.what, "an address, no name: nobody caches it, its TTL is not observable, and it "
			"changes only where it is written");
	findings_add(look->lead->f, &one);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void collect(struct look *look)
{
	const struct plan *plan = look->lead->plan;

	add_stores(look);
	for (size_t i = 0; i < plan->routes_count; i++)
		add_route(look, &plan->routes[i]);
	add_found(look);
}

static bool has_names(const struct look *look)
{
	for (size_t i = 0; i < look->count; i++)
		if (!target_is_address(look->rows[i].name))
			return true;
	return false;
}

static void tell_all(struct look *look)
{
	BUF_AUTO hosts = BUF_INIT;

	buf_printf(&hosts, "%s/etc/hosts", look->root);
	lead_read(buf_str(&hosts), &look->hosts, NULL);
	if (has_names(look))
		caches_look(look->lead, look->root, &look->who);
	for (size_t i = 0; i < look->count; i++)
		if (target_is_address(look->rows[i].name))
			tell_address(look, &look->rows[i]);
		else
			tell_name(look, &look->rows[i]);
	if (look->left_out > 0) {
		struct finding one = {.kind = FOUND_HIDDEN, .how = HOW_UNOBSERVABLE};

		FIELD(one.place, "further host names");
		FIELD(one.what, "%zu names more than are asked for (%d)", look->left_out,
			HOSTNAMES_MAX);
		findings_add(look->lead->f, &one);
	}
}

void hostnames_look(struct lead *lead, const char *root, struct dns *dns, bool chosen)
{
	ARENA_AUTO arena = ARENA_INIT;
	struct look *look = arena_calloc(&arena, 1, sizeof *look); /* large for a stack */

	*look = (struct look){.lead = lead,
		.root = root,
		.chosen = chosen,
		.dns = dns,
		.until_ms = clock_now_ms() + HOSTNAMES_ASK_MS};
	collect(look);
	tell_all(look);
	buf_fini(&look->hosts);
	buf_fini(&look->who);
}
