/* command.c - "psql -h old -p 5432 -U app shop" and its relatives, in crontabs, scripts, runbooks.
 */
#include <ctype.h>
#include <string.h>

#include "base/check.h"
#include "dsn/dsn_priv.h"

#define WORDS_MAX 64

static const struct {
	const char *name;
	enum dsn_engine engine;
	bool positional; /* its first plain word is the database */
} programs[] = {
	{"psql", DSN_POSTGRESQL, true},
	{"pg_dump", DSN_POSTGRESQL, true},
	{"pg_dumpall", DSN_POSTGRESQL, false},
	{"pg_restore", DSN_POSTGRESQL, false},
	{"pgbench", DSN_POSTGRESQL, true},
	{"pg_basebackup", DSN_POSTGRESQL, false},
	{"pg_receivewal", DSN_POSTGRESQL, false},
	{"pg_recvlogical", DSN_POSTGRESQL, false},
	{"vacuumdb", DSN_POSTGRESQL, true},
	{"reindexdb", DSN_POSTGRESQL, true},
	{"clusterdb", DSN_POSTGRESQL, true},
	{"pg_repack", DSN_POSTGRESQL, true},
	{"mysql", DSN_MARIADB, true},
	{"mysqldump", DSN_MARIADB, true},
	{"mariadb", DSN_MARIADB, true},
	{"mariadb-dump", DSN_MARIADB, true},
	{"redis-cli", DSN_REDIS, false},
};

struct option {
	const char *longer;
	char letter;
	enum dsn_role role;
};

static const struct option pg_options[] = {{"host", 'h', DSN_ROLE_HOST},
	{"port", 'p', DSN_ROLE_PORT}, {"username", 'U', DSN_ROLE_USER},
	{"dbname", 'd', DSN_ROLE_DATABASE}};
static const struct option my_options[] = {{"host", 'h', DSN_ROLE_HOST},
	{"port", 'P', DSN_ROLE_PORT}, {"user", 'u', DSN_ROLE_USER},
	{"database", 'D', DSN_ROLE_DATABASE}};
static const struct option redis_options[] = {
	{"host", 'h', DSN_ROLE_HOST}, {"port", 'p', DSN_ROLE_PORT}, {"db", 'n', DSN_ROLE_DATABASE}};

static const struct option *options_of(enum dsn_engine engine, size_t *ret_count)
{
	*ret_count = engine == DSN_REDIS ? 3 : 4;
	return engine == DSN_POSTGRESQL ? pg_options
	       : engine == DSN_MARIADB	? my_options
					: redis_options;
}

static bool ends_command(char c)
{
	return c == '\n' || c == '\r' || c == '|' || c == ';' || c == '&' || c == '>' || c == '<' ||
	       c == ')' || c == '`' || c == '\0';
}

/* The next word, quotes around it taken off; false at the end of the command. */
static bool next_word(const char **at, const char *end, struct slice *ret)
{
	const char *p = *at;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end || ends_command(*p))
		return false;
	if (*p == '"' || *p == '\'') {
		const char *close = memchr(p + 1, *p, (size_t)(end - p - 1));

		if (close == NULL)
			return false;
		*ret = (struct slice){p + 1, (size_t)(close - p - 1)};
		*at = close + 1;
		return true;
	}
	ret->at = p;
	while (p < end && !isspace((unsigned char)*p) && !ends_command(*p) && *p != '"' &&
		*p != '\'')
		p++;
	ret->len = (size_t)(p - ret->at);
	*at = p;
	return ret->len > 0;
}

/* The option that `word` is; a value that is joined to it is given too. */
static const struct option *option_at(
	enum dsn_engine engine, struct slice word, struct slice *ret_value)
{
	size_t count;
	const struct option *options = options_of(engine, &count);

	*ret_value = (struct slice){NULL, 0};
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(options[i].longer);

