#include "plan/conninfo.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/check.h"
#include "plan/secret.h"
#include "plan/text.h"

#define SETTINGS_MAX 64
#define HOSTS_MAX 16

static const char *const known_keys[] = {
#define KEY(name) name,
#include "plan/conninfo.def"
#undef KEY
};

struct reader {
	const char *text;
	const char *at;
	struct arena *arena;
	struct conninfo_setting settings[SETTINGS_MAX];
	size_t count;
	struct conninfo_error *error;
};

static bool fail(
	struct reader *r, const char *start, size_t len, const char *message, const char *help)
{
	*r->error = (struct conninfo_error){
		.start = (size_t)(start - r->text), .len = len, .message = message, .help = help};
	return false;
}

static bool refuse_key(struct reader *r, const char *start, size_t len, const char *key)
{
	struct text_nearest near = TEXT_NEAREST(key);
	char shown[TEXT_QUOTE_BYTES];
	const char *guess = "";

	for (size_t i = 0; i < ARRAY_LEN(known_keys); i++)
		text_nearest_try(&near, known_keys[i]);
	/* With a secret about, any word may be a piece of it. */
	if (secret_suspected(r->text, strlen(r->text)))
		return fail(r, start, len, "libpq has no such parameter", NULL);
	if (near.best)
		guess = arena_printf(r->arena, " (did you mean '%s'?)", near.best);
	return fail(r, start, len,
		arena_printf(r->arena, "libpq has no parameter %s%s",
			text_quote(key, strlen(key), shown), guess),
		NULL);
}

static bool is_known(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(known_keys); i++)
		if (strcmp(known_keys[i], key) == 0)
			return true;
	return false;
}

static bool port_is_valid(const char *ports)
{
	while (*ports) {
		size_t len = strcspn(ports, ",");
		char *end;
		long port = strtol(ports, &end, 10);

		if (len > 0 && (!isdigit((unsigned char)*ports) || end != ports + len || port < 1 ||
				       port > 65535))
			return false;
		ports += len;
		ports += *ports == ',';
	}
	return true;
}

/* `start` and `len` are where the setting stands in the text. */
static bool add(struct reader *r, const char *start, size_t len, const char *key, const char *value)
{
	if (!is_known(key))
		return refuse_key(r, start, strlen(key), key);
	if (strcmp(key, "port") == 0 && !port_is_valid(value))
		return fail(r, start, len, "a port is a number from 1 to 65535", NULL);
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->settings[i].key, key) == 0)
			return fail(r, start, len,
				arena_printf(r->arena, "'%s' is given twice", key),
				"libpq would take the last; remove one");
	if (r->count == SETTINGS_MAX)
		return fail(r, start, len, "too many parameters", NULL);
	r->settings[r->count++] = (struct conninfo_setting){key, value};
	return true;
}

static void skip_spaces(struct reader *r)
{
	while (isspace((unsigned char)*r->at))
		r->at++;
}

/* A value as in libpq's conninfo_parse(): quoted, or up to a space, \ takes the next as it is. */
static bool read_value(struct reader *r, const char **ret)
{
	BUF_AUTO value = BUF_INIT;
	const char *start = r->at;
	bool quoted = *r->at == '\'';

	r->at += quoted;
	while (*r->at && (quoted ? *r->at != '\'' : !isspace((unsigned char)*r->at))) {
		if (*r->at == '\\' && r->at[1])
			r->at++;
		buf_putc(&value, *r->at++);
	}
	if (quoted && *r->at != '\'')
		return fail(r, start, 1, "a ' is not closed", NULL);
	r->at += quoted;
	*ret = arena_strdup(r->arena, buf_str(&value));
	return true;
}

static bool read_pairs(struct reader *r)
{
	for (skip_spaces(r); *r->at; skip_spaces(r)) {
		const char *start = r->at, *key, *value;
		size_t len = 0;

		while (start[len] && start[len] != '=' && !isspace((unsigned char)start[len]))
			len++;
		key = arena_strndup(r->arena, start, len);
		r->at = start + len;
		skip_spaces(r);
		if (*r->at != '=' || len == 0)
			return fail(r, start, len ? len : 1,
				"a '=' is missing, or what stands before it",
				"write key=value, and quote values that contain spaces: key='a b'");
		r->at++;
		skip_spaces(r);
		if (!read_value(r, &value) || !add(r, start, (size_t)(r->at - start), key, value))
			return false;
	}
	return true;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					    : -1;
}

