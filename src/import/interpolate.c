#include "import/interpolate.h"

#include <ctype.h>
#include <string.h>

#include "base/check.h"
#include "plan/secret.h"

struct walk {
	struct interpolation *ip;
	struct place at;
	struct buf *out;
	bool blank;
	bool broken; /* no such syntax, or too long: the text is to stay as it is */
	int depth;
};

static bool name_starts(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

static size_t name_length(const char *text, const char *end)
{
	const char *c = text;

	while (c < end && (isalnum((unsigned char)*c) || *c == '_'))
		c++;
	return (size_t)(c - text);
}

static const char *value_of(const struct walk *w, const char *name, size_t len)
{
	const char *key = arena_strndup(w->ip->notes->arena, name, len);

	return node_get_text(w->ip->variables, key);
}

static void put(struct walk *w, const char *text, size_t len)
{
	if (w->out->len + len > INTERPOLATE_BYTES_MAX) {
		w->broken = true;
		return;
	}
	buf_add(w->out, text, len);
}

static void expand(struct walk *w, const char *text, const char *end);

/* The end of ${...} that begins at text: the brace that closes it, or NULL. */
static const char *closing(const char *text, const char *end)
{
	int open = 0;

	for (; text < end; text++) {
		if (text[0] == '$' && text + 1 < end && text[1] == '$') {
			text++;
		} else if (text[0] == '$' && text + 1 < end && text[1] == '{') {
			open++;
			text++;
		} else if (*text == '}' && --open == 0) {
			return text;
		}
	}
	return NULL;
}

static void missing(struct walk *w, const char *name, size_t len, bool required)
{
	const char *key = arena_strndup(w->ip->notes->arena, name, len < 80 ? len : 80);

	w->blank = true;
	if (!w->ip->told)
		w->ip->told = node_new(w->ip->notes->arena, NODE_MAP, w->at);
	/* A password is of no use here. */
	if (node_entry(w->ip->told, key) || secret_key(key))
		return;
	node_put(w->ip->notes->arena, w->ip->told, key, w->at,
		required ? node_new(w->ip->notes->arena, NODE_NULL, w->at) : NULL);
	if (required)
		notes_add(w->ip->notes, NOTE_ASSUMED, w->at,
			"the variable %s is required and has no value: pass --env-file", key);
}

/* What stands between the name and the closing brace: an operator and its word. */
static void modified(
	struct walk *w, const char *name, size_t len, const char *operator, const char * end)
{
	const char *value = value_of(w, name, len);
	bool colon = *operator== ':';
	bool has = value && (!colon || *value);
	const char *word = operator+ colon + 1;

	switch (operator + colon < end ? operator[colon] : '\0') {
	case '-':
		if (has)
			put(w, value, strlen(value));
		else
			expand(w, word, end);
		break;
	case '+':
		if (has)
			expand(w, word, end);
		break;
	case '?':
		if (has)
			put(w, value, strlen(value));
		else
			missing(w, name, len, true);
		break;
	default:
		w->broken = true;
	}
}

static void plain(struct walk *w, const char *name, size_t len)
{
	const char *key = arena_strndup(w->ip->notes->arena, name, len);
	const struct node *value = node_get(w->ip->variables, key);

	if (!value || value->kind != NODE_TEXT) {
		missing(w, name, len, false);
		return;
	}
	w->blank |= value->blank;
	put(w, value->text, strlen(value->text));
}

/* ${...}; returns what follows it. */
static const char *braced(struct walk *w, const char *text, const char *end)
{
	const char *close = closing(text, end);
	const char *name = text + 2;
	size_t len;

	if (!close || name == close || !name_starts(*name)) {
		w->broken = true;
		return end;
	}
	len = name_length(name, close);
	if (name + len == close)
		plain(w, name, len);
	else
		modified(w, name, len, name + len, close);
	return close + 1;
}

static void expand(struct walk *w, const char *text, const char *end)
{
	if (++w->depth > INTERPOLATE_DEPTH_MAX)
		w->broken = true;
	while (text < end && !w->broken) {
		const char *dollar = memchr(text, '$', (size_t)(end - text));
		size_t len;

		put(w, text, (size_t)((dollar ? dollar : end) - text));
		if (!dollar)
			break;
		text = dollar + 1;
		len = text < end && name_starts(*text) ? name_length(text, end) : 0;
		if (text < end && *text == '$') {
			put(w, text++, 1);
		} else if (text < end && *text == '{') {
			text = braced(w, dollar, end);
		} else if (len) {
			plain(w, text, len);
			text += len;
		} else {
			put(w, dollar, 1);
		}
	}
	w->depth--;
}

const char *interpolate(
	struct interpolation *ip, const char *text, struct place at, bool *ret_blank)
{
	BUF_AUTO out = BUF_INIT;
	struct walk w = {.ip = ip, .at = at, .out = &out};

	*ret_blank = false;
	if (!strchr(text, '$'))
		return text;
	if (ip->total > INTERPOLATE_TOTAL_MAX) {
		*ret_blank = true;
		return text;
	}
	expand(&w, text, text + strlen(text));
	ip->total += out.len + 64;
	if (ip->total > INTERPOLATE_TOTAL_MAX)
		notes_add(ip->notes, NOTE_ERROR, at,
			"variables make this file many times larger; from here on none is "
			"replaced");
	if (w.broken)
		notes_add(ip->notes, NOTE_UNKNOWN, at,
			"a '${...}' that cannot be read; the text is taken as it is");
	*ret_blank = w.blank || w.broken;
	return w.broken ? text : arena_strndup(ip->notes->arena, buf_str(&out), out.len);
}

void interpolate_tell(struct interpolation *ip)
{
	BUF_AUTO names = BUF_INIT;
	const struct entry *first = NULL;
	size_t count = 0;

	for (size_t i = 0; ip->told && i < ip->told->count; i++) {
		const struct entry *entry = &ip->told->entries[i];

		if (entry->value)
			continue;
		if (!first)
			first = entry;
		if (count++ < INTERPOLATE_NAMED_MAX)
			buf_printf(&names, "%s%s", count > 1 ? ", " : "", entry->key);
	}
	if (count == 1)
		notes_add(ip->notes, NOTE_ASSUMED, first->at,
			"the variable %s has no value and no default: pass --env-file", first->key);
	else if (count)
		notes_add(ip->notes, NOTE_ASSUMED, first->at,
			"%zu variables have no value and no default (%s%s): pass --env-file", count,
			buf_str(&names), count > INTERPOLATE_NAMED_MAX ? ", ..." : "");
}
