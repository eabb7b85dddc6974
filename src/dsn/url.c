/* url.c - "scheme://user:secret@host:port/database?key=value", JDBC's, and Go's "@tcp(host)/db". */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "dsn/dsn_priv.h"

#define SCHEME_MAX 64

static bool ends_url(unsigned char c)
{
	return c <= ' ' || c == 0x7f || strchr("\"'`<>\\|", c) != NULL;
}

static int hex_of(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					    : -1;
}

/* Percent-decodes into the part; what is too long or no name is left out by dsn_set. */
static void set_decoded(struct dsn *dsn, enum dsn_role role, const char *at, const char *end)
{
	char out[DSN_NAME_BYTES * DSN_HOSTS_MAX];
	size_t n = 0;

	for (; at < end && n < sizeof out; at++) {
		int high = *at == '%' && end - at > 2 ? hex_of(at[1]) : -1;
		int low = high >= 0 ? hex_of(at[2]) : -1;

		out[n++] = low >= 0 ? (char)(high << 4 | low) : *at;
		if (low >= 0)
			at += 2;
	}
	if (at == end)
		dsn_set(dsn, role, out, n);
}

static void set_query(struct dsn *dsn, const char *at, const char *end)
{
	while (at < end) {
		const char *amp = memchr(at, '&', (size_t)(end - at));
		const char *stop = amp != NULL ? amp : end;
		const char *equals = memchr(at, '=', (size_t)(stop - at));
		size_t prefix;

		if (equals != NULL && equals > at) {
			enum dsn_role role = dsn_role_of(at, (size_t)(equals - at), &prefix);

			if (role != DSN_ROLE_ENGINE && (prefix == 0 || role == DSN_ROLE_SECRET))
				set_decoded(dsn, role, equals + 1, stop);
		}
		at = stop + 1;
	}
}

/* Where "user:secret" ends: passwords hold '@' and '/' more often than they are encoded. */
static const char *at_sign(const char *at, const char *end)
{
	const char *query = memchr(at, '?', (size_t)(end - at));
	const char *sign = memrchr(at, '@', (size_t)((query != NULL ? query : end) - at));
	const char *colon = memchr(at, ':', (size_t)(end - at));

	if (sign != NULL || query == NULL || colon == NULL || colon > query)
		return sign;
	return isdigit((unsigned char)colon[1]) ? NULL : memrchr(at, '@', (size_t)(end - at));
}

/* A ':' behind a host that is followed by no port: then it may be the start of a cut-off password.
 */
static bool is_cut(const char *at, const char *end)
{
	for (; at < end && *at != '/' && *at != '?'; at++) {
		if (*at == '[') {
			const char *close = memchr(at, ']', (size_t)(end - at));

			at = close != NULL ? close : at;
		} else if (*at == ':' && at + 1 < end && !isdigit((unsigned char)at[1]) &&
			   strchr("$%{", at[1]) == NULL)
			return true;
	}
	return false;
}

/* [at, end) is what follows "://". */
static void read_rest(struct dsn *dsn, const char *at, const char *end)
{
	const char *sign = at_sign(at, end), *slash, *query;

	if (sign != NULL) {
		const char *colon = memchr(at, ':', (size_t)(sign - at));

		dsn->has_secret = colon != NULL && colon + 1 < sign;
		set_decoded(dsn, DSN_ROLE_USER, at, colon != NULL ? colon : sign);
		at = sign + 1;
	} else if (is_cut(at, end)) {
		dsn->has_secret = true;
		return;
	}
	query = memchr(at, '?', (size_t)(end - at));
	slash = memchr(at, '/', (size_t)((query != NULL ? query : end) - at));
	set_decoded(dsn, DSN_ROLE_HOST, at, slash != NULL ? slash : query != NULL ? query : end);
	if (slash != NULL)
		set_decoded(dsn, DSN_ROLE_DATABASE, slash + 1, query != NULL ? query : end);
	if (query != NULL)
		set_query(dsn, query + 1, end);
}

/* The end of the token, without the punctuation of the sentence around it. */
static const char *token_end(const char *at, const char *end)
{
	const char *stop = at;

	while (stop < end && !ends_url((unsigned char)*stop))
		stop++;
	while (stop > at) {
		char last = stop[-1];
		size_t len = (size_t)(stop - at);
		bool bare = strchr(".,;:!*", last) != NULL ||
			    (last == ')' && memchr(at, '(', len) == NULL) ||
			    (last == ']' && memchr(at, '[', len) == NULL) ||
			    (last == '}' && memchr(at, '{', len) == NULL);

		if (!bare)
			break;
		stop--;
	}
	return stop;
}

static bool is_scheme(unsigned char c)
{
	return isalnum(c) || c == '+' || c == '.' || c == '-' || c == ':' || c == '_';
}