/* Percent-decodes [start, end). */
static bool decode(struct reader *r, const char *start, const char *end, const char **ret)
{
	BUF_AUTO out = BUF_INIT;

	for (const char *c = start; c < end; c++) {
		int high, low;

		if (*c != '%') {
			buf_putc(&out, *c);
			continue;
		}
		high = end - c > 2 ? hex_digit(c[1]) : -1;
		low = high >= 0 ? hex_digit(c[2]) : -1;
		if (low < 0 || (high == 0 && low == 0))
			return fail(r, c, 1,
				"'%' must be followed by two hexadecimal digits, not 00",
				"write %25 for the sign itself");
		buf_putc(&out, (char)(high << 4 | low));
		c += 2;
	}
	*ret = arena_strdup(r->arena, buf_str(&out));
	return true;
}

static bool add_decoded(struct reader *r, const char *key, const char *start, const char *end)
{
	const char *value;

	if (start == end)
		return true;
	return decode(r, start, end, &value) && add(r, start, (size_t)(end - start), key, value);
}

/* user[:password]@ */
static bool read_userinfo(struct reader *r)
{
	size_t len = strcspn(r->at, "@/");
	const char *start = r->at, *end = start + len;
	const char *colon = memchr(start, ':', len);

	if (*end != '@')
		return true;
	r->at = end + 1;
	return add_decoded(r, "user", start, colon ? colon : end);
}

static bool read_host(struct reader *r, struct buf *hosts, struct buf *ports)
{
	const char *start = r->at, *end, *host;
	size_t len;

	if (*start == '[') {
		end = strchr(start, ']');
		if (!end)
			return fail(r, start, 1, "a '[' is not closed", NULL);
		r->at = end + 1;
		start++;
		if (*r->at && !strchr(":/?,", *r->at))
			return fail(r, r->at, 1, "unexpected after ']'", NULL);
	} else {
		end = start + strcspn(start, ":/?,");
		r->at = end;
	}
	if (!decode(r, start, end, &host))
		return false;
	buf_puts(hosts, host);
	if (*r->at != ':')
		return true;
	len = strcspn(++r->at, "/?,");
	buf_add(ports, r->at, len);
	r->at += len;
	return true;
}

static bool read_hosts(struct reader *r)
{
	BUF_AUTO hosts = BUF_INIT;
	BUF_AUTO ports = BUF_INIT;
	const char *start = r->at;
	size_t len;

	while (true) {
		if (!read_host(r, &hosts, &ports))
			return false;
		if (*r->at != ',')
			break;
		r->at++;
		buf_putc(&hosts, ',');
		buf_putc(&ports, ',');
	}
	len = (size_t)(r->at - start);
	if (hosts.len && !add(r, start, len, "host", arena_strdup(r->arena, buf_str(&hosts))))
		return false;
	return !ports.len || strspn(buf_str(&ports), ",") == ports.len ||
	       add(r, start, len, "port", arena_strdup(r->arena, buf_str(&ports)));
}

/* key=value&... */
static bool read_query(struct reader *r)
{
	while (*r->at) {
		const char *start = r->at, *end = start + strcspn(start, "&");
		const char *sign = memchr(start, '=', (size_t)(end - start));
		const char *key, *value;

		if (!sign || sign == start)
			return fail(r, start, (size_t)(end - start), "a '=' is missing",
				"write ?key=value&key=value");
		if (!decode(r, start, sign, &key) || !decode(r, sign + 1, end, &value))
			return false;
		if (strcmp(key, "ssl") == 0 && strcmp(value, "true") == 0) {
			key = "sslmode";
			value = "require";
		}
		if (!add(r, start, (size_t)(end - start), key, value))
			return false;
		r->at = end + (*end == '&');
	}
	return true;
}

static bool read_uri(struct reader *r)
{
	r->at = strstr(r->text, "://") + 3;
	if (!read_userinfo(r) || !read_hosts(r))
		return false;
	if (*r->at == '/') {
		const char *start = ++r->at, *end = start + strcspn(start, "?");

		r->at = end;
		if (!add_decoded(r, "dbname", start, end))
			return false;
	}
	if (*r->at == '?')
		r->at++;
	return read_query(r);
}

static int compare_settings(const void *a, const void *b)
{
	return strcmp(((const struct conninfo_setting *)a)->key,
		((const struct conninfo_setting *)b)->key);
}

const char *conninfo_get(const struct conninfo *c, const char *key)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->settings[i].key, key) == 0)
			return *c->settings[i].value ? c->settings[i].value : NULL;
	return NULL;
}

static size_t count_elements(const char *list)
{
	size_t count = 1;

	for (; *list; list++)
		count += *list == ',';
	return count;
}

