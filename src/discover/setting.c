#include "discover/setting.h"

#include <ctype.h>
#include <string.h>

#define KEY_MAX 96

static bool is_key_char(unsigned char c)
{
	return isalnum(c) || c == '_' || c == '.' || c == '-';
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

/* Words that stand before an assignment: "export", "Environment=", "- ", "-e". */
static const char *skip_lead(const char *at, const char *end)
{
	static const char *const words[] = {"export ", "Environment=", "- ", "-e ", "--env ",
		"set ", "ENV ", "SET ", "\"", "'", "# ", "#", "// ", ";", "{", ",", "[", "}"};
	bool more = true;

	while (more) {
		more = false;
		at = skip_blanks(at, end);
		for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
			size_t len = strlen(words[i]);

			if ((size_t)(end - at) > len && strncmp(at, words[i], len) == 0) {
				at += len;
				more = true;
			}
		}
	}
	return at;
}

/* Behind the key: its closing quote, then '=', ':', "=>" or, of ini files, blanks around them. */
static const char *skip_sign(const char *at, const char *end)
{
	bool quoted = at < end && (*at == '"' || *at == '\'' || *at == ']');

	at += quoted;
	at = skip_blanks(at, end);
	if (at < end && *at == ':' &&
		(quoted || at + 1 == end || at[1] == ' ' || at[1] == '=' || at[1] == '"'))
		at += at + 1 < end && at[1] == '=' ? 2 : 1;
	else if (at < end && *at == '=')
		at += at + 1 < end && at[1] == '>' ? 2 : 1;
	else
		return NULL;
	return skip_blanks(at, end);
}

/* The last thing in quotes of a call: env('DB_HOST', '127.0.0.1'), os.environ.get("X", "y"). */
static bool last_quoted(const char *at, const char *end, struct setting *ret)
{
	const char *close = end, *open;

	while (close > at && close[-1] != '"' && close[-1] != '\'')
		close--;
	if (close <= at + 1)
		return false;
	close--;
	open = memrchr(at, *close, (size_t)(close - at));
	if (open == NULL)
		return false;
	ret->value = open + 1;
	ret->value_len = (size_t)(close - open - 1);
	return true;
}

/* "${X:-value}" and Spring's "${X:value}". */
static void take_default(struct setting *s)
{
	const char *colon;

	if (s->value_len < 4 || s->value[0] != '$' || s->value[1] != '{' ||
		s->value[s->value_len - 1] != '}')
		return;
	colon = memchr(s->value, ':', s->value_len);
	if (colon == NULL)
		return;
	colon += colon[1] == '-' ? 2 : 1;
	s->value_len -= (size_t)(colon - s->value) + 1;
	s->value = colon;
}

static void read_value(const char *at, const char *end, struct setting *ret)
{
	const char *stop = at;

	if (at < end && (*at == '"' || *at == '\'')) {
		stop = memchr(at + 1, *at, (size_t)(end - at - 1));
		if (stop != NULL) {
			ret->value = at + 1;
			ret->value_len = (size_t)(stop - at - 1);
			ret->end = stop + 1;
			return;
		}
		at++;
		stop = at;
	}
	while (stop < end && !isspace((unsigned char)*stop) && *stop != '"' && *stop != '\'' &&
		*stop != '(')
		stop++;
	if (stop < end && *stop == '(' && last_quoted(stop, end, ret)) {
		ret->end = end;
		return;
	}
	ret->end = stop;
	while (stop > at && (strchr(",;]", stop[-1]) != NULL || (stop[-1] == '}' && *at != '$')))
		stop--;
	ret->value = at;
	ret->value_len = (size_t)(stop - at);
}

bool setting_read(const char *line, size_t len, struct setting *ret)
{
	const char *end = line + len, *at = skip_lead(line, end), *value;
	struct setting s = {.key = at};

	s.indent = (size_t)(skip_blanks(line, end) - line);
	while (at < end && is_key_char((unsigned char)*at))
		at++;
	s.key_len = (size_t)(at - s.key);
	if (s.key_len == 0 || s.key_len > KEY_MAX)
		return false;
	value = skip_sign(at, end);
	if (value == NULL)
		return false;
	read_value(value, end, &s);
	take_default(&s);
	*ret = s;
	return true;
}