		if (word.len >= 2 && word.at[0] == '-' && word.at[1] == options[i].letter) {
			if (word.len > 2)
				*ret_value = (struct slice){word.at + 2, word.len - 2};
			return &options[i];
		}
		if (word.len < len + 2 || strncmp(word.at, "--", 2) != 0 ||
			strncmp(word.at + 2, options[i].longer, len) != 0)
			continue;
		if (word.len == len + 2)
			return &options[i];
		if (word.at[len + 2] == '=') {
			*ret_value = (struct slice){word.at + len + 3, word.len - len - 3};
			return &options[i];
		}
	}
	return NULL;
}

/* Itself a connection string: told on its own. */
static bool is_string(struct slice value)
{
	return memchr(value.at, '=', value.len) != NULL || slice_holds(value, "://");
}

/* Options that take a word which is no database. */
static bool takes_word(struct slice option)
{
	static const char letters[] = "cfovFjtTnNCS";

	return option.len == 2 && strchr(letters, option.at[1]) != NULL;
}

static bool take_word(struct dsn *dsn, bool positional, struct slice word, const char **at,
	const char *end, size_t *plain)
{
	struct slice value;
	const struct option *option = option_at(dsn->engine, word, &value);

	if (option != NULL) {
		if (value.at == NULL && !next_word(at, end, &value))
			return false;
		if (is_string(value))
			return false;
		dsn_set(dsn, option->role, value.at, value.len);
		return true;
	}
	if (word.at[0] == '-') {
		if (takes_word(word))
			next_word(at, end, &value);
		else if (dsn->engine == DSN_MARIADB && word.len > 2 && word.at[1] == 'p')
			dsn->has_secret = true;
		return word.len > 1;
	}
	if (is_string(word) || !positional)
		return false;
	if ((*plain)++ == 0 && dsn->database[0] == '\0')
		dsn_set(dsn, DSN_ROLE_DATABASE, word.at, word.len);
	else if (*plain == 2 && dsn->user[0] == '\0')
		dsn_set(dsn, DSN_ROLE_USER, word.at, word.len);
	return false;
}

/* Gives where the command ends, NULL when it says nothing of a connection. */
static const char *read_command(const char *at, const char *end, bool positional, struct dsn *dsn)
{
	const char *next = at;
	struct slice word;
	size_t plain = 0, options = 0;

	for (int n = 0; n < WORDS_MAX && next_word(&next, end, &word); n++) {
		bool more = take_word(dsn, positional, word, &next, end, &plain);

		options += more;
		at = next;
		if (!more && (plain == 0 || options == 0 || plain > 1))
			break;
	}
	/* In a sentence plain words follow its name, and no option. */
	return options > 0 && (dsn->hosts_count > 0 || dsn->database[0] != '\0') ? at : NULL;
}

static bool take_command(struct slice text, size_t at, struct dsn *ret)
{
	const char *start = text.at + at, *end = text.at + text.len;
	size_t len = 0;

	while (start + len < end &&
		(isalnum((unsigned char)start[len]) || start[len] == '_' || start[len] == '-'))
		len++;
	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		struct dsn one = {.form = DSN_COMMAND, .engine = programs[i].engine, .start = at};
		const char *stop;

		if (strlen(programs[i].name) != len || strncmp(programs[i].name, start, len) != 0)
			continue;
		stop = read_command(start + len, end, programs[i].positional, &one);
		if (stop == NULL)
			return false;
		one.len = (size_t)(stop - start);
		*ret = one;
		return true;
	}
	return false;
}

bool dsn_command_next(struct slice text, size_t from, struct dsn *ret)
{
	for (size_t at = from; at < text.len; at++) {
		unsigned char before = at > 0 ? (unsigned char)text.at[at - 1] : ' ';

		if (isalnum(before) || before == '_' || before == '-' || before == '.')
			continue;
		if (take_command(text, at, ret))
			return true;
	}
	return false;
}
