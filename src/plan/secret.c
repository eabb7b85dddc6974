#include "plan/secret.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"

/* The ends of words: "password" stands for sslpassword and PGPASSWORD too. */
static const char *const words[] = {"password", "passwd", "passphrase", "secret", "client_secret",
	"token", "api_key", "apikey", "access_key", "secret_key"};

struct cursor {
	const char *text;
	size_t len, at;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_spaces(const struct cursor *c, size_t at)
{
	while (at < c->len && is_space(c->text[at]))
		at++;
	return at;
}

/* The length of the secret word at the cursor, 0 if there is none. */
static size_t word_at(const struct cursor *c)
{
	size_t longest = 0;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i]);

		if (len > longest && c->len - c->at >= len &&
			strncasecmp(c->text + c->at, words[i], len) == 0)
			longest = len;
	}
	return longest;
}

/* The end of the value at `from`: a quoted one ends at its quote, another at a separator. */
static size_t value_end(const struct cursor *c, size_t from)
{
	size_t at = from;

	if (at < c->len && (c->text[at] == '\'' || c->text[at] == '"')) {
		for (at++; at < c->len && c->text[at] != c->text[from]; at++)
			at += c->text[at] == '\\';
		return at + 1 < c->len ? at + 1 : c->len;
	}
	while (at < c->len && !is_space(c->text[at]) && !strchr("&;,'\"", c->text[at]))
		at++;
	return at;
}

static bool is_empty(const char *value, size_t len)
{
	return len == 0 || (len == 2 && (value[0] == '\'' || value[0] == '"'));
}

/* "word = value" at the cursor. */
static bool assignment_at(
	const struct cursor *c, const char *signs, size_t *ret_start, size_t *ret_len)
{
	size_t word = word_at(c), sign, start, end;

	if (word == 0)
		return false;
	sign = skip_spaces(c, c->at + word);
	if (*signs == ':' && sign < c->len && (c->text[sign] == '"' || c->text[sign] == '\''))
		sign = skip_spaces(c, sign + 1);
	if (sign >= c->len || !c->text[sign] || !strchr(signs, c->text[sign]))
		return false;
	start = skip_spaces(c, sign + 1);
	end = value_end(c, start);
	if (is_empty(c->text + start, end - start))
		return false;
	*ret_start = start;
	*ret_len = end - start;
	return true;
}

/* "://user:secret@" at the cursor. */
static bool userinfo_at(const struct cursor *c, size_t *ret_start, size_t *ret_len)
{
	size_t colon = 0, at;

	if (c->len - c->at < 3 || memcmp(c->text + c->at, "://", 3) != 0)
		return false;
	for (at = c->at + 3; at < c->len && !is_space(c->text[at]); at++) {
		if (c->text[at] == '/' || c->text[at] == '?')
			return false;
		if (c->text[at] == ':' && !colon)
			colon = at;
		if (c->text[at] == '@')
			break;
	}
	if (at >= c->len || c->text[at] != '@' || !colon || colon + 1 == at)
		return false;
	*ret_start = colon + 1;
	*ret_len = at - colon - 1;
	return true;
}

bool secret_find(const char *text, size_t len, size_t *ret_start, size_t *ret_len)
{
	struct cursor c = {.text = text, .len = len};

	for (; c.at < len; c.at++)
		if (assignment_at(&c, "=", ret_start, ret_len) ||
			userinfo_at(&c, ret_start, ret_len))
			return true;
	return false;
}

bool secret_key(const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t word = strlen(words[i]);

		if (len >= word && strcasecmp(key + len - word, words[i]) == 0)
			return true;
	}
	return false;
}

/*
 * "://", then ':', then '@', with anything between them: also a URI that is cut off, or a password
 * with characters that do not belong into one.
 */
static bool userinfo_suspected(const char *text, size_t len)
{
	const char *end = text + len;
	const char *uri = len ? memmem(text, len, "://", 3) : NULL;
	const char *colon = uri ? memchr(uri + 3, ':', (size_t)(end - uri - 3)) : NULL;

	return colon && memchr(colon, '@', (size_t)(end - colon));
}

bool secret_suspected(const char *text, size_t len)
{
	struct cursor c = {.text = text, .len = len};
	size_t start, found;

	if (userinfo_suspected(text, len))
		return true;
	for (; c.at < len; c.at++)
		if (assignment_at(&c, ":=", &start, &found))
			return true;
	return false;
}
