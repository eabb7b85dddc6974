#include "discover/scan.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "discover/setting.h"

#define GROUP_LINES 20 /* parts further apart do not belong together */
#define GROUPS_MAX 4
#define PREFIX_BYTES 64

/* Settings of one connection, known by what their keys begin with. */
struct group {
	char prefix[PREFIX_BYTES];
	struct dsn dsn;
	unsigned roles; /* 1 << role: which parts are there */
	int line, last; /* of the host, or the first part; of the newest */
	size_t indent;
	bool comment;
};

struct scanner {
	const struct scan *scan;
	struct group groups[GROUPS_MAX];
	size_t count;
	int line;
	bool comment;
	/* PGHOST and its relatives: what commands and conninfo strings behind them do not say. */
	struct dsn env;
	bool env_used;
};

static void hit_dsn(struct scanner *s, const struct dsn *dsn, int line, bool comment, bool parts)
{
	struct scan_hit hit = {
		.kind = SCAN_DSN, .line = line, .comment = comment, .parts = parts, .dsn = dsn};

	s->scan->hit(s->scan->arg, &hit);
}

/* ---- parts on lines of their own ------------------------------------------------------------- */

static bool has(const struct group *g, enum dsn_role role)
{
	return g->roles >> role & 1;
}

static void flush(struct scanner *s, size_t i)
{
	struct group g = s->groups[i];

	s->groups[i] = s->groups[--s->count];
	if (strcasecmp(g.prefix, "PG") == 0 && s->env_used)
		return;
	if (has(&g, DSN_ROLE_HOST) || has(&g, DSN_ROLE_SERVICE) ||
		(has(&g, DSN_ROLE_DATABASE) && strcasecmp(g.prefix, "PG") == 0))
		hit_dsn(s, &g.dsn, g.line, g.comment, true);
}

static void flush_old(struct scanner *s, size_t indent, bool section)
{
	for (size_t i = s->count; i-- > 0;)
		if (section || s->line - s->groups[i].last > GROUP_LINES ||
			indent < s->groups[i].indent)
			flush(s, i);
}

static struct group *group_of(struct scanner *s, const struct setting *set, size_t prefix)
{
	struct group *g;

	for (size_t i = 0; i < s->count; i++) {
		g = &s->groups[i];
		if (strlen(g->prefix) == prefix && strncasecmp(g->prefix, set->key, prefix) == 0 &&
			g->indent == set->indent)
			return g;
	}
	if (s->count == GROUPS_MAX)
		flush(s, 0);
	g = &s->groups[s->count++];
	*g = (struct group){.indent = set->indent, .line = s->line, .comment = s->comment};
	g->dsn.engine_guessed = true;
	memcpy(g->prefix, set->key, prefix);
	return g;
}

/* "name:" stands in every YAML file; "NAME" is Django's. */
static bool is_weak_name(const struct setting *set, size_t prefix)
{
	return prefix == 0 && set->key_len == 4 && strncasecmp(set->key, "name", 4) == 0 &&
	       strncmp(set->key, "NAME", 4) != 0;
}

/* Grafana's "url: host:5432". */
static bool is_host_port(const struct setting *set)
{
	const char *colon = memchr(set->value, ':', set->value_len);

	return colon != NULL && colon > set->value && colon + 1 < set->value + set->value_len &&
	       isdigit((unsigned char)colon[1]) && memchr(set->value, '/', set->value_len) == NULL;
}

static void take_setting(struct scanner *s, const struct setting *set)
{
	size_t prefix;
	enum dsn_role role = dsn_role_of(set->key, set->key_len, &prefix);
	struct group *g;

	if (role == DSN_ROLE_TEXT && is_host_port(set))
		role = DSN_ROLE_HOST;
	if (role == DSN_ROLE_NONE || role == DSN_ROLE_TEXT || set->value_len == 0 ||
		prefix >= PREFIX_BYTES || is_weak_name(set, prefix))
		return;
	g = group_of(s, set, prefix);
	if (has(g, role)) { /* the next connection begins */
		flush(s, (size_t)(g - s->groups));
		g = group_of(s, set, prefix);
	}
	g->roles |= 1u << role;
	g->last = s->line;
	if (role == DSN_ROLE_HOST)
		g->line = s->line;
	dsn_set(&g->dsn, role, set->value, set->value_len);
}

/* "PGHOST=old PGDATABASE=shop psql", "Environment=\"A=b\" \"C=d\"": several on one line. */
static void take_settings(struct scanner *s, const char *line, size_t len)
{
	const char *at = line, *end = line + len;
	struct setting set;

	while (at < end && setting_read(at, (size_t)(end - at), &set)) {
		if (at != line)
			set.indent = s->count ? s->groups[s->count - 1].indent : 0;
		take_setting(s, &set);
		at = set.end;
		while (at < end && strchr(" \t\r\"',{}[", *at) != NULL && *at != '\0')
			at++;
	}
}