/*
 * The scheme that ends at `end`: words between ':', '+', '.' and '-' of which one is an engine's.
 * False when none is.  "url:jdbc:postgresql" begins at jdbc.
 */
static bool read_scheme(const char *begin, const char *end, const char **ret_start, struct dsn *dsn)
{
	const char *at = end;
	bool known = false;

	while (at > begin && end - at < SCHEME_MAX && is_scheme((unsigned char)at[-1]))
		at--;
	while (at < end && !known) {
		const char *stop = at;
		struct slice word;

		while (stop < end && strchr(":+.-", *stop) == NULL)
			stop++;
		word = (struct slice){at, (size_t)(stop - at)};
		if (slice_is(word, "jdbc") || slice_is(word, "r2dbc")) {
			dsn->form = DSN_JDBC;
			*ret_start = at;
		} else if (slice_is(word, "ecto") ||
			   (word.len <= 12 && dsn_engine_of(word.at, word.len, &dsn->engine) &&
				   strchr("pmrva", tolower((unsigned char)*word.at)) != NULL)) {
			dsn->engine_guessed = slice_is(word, "ecto");
			known = true;
			if (dsn->form != DSN_JDBC)
				*ret_start = at;
		}
		at = stop + (stop < end);
	}
	return known;
}

static bool take_url(struct slice text, const char *begin, const char *sign, struct dsn *ret)
{
	const char *end = text.at + text.len, *start = NULL, *stop;
	struct dsn one = {.form = DSN_URL};

	if (!read_scheme(begin, sign, &start, &one))
		return false;
	stop = token_end(sign + 3, end);
	if (stop <= sign + 3)
		return false;
	read_rest(&one, sign + 3, stop);
	one.start = (size_t)(start - text.at);
	one.len = (size_t)(stop - start);
	*ret = one;
	return true;
}

/* "jdbc:postgresql:shop" and "jdbc:postgresql:/": the local server. */
static bool take_short_jdbc(struct slice text, const char *at, struct dsn *ret)
{
	static const char head[] = "jdbc:postgresql:";
	const char *end = text.at + text.len, *stop;

	if ((size_t)(end - at) <= sizeof head - 1 || strncasecmp(at, head, sizeof head - 1) != 0 ||
		at[sizeof head - 1] == '/')
		return false;
	stop = token_end(at + sizeof head - 1, end);
	if (stop <= at + sizeof head - 1)
		return false;
	*ret = (struct dsn){
		.form = DSN_JDBC, .start = (size_t)(at - text.at), .len = (size_t)(stop - at)};
	at += sizeof head - 1;
	end = memchr(at, '?', (size_t)(stop - at));
	set_decoded(ret, DSN_ROLE_DATABASE, at, end != NULL ? end : stop);
	if (end != NULL)
		set_query(ret, end + 1, stop);
	return true;
}

/* Go's MySQL driver: [user[:secret]@]tcp(host:port)/database. */
static bool take_go(struct slice text, const char *begin, const char *at, struct dsn *ret)
{
	const char *end = text.at + text.len, *start = at, *close, *colon, *stop;
	struct dsn one = {.form = DSN_URL, .engine = DSN_MARIADB};

	if (end - at < 6 || strncmp(at, "@tcp(", 5) != 0)
		return false;
	close = memchr(at, ')', (size_t)(end - at));
	if (close == NULL || close + 1 >= end || close[1] != '/')
		return false;
	while (start > begin && !ends_url((unsigned char)start[-1]) && start[-1] != '=')
		start--;
	colon = memchr(start, ':', (size_t)(at - start));
	one.has_secret = colon != NULL;
	dsn_set(&one, DSN_ROLE_USER, start, (size_t)((colon != NULL ? colon : at) - start));
	dsn_set(&one, DSN_ROLE_HOST, at + 5, (size_t)(close - at - 5));
	stop = token_end(close + 2, end);
	colon = memchr(close + 2, '?', (size_t)(stop - close - 2));
	dsn_set(&one, DSN_ROLE_DATABASE, close + 2,
		(size_t)((colon != NULL ? colon : stop) - close - 2));
	one.start = (size_t)(start - text.at);
	one.len = (size_t)(stop - start);
	*ret = one;
	return true;
}

bool dsn_url_next(struct slice text, size_t from, struct dsn *ret)
{
	const char *begin = text.at + from, *end = text.at + text.len;

	for (const char *at = begin; at < end; at++) {
		if (*at == '@' && take_go(text, begin, at, ret))
			return true;
		if ((*at == 'j' || *at == 'J') && take_short_jdbc(text, at, ret))
			return true;
		if (*at == ':' && end - at > 3 && at[1] == '/' && at[2] == '/' &&
			take_url(text, begin, at, ret))
			return true;
	}
	return false;
}
