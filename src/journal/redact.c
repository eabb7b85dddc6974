#include "journal/redact.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "journal/journal.h"

#define MASK "***"
#define KEY_MAX 64

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static int hex_value(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* One character of a key; libpq decodes %XX in the keys of a URI, so we do too. */
static size_t key_char(const char *s, char *ret)
{
	if (is_word_char(*s)) {
		*ret = *s;
		return 1;
	}
	if (s[0] == '%' && hex_value(s[1]) >= 0 && hex_value(s[2]) >= 0) {
		*ret = (char)(hex_value(s[1]) << 4 | hex_value(s[2]));
		return is_word_char(*ret) ? 3 : 0;
	}
	return 0;
}

/* Reads the longest key at `s`: its length there, and itself decoded and cut to KEY_MAX. */
static size_t key_read(const char *s, char ret_key[KEY_MAX + 1])
{
	size_t at = 0, len = 0, step;
	char c;

	while ((step = key_char(s + at, &c)) > 0) {
		/* of a longer word the end is kept: that is where "password" stands */
		if (len == KEY_MAX) {
			memmove(ret_key, ret_key + 1, KEY_MAX - 1);
			len--;
		}
		ret_key[len++] = c;
		at += step;
	}
	ret_key[len] = '\0';
	return at;
}

static bool names_secret(const char *key)
{
	static const char *const inside[] = {"password", "passwd", "passphrase", "secret", "token",
		"credential", "privatekey", "private_key", "apikey", "api_key", "api-key",
		"authorization"};
	static const char *const last[] = {"pwd", "pass", "pw"};
	const char *word = key; /* behind the last separator: MYSQL_PWD */

	for (size_t i = 0; i < ARRAY_LEN(inside); i++)
		if (strcasestr(key, inside[i]))
			return true;
	for (const char *c = key; *c; c++)
		if (*c == '_' || *c == '-')
			word = c + 1;
	for (size_t i = 0; i < ARRAY_LEN(last); i++)
		if (!strcasecmp(word, last[i]))
			return true;
	return false;
}

/* s stands at a quote: the length up to and with the closing one, or up to the end. */
static size_t quoted_length(const char *s)
{
	size_t at = 1;

	while (s[at]) {
		if (s[at] == '\\' && s[at + 1])
			at++;
		else if (s[at] == s[0] && s[at + 1] == s[0]) /* SQL doubles it */
			at++;
		else if (s[at] == s[0])
			return at + 1;
		at++;
	}
	return at;
}

/* $$...$$ or $tag$...$tag$; 0 when s does not begin one. */
static size_t dollar_length(const char *s)
{
	size_t tag = 1;
	char end[KEY_MAX + 3];
	const char *close;

	if (s[0] != '$')
		return 0;
	while (is_word_char(s[tag]))
		tag++;
	if (s[tag] != '$' || tag > KEY_MAX)
		return 0;
	memcpy(end, s, tag + 1);
	end[tag + 1] = '\0';
	close = strstr(s + tag + 1, end);
	return close ? (size_t)(close - s) + tag + 1 : strlen(s);
}

/* A value that begins with a quote of any language, or 0. */
static size_t literal_length(const char *s)
{
	size_t prefix = 0;

	if ((s[0] == 'e' || s[0] == 'E') && s[1] == '\'')
		prefix = 1;
	else if ((s[0] == 'u' || s[0] == 'U') && s[1] == '&' && s[2] == '\'')
		prefix = 2;
	if (s[prefix] == '\'' || s[prefix] == '"')
		return prefix + quoted_length(s + prefix);
	return dollar_length(s);
}

static size_t bare_length(const char *s, bool to_end_of_line)
{
	size_t at = 0;

	while (s[at] && s[at] != '\n' && (to_end_of_line || !isspace((unsigned char)s[at])))
		at += s[at] == '\\' && s[at + 1] ? 2 : 1;
	return at;
}

/*
 * After a key that names a secret: what separates it from its value is copied, the value is masked.
 * Returns how much was used up; 0 when no value follows.
 */
static size_t mask_value(struct buf *out, const char *s, const char *key)
{
	bool separated = false, header = strcasestr(key, "authorization") != NULL;
	size_t at = 0, value;

	if ((s[0] == '"' || s[0] == '\'') && strchr(" \t:=", s[1]) && s[1])
		at = 1; /* the key itself was quoted */
	while (s[at] && strchr(" \t:=>", s[at])) {
		separated |= s[at] != ' ' && s[at] != '\t';
		at++;
	}
	value = literal_length(s + at);
	if (value == 0 && separated)
		value = bare_length(s + at, header);
	if (value == 0)
		return 0;
	buf_add(out, s, at);
	buf_puts(out, MASK);
	return at + value;
}

/* s stands behind "://": masks what is between the first ':' and the last '@' of the word. */
static size_t mask_userinfo(struct buf *out, const char *s)
{
	size_t end = strcspn(s, " \t\r\n\"'<>"), colon = strcspn(s, ":"), at = end;

	while (at > 0 && s[at] != '@')
		at--;
	if (colon >= at)
		return 0;
	buf_add(out, s, colon + 1);
	buf_puts(out, MASK);
	return at;
}

/* A verifier as pg_authid keeps it; 0 when s does not begin one. */
static size_t verifier_length(const char *s)
{
	static const char scram[] = "SCRAM-SHA-256$";
	size_t hex = 3;

	if (!strncasecmp(s, scram, sizeof scram - 1))
		return strcspn(s, " \t\r\n\"'");
	if (strncmp(s, "md5", 3))
		return 0;
	while (hex < 35 && hex_value(s[hex]) >= 0)
		hex++;
	return hex == 35 && !is_word_char(s[35]) ? 35 : 0;
}

static size_t private_key_length(const char *s)
{
	const char *end;

	if (strncmp(s, "-----BEGIN ", 11) || !strstr(s, "PRIVATE KEY"))
		return 0;
	end = strstr(s, "-----END ");
	return end ? (size_t)(end - s) : strlen(s);
}

/* What can begin anywhere.  Returns what was used up, 0 when nothing begins here. */
static size_t mask_here(struct buf *out, const char *s)
{
	size_t len = private_key_length(s);

	if (len == 0)
		len = verifier_length(s);
	if (len > 0) {
		buf_puts(out, MASK);
		return len;
	}
	if (strncmp(s, "://", 3))
		return 0;
	buf_puts(out, "://");
	return 3 + mask_userinfo(out, s + 3);
}

void journal_redact(struct buf *out, const char *text)
{
	char key[KEY_MAX + 1];
	const char *s = text;
	bool identified = false; /* IDENTIFIED BY '...' has no telling key */

	REQUIRE(text != NULL);
	while (*s) {
		size_t used = mask_here(out, s), len;

		if (used > 0) {
			s += used;
			continue;
		}
		len = key_read(s, key);
		if (len == 0) {
			buf_putc(out, *s++);
			continue;
		}
		buf_add(out, s, len);
		s += len;
		if (names_secret(key) || (identified && !strcasecmp(key, "by")))
			s += mask_value(out, s, key);
		identified = !strcasecmp(key, "identified");
	}
}

static json_t *redacted(const char *text)
{
	BUF_AUTO out = BUF_INIT;

	journal_redact(&out, text);
	return json_stringn(buf_str(&out), out.len);
}

static void redact_object(json_t *object)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(object, next, key, value)
	{
		if (names_secret(key) && !json_is_null(value) && !json_is_boolean(value))
			json_object_set_new(object, key, json_string(MASK));
		else if (json_is_string(value))
			json_object_set_new(object, key, redacted(json_string_value(value)));
		else
			redact_json(value);
	}
}

void redact_json(json_t *value)
{
	size_t i;
	json_t *item;

	if (json_is_object(value))
		redact_object(value);
	json_array_foreach(value, i, item)
	{
		if (json_is_string(item))
			json_array_set_new(value, i, redacted(json_string_value(item)));
		else
			redact_json(item);
	}
}