/* Only PG* of them, as the environment of what follows. */
static void take_environment(struct scanner *s, const char *line, size_t len)
{
	const char *at = line, *end = line + len;
	struct setting set;

	while (at < end && setting_read(at, (size_t)(end - at), &set) && set.key_len > 2 &&
		strncmp(set.key, "PG", 2) == 0) {
		size_t prefix;
		enum dsn_role role = dsn_role_of(set.key, set.key_len, &prefix);

		if (prefix == 2 && set.value_len > 0)
			dsn_set(&s->env, role, set.value, set.value_len);
		at = set.end;
		while (at < end && strchr(" \t\r\"'", *at) != NULL && *at != '\0')
			at++;
	}
}

static void hit_string(struct scanner *s, const struct dsn *dsn)
{
	struct dsn whole = *dsn;

	if (dsn->engine == DSN_POSTGRESQL &&
		(dsn->form == DSN_COMMAND || dsn->form == DSN_CONNINFO)) {
		dsn_default(&whole, &s->env);
		s->env_used = true;
	}
	hit_dsn(s, &whole, s->line, s->comment, false);
}

/* ---- lifetimes ------------------------------------------------------------------------------- */

static bool holds_any(const char *text, size_t len, const char *const *words, size_t count)
{
	for (size_t w = 0; w < count; w++)
		for (size_t i = 0, n = strlen(words[w]); i + n <= len; i++)
			if (strncasecmp(text + i, words[w], n) == 0)
				return true;
	return false;
}

/* A number and at most a short unit: nothing else could be told safely. */
static bool is_duration(const char *value, size_t len)
{
	size_t digits = 0;

	while (digits < len && digits < 9 && isdigit((unsigned char)value[digits]))
		digits++;
	if (digits == 0 || len - digits > 8)
		return false;
	for (size_t i = digits; i < len; i++)
		if (!isalpha((unsigned char)value[i]) && value[i] != ' ')
			return false;
	return true;
}

static void take_lifetime(struct scanner *s, const struct setting *set)
{
	static const char *const things[] = {
		"jwt", "token", "ticket", "oauth", "session", "inetaddr", "networkaddress"};
	static const char *const spans[] = {"ttl", "expir", "lifetime", "max_age", "maxage"};
	char key[97], value[32];
	struct scan_hit hit = {.kind = SCAN_LIFETIME,
		.line = s->line,
		.comment = s->comment,
		.name = key,
		.value = value};

	if (!is_duration(set->value, set->value_len) || set->key_len >= sizeof key ||
		!holds_any(set->key, set->key_len, things, ARRAY_LEN(things)) ||
		!holds_any(set->key, set->key_len, spans, ARRAY_LEN(spans)))
		return;
	memcpy(key, set->key, set->key_len);
	key[set->key_len] = '\0';
	memcpy(value, set->value, set->value_len);
	value[set->value_len] = '\0';
	s->scan->hit(s->scan->arg, &hit);
}

/* ---- names, .pgpass -------------------------------------------------------------------------- */

static bool is_name_char(unsigned char c)
{
	return isalnum(c) || c == '-' || c == '_' || c == '.';
}

static void take_names(struct scanner *s, const char *line, size_t len)
{
	for (size_t n = 0; n < s->scan->names_count; n++) {
		const char *name = s->scan->names[n], *at = line;
		size_t name_len = strlen(name);
		struct scan_hit hit = {
			.kind = SCAN_NAME, .line = s->line, .comment = s->comment, .name = name};

		while ((at = memmem(at, len - (size_t)(at - line), name, name_len)) != NULL) {
			const char *behind = at + name_len;

			if ((at == line || !is_name_char((unsigned char)at[-1])) &&
				(behind == line + len || !is_name_char((unsigned char)*behind) ||
					*behind == '.')) {
				s->scan->hit(s->scan->arg, &hit);
				break;
			}
			at = behind;
		}
	}
}

static bool is_pgpass(const char *file)
{
	const char *slash = strrchr(file, '/'), *base = slash != NULL ? slash + 1 : file;

	return strcmp(base, ".pgpass") == 0 || strcmp(base, "pgpass") == 0 ||
	       strcmp(base, "pgpass.conf") == 0;
}

