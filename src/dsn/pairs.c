/*
 * pairs.c - "host=... dbname=..." as libpq reads it, "Host=...;Database=..." as ADO.NET and ODBC
 * do, "pgsql:host=...;dbname=..." of PHP.
 *
 * Key=value stands in every text, so a run of pairs counts as a connection string only when it says
 * enough that nothing else says: see is_enough.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "dsn/dsn_priv.h"

#define KEY_MAX 32
#define PAIRS_MAX 64

static const struct {
	const char *key;
	enum dsn_role role;
} keys[] = {
	{"host", DSN_ROLE_HOST},
	{"hostaddr", DSN_ROLE_HOST},
	{"server", DSN_ROLE_HOST},
	{"servername", DSN_ROLE_HOST},
	{"data source", DSN_ROLE_HOST},
	{"datasource", DSN_ROLE_HOST},
	{"port", DSN_ROLE_PORT},
	{"dbname", DSN_ROLE_DATABASE},
	{"database", DSN_ROLE_DATABASE},
	{"initial catalog", DSN_ROLE_DATABASE},
	{"user", DSN_ROLE_USER},
	{"username", DSN_ROLE_USER},
	{"user name", DSN_ROLE_USER},
	{"user id", DSN_ROLE_USER},
	{"userid", DSN_ROLE_USER},
	{"uid", DSN_ROLE_USER},
	{"password", DSN_ROLE_SECRET},
	{"pwd", DSN_ROLE_SECRET},
	{"pass", DSN_ROLE_SECRET},
	{"service", DSN_ROLE_SERVICE},
	{"driver", DSN_ROLE_ENGINE},
};

/* What a run of pairs said. */
struct run {
	struct dsn dsn;
	bool ado;		      /* separated by ';' */
	bool dbname, host, user, odd; /* odd: keys of an engine that is none of ours */
	bool libpq, engine;	      /* a key that only libpq has; the engine was named */
	char quote;		      /* what encloses the whole, 0 = nothing */
};

static bool is_key_char(unsigned char c)
{
	return isalnum(c) || c == '_';
}

/* The key that begins at `at` and has a '=' behind it; its length, 0 when there is none. */
static size_t key_at(const char *at, const char *end, bool ado)
{
	size_t len = 0, i;

	while (at + len < end && len < KEY_MAX &&
		(is_key_char((unsigned char)at[len]) ||
			(ado && at[len] == ' ' && len > 0 && at + len + 1 < end &&
				is_key_char((unsigned char)at[len + 1]))))
		len++;
	for (i = len; at + i < end && at[i] == ' '; i++)
		;
	return len > 0 && at + i < end && at[i] == '=' ? len : 0;
}

static enum dsn_role role_of(const char *key, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (slice_is((struct slice){key, len}, keys[i].key))
			return keys[i].role;
	return DSN_ROLE_NONE;
}

static void note(struct run *run, const char *key, size_t len, enum dsn_role role)
{
	static const char *const only_libpq[] = {"dbname", "sslmode", "application_name",
		"connect_timeout", "passfile", "target_session_attrs", "hostaddr",
		"fallback_application_name"};
	static const char *const only_others[] = {"initial catalog", "integrated security",
		"trustservercertificate", "multipleactiveresultsets", "attachdbfilename"};
	struct slice word = {key, len};

	for (size_t i = 0; i < ARRAY_LEN(only_libpq); i++)
		run->libpq = run->libpq || slice_is(word, only_libpq[i]);
	for (size_t i = 0; i < ARRAY_LEN(only_others); i++)
		run->odd = run->odd || slice_is(word, only_others[i]);
	run->dbname = run->dbname || role == DSN_ROLE_DATABASE;
	run->host = run->host || role == DSN_ROLE_HOST;
	run->user = run->user || role == DSN_ROLE_USER;
	run->engine = run->engine || role == DSN_ROLE_ENGINE;
}

/* A value in quotes; `quote` is "'", or "''" inside an SQL literal.  Gives where it ends. */
static const char *quoted_value(
	const char *at, const char *end, const char *quote, struct slice *ret)
{
	size_t n = strlen(quote);

	at += n;
	ret->at = at;
	while (at < end && *at != '\n' && !((size_t)(end - at) >= n && strncmp(at, quote, n) == 0))
		at += *at == '\\' && end - at > 1 ? 2 : 1;
	ret->len = (size_t)(at - ret->at);
	return at < end && *at != '\n' ? at + n : at;
}

/* A value of libpq's form; gives where it ends. */
static const char *pair_value(
	const struct run *run, const char *at, const char *end, struct slice *ret)
{
	if (end - at > 1 && at[0] == '\'' && at[1] == '\'')
		return quoted_value(at, end, "''", ret);
	if (at < end && *at == '\'' && run->quote != '\'')
		return quoted_value(at, end, "'", ret);
	ret->at = at;
	while (at < end && !isspace((unsigned char)*at) && *at != '"' && *at != '\'' && *at != '`')
		at += *at == '\\' && end - at > 1 && !isspace((unsigned char)at[1]) ? 2 : 1;
	ret->len = (size_t)(at - ret->at);
	return at;
}