/* What libpq would otherwise take from the environment of whoever starts the program. */
static bool check_complete(struct reader *r, const struct conninfo *c)
{
	const char *host = conninfo_get(c, "host"), *hostaddr = conninfo_get(c, "hostaddr");
	size_t len = strlen(r->text);

	if ((host && count_elements(host) > HOSTS_MAX) ||
		(hostaddr && count_elements(hostaddr) > HOSTS_MAX))
		return fail(r, r->text, len, "more than 16 hosts for one side", NULL);
	if (conninfo_get(c, "service"))
		return true;
	if (!host && !hostaddr)
		return fail(r, r->text, len, "no host is given",
			"add host=NAME (a directory for a Unix socket), or service=NAME");
	if (!conninfo_get(c, "dbname"))
		return fail(
			r, r->text, len, "no dbname is given", "add dbname=NAME, or service=NAME");
	return true;
}

static bool is_uri(const char *text)
{
	return strncmp(text, "postgresql://", 13) == 0 || strncmp(text, "postgres://", 11) == 0;
}

bool conninfo_parse(const char *text, struct arena *arena, struct conninfo *ret,
	struct conninfo_error *ret_error)
{
	struct reader r = {.text = text, .at = text, .arena = arena, .error = ret_error};
	struct conninfo c;
	size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz+");

	if (!is_uri(text) && strncmp(text + scheme, "://", 3) == 0)
		return fail(&r, text, scheme + 3, "not a PostgreSQL URI",
			"URIs begin with postgresql://");
	if (!(is_uri(text) ? read_uri(&r) : read_pairs(&r)))
		return false;
	c.count = r.count;
	c.settings = arena_calloc(arena, r.count, sizeof *c.settings);
	if (r.count) {
		memcpy(c.settings, r.settings, r.count * sizeof *c.settings);
		qsort(c.settings, c.count, sizeof *c.settings, compare_settings);
	}
	if (!check_complete(&r, &c))
		return false;
	*ret = c;
	return true;
}

const char *conninfo_canonical(const struct conninfo *c, struct arena *arena)
{
	BUF_AUTO out = BUF_INIT;

	for (size_t i = 0; i < c->count; i++) {
		if (!*c->settings[i].value)
			continue;
		buf_printf(&out, "%s%s='", out.len ? " " : "", c->settings[i].key);
		for (const char *v = c->settings[i].value; *v; v++) {
			if (*v == '\'' || *v == '\\')
				buf_putc(&out, '\\');
			buf_putc(&out, *v);
		}
		buf_putc(&out, '\'');
	}
	return arena_strdup(arena, buf_str(&out));
}

/* Element n of a comma-separated list; the last stands for all that follow, as libpq has ports. */
static size_t element(const char *list, size_t n, const char **ret)
{
	size_t len = strcspn(list, ",");

	while (n-- > 0 && list[len] == ',') {
		list += len + 1;
		len = strcspn(list, ",");
	}
	*ret = list;
	return len;
}

/* All names of this machine are one. */
static bool is_local(const char *host, size_t len)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "::1"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strlen(names[i]) == len && strncasecmp(names[i], host, len) == 0)
			return true;
	return false;
}

static bool same_host(const char *a, size_t len_a, const char *b, size_t len_b)
{
	if (is_local(a, len_a) && is_local(b, len_b))
		return true;
	return len_a == len_b && strncasecmp(a, b, len_a) == 0;
}

static const char *host_list(const struct conninfo *c)
{
	const char *addr = conninfo_get(c, "hostaddr");

	return addr ? addr : conninfo_get(c, "host");
}

static bool same_port(const struct conninfo *a, size_t i, const struct conninfo *b, size_t j)
{
	const char *ports_a = conninfo_get(a, "port"), *ports_b = conninfo_get(b, "port");
	const char *one, *two;
	size_t len_one = element(ports_a ? ports_a : "5432", i, &one);
	size_t len_two = element(ports_b ? ports_b : "5432", j, &two);

	return strtol(len_one ? one : "5432", NULL, 10) == strtol(len_two ? two : "5432", NULL, 10);
}

static bool share_a_server(const struct conninfo *a, const struct conninfo *b)
{
	const char *hosts_a = host_list(a), *hosts_b = host_list(b);

	for (size_t i = 0; i < count_elements(hosts_a); i++)
		for (size_t j = 0; j < count_elements(hosts_b); j++) {
			const char *one, *two;
			size_t len_one = element(hosts_a, i, &one);
			size_t len_two = element(hosts_b, j, &two);

			if (same_host(one, len_one, two, len_two) && same_port(a, i, b, j))
				return true;
		}
	return false;
}

static bool same_value(const struct conninfo *a, const struct conninfo *b, const char *key)
{
	const char *one = conninfo_get(a, key), *two = conninfo_get(b, key);

	return one && two ? strcmp(one, two) == 0 : one == two;
}

bool conninfo_same(const struct conninfo *a, const struct conninfo *b)
{
	if (!same_value(a, b, "dbname") || !same_value(a, b, "service"))
		return false;
	if (host_list(a) && host_list(b))
		return share_a_server(a, b);
	return host_list(a) == host_list(b) && same_value(a, b, "port");
}