/* host:port:database:user:password, '\' takes the next as it is, '*' is any. */
static void take_pgpass(struct scanner *s, const char *line, size_t len)
{
	static const enum dsn_role roles[] = {
		DSN_ROLE_HOST, DSN_ROLE_PORT, DSN_ROLE_DATABASE, DSN_ROLE_USER};
	struct dsn dsn = {.has_secret = true};
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		char part[DSN_NAME_BYTES];
		size_t n = 0;

		for (; at < len && line[at] != ':'; at++) {
			if (line[at] == '\\' && at + 1 < len)
				at++;
			if (n < sizeof part)
				part[n++] = line[at];
		}
		if (at++ >= len)
			return;
		if (n < sizeof part && !(n == 1 && part[0] == '*'))
			dsn_set(&dsn, roles[i], part, n);
	}
	if (dsn.hosts_count > 0)
		hit_dsn(s, &dsn, s->line, s->comment, false);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool is_comment(const char *line, size_t len)
{
	static const char *const signs[] = {"#", "//", ";", "--", "/*", "<!--", "*"};

	while (len > 0 && (*line == ' ' || *line == '\t'))
		line++, len--;
	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (len >= strlen(signs[i]) && strncmp(line, signs[i], strlen(signs[i])) == 0)
			return true;
	return false;
}

/* "spring.datasource.url=jdbc:..." whose user stands on a line of its own. */
static bool wait_for_user(struct scanner *s, const char *line, size_t len, const struct dsn *dsn)
{
	struct setting set;
	struct group *g;
	size_t prefix;

	if (dsn->user[0] || dsn->hosts_count == 0 || !setting_read(line, len, &set) ||
		dsn_role_of(set.key, set.key_len, &prefix) != DSN_ROLE_TEXT ||
		prefix >= PREFIX_BYTES)
		return false;
	g = group_of(s, &set, prefix);
	if (has(g, DSN_ROLE_HOST)) {
		flush(s, (size_t)(g - s->groups));
		g = group_of(s, &set, prefix);
	}
	g->dsn = *dsn;
	g->roles = 1u << DSN_ROLE_HOST | 1u << DSN_ROLE_DATABASE;
	g->line = g->last = s->line;
	return true;
}

/* Whole strings; with `cut` those that touch the end are left out (dsn.h). */
static size_t take_strings(struct scanner *s, const char *line, size_t len, bool cut)
{
	size_t found = 0;
	struct dsn dsn;

	for (size_t at = 0; dsn_next(line, len, at, &dsn); at = dsn.start + dsn.len) {
		if (cut && dsn.start + dsn.len + 1 >= len)
			break;
		if (found++ > 0 || !wait_for_user(s, line, len, &dsn))
			hit_string(s, &dsn);
	}
	return found;
}

static void take_line(struct scanner *s, const char *line, size_t len, bool cut)
{
	struct setting set;
	size_t indent = 0;

	while (indent < len && (line[indent] == ' ' || line[indent] == '\t'))
		indent++;
	s->comment = is_comment(line, len);
	if (indent < len)
		flush_old(s, indent, line[indent] == '[');
	if (s->scan->names_count > 0)
		take_names(s, line, len);
	if (is_pgpass(s->scan->file)) {
		take_pgpass(s, line, len);
		return;
	}
	if (setting_read(line, len, &set))
		take_lifetime(s, &set);
	take_environment(s, line, len);
	if (take_strings(s, line, len, cut) == 0)
		take_settings(s, line, len);
}

/* A piece of a long line: up to a blank, if there is one. */
static size_t piece_of(const char *line, size_t len)
{
	size_t n = SCAN_LINE_MAX;

	if (len <= SCAN_LINE_MAX)
		return len;
	while (n > SCAN_LINE_MAX / 2 && line[n - 1] != ' ' && line[n - 1] != ',')
		n--;
	return n > SCAN_LINE_MAX / 2 ? n : SCAN_LINE_MAX;
}

void scan_text(const struct scan *scan, const char *text, size_t len)
{
	struct scanner s = {.scan = scan};
	const char *end = text + len;

	REQUIRE(scan->hit != NULL && scan->file != NULL);
	if (scan->env != NULL)
		s.env = *scan->env;
	for (const char *at = text; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t line = (size_t)((newline != NULL ? newline : end) - at);

		s.line++;
		for (size_t done = 0; done == 0 || done < line;) {
			size_t piece = piece_of(at + done, line - done);

			take_line(&s, at + done, piece, done + piece < line);
			done += piece ? piece : 1;
		}
		at += line + 1;
	}
	while (s.count > 0)
		flush(&s, 0);
}

void scan_environment(const char *text, size_t len, struct dsn *ret)
{
	const char *end = text + len;
	struct scanner s = {.line = 0};

	for (const char *at = text; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t line = (size_t)((newline != NULL ? newline : end) - at);

		take_environment(&s, at, line);
		at += line + 1;
	}
	*ret = s.env;
}