/* A value of ADO's form: up to ';', in quotes or braces if it must hold one. */
static const char *ado_value(
	const struct run *run, const char *at, const char *end, struct slice *ret)
{
	char close = at < end && *at == '{' ? '}' : at < end && strchr("'\"", *at) && *at ? *at : 0;

	if (close != 0 && close != run->quote) {
		const char *stop = memchr(at + 1, close, (size_t)(end - at - 1));

		if (stop != NULL) {
			*ret = (struct slice){at + 1, (size_t)(stop - at - 1)};
			return stop + 1;
		}
	}
	ret->at = at;
	while (at < end && *at != ';' && (unsigned char)*at >= ' ' && *at != run->quote &&
		*at != '"' && *at != '<')
		at++;
	ret->len = (size_t)(at - ret->at);
	while (ret->len > 0 && ret->at[ret->len - 1] == ' ')
		ret->len--;
	return at;
}

/* What is shown of a host or a database holds none of these; a sentence around it does. */
static struct slice trimmed(struct slice value)
{
	while (value.len > 0 && strchr("),.;:]>", value.at[value.len - 1]) != NULL)
		value.len--;
	return value;
}

/* Reads pairs from `at`; gives where the last of them ends. */
static const char *read_pairs(struct run *run, const char *at, const char *end)
{
	const char *last = at;

	for (int n = 0; n < PAIRS_MAX; n++) {
		size_t len = key_at(at, end, run->ado);
		enum dsn_role role;
		struct slice value;
		const char *key = at;

		if (len == 0)
			break;
		role = role_of(key, len);
		note(run, key, len, role);
		at = (const char *)memchr(key + len, '=', (size_t)(end - key) - len) + 1;
		while (at < end && *at == ' ')
			at++;
		at = run->ado ? ado_value(run, at, end, &value) : pair_value(run, at, end, &value);
		if (role != DSN_ROLE_NONE)
			dsn_set(&run->dsn, role, value.at,
				role == DSN_ROLE_SECRET ? value.len : trimmed(value).len);
		last = at;
		while (at < end && (isspace((unsigned char)*at) || (run->ado && *at == ';')))
			at++;
	}
	return last;
}

/* Is the first separator behind the first value a ';'? */
static bool is_ado(const char *at, const char *end, char quote)
{
	while (at < end && *at != ';' && (unsigned char)*at >= ' ' &&
		(quote == 0 || *at != quote)) {
		/* A blank, and another key behind it: libpq's form. */
		if (*at == ' ' && at[-1] != ' ' && at[-1] != '=' && key_at(at + 1, end, false) > 0)
			return false;
		at++;
	}
	return at < end && *at == ';' &&
	       key_at(at + 1 + (at + 1 < end && at[1] == ' '), end, true) > 0;
}

static bool is_enough(const struct run *run)
{
	if (run->odd && !run->engine)
		return false; /* another vendor's server */
	if (run->dsn.form == DSN_PDO)
		return run->host || run->dbname;
	if (run->ado)
		return run->host && run->dbname;
	if (run->dsn.service[0] && (run->libpq || run->user))
		return true;
	return (run->libpq && (run->host || (run->dbname && run->user))) ||
	       (run->host && run->user && run->dsn.has_secret);
}

static bool is_pdo(const char *text, const char *start)
{
	return start - text >= 6 &&
	       (strncmp(start - 6, "pgsql:", 6) == 0 || strncmp(start - 6, "mysql:", 6) == 0);
}

static char quote_before(const char *text, const char *start)
{
	return start > text && (start[-1] == '"' || start[-1] == '\'' || start[-1] == '`')
		       ? start[-1]
		       : '\0';
}

static void guess_engine(struct run *run, const char *text, const char *start)
{
	struct dsn *dsn = &run->dsn;

	if (is_pdo(text, start)) {
		dsn->form = DSN_PDO;
		dsn->engine = start[-6] == 'm' ? DSN_MARIADB : DSN_POSTGRESQL;
	} else if (!run->libpq && !run->engine) {
		dsn->engine = dsn->hosts[0].port == 3306 ? DSN_MARIADB : DSN_POSTGRESQL;
		dsn->engine_guessed = dsn->hosts[0].port == 0;
	}
}

static bool take_pairs(struct slice text, size_t at, struct dsn *ret)
{
	const char *start = text.at + at, *end = text.at + text.len;
	struct run run = {.dsn = {.form = DSN_CONNINFO}};
	const char *last, *value = memchr(start, '=', (size_t)(end - start));

	ENSURE(value != NULL);
	run.quote = quote_before(text.at, start - (is_pdo(text.at, start) ? 6 : 0));
	run.ado = is_ado(value + 1, end, run.quote);
	if (run.ado)
		run.dsn.form = DSN_ADO;
	last = read_pairs(&run, start, end);
	guess_engine(&run, text.at, start);
	if (!is_enough(&run))
		return false;
	*ret = run.dsn;
	ret->start = at;
	ret->len = (size_t)(last - start);
	return true;
}

bool dsn_pairs_next(struct slice text, size_t from, struct dsn *ret)
{
	const char *end = text.at + text.len;

	for (size_t at = from; at < text.len; at++) {
		size_t len;

		if (at > 0 && (is_key_char((unsigned char)text.at[at - 1]) ||
				      text.at[at - 1] == '-' || text.at[at - 1] == '&' ||
				      text.at[at - 1] == '?' || text.at[at - 1] == '$'))
			continue;
		/* "Data Source" and "User Id" begin a run as well. */
		len = key_at(text.at + at, end, true);
		if (len == 0 ||
			(role_of(text.at + at, len) == DSN_ROLE_NONE &&
				role_of(text.at + at, key_at(text.at + at, end, false)) ==
					DSN_ROLE_NONE &&
				!slice_is((struct slice){text.at + at, len}, "sslmode") &&
				!slice_is((struct slice){text.at + at, len}, "application_name")))
			continue;
		if (take_pairs(text, at, ret))
			return true;
	}
	return false;
}
