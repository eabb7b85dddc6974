#include <ctype.h>
#include <string.h>

#include "import/interpolate.h"

struct lines {
	struct interpolation *ip;
	struct node *variables;
	const char *file, *at, *end;
	int line;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct lines *l)
{
	while (l->at < l->end && is_blank(*l->at))
		l->at++;
}

static void skip_line(struct lines *l)
{
	const char *newline = memchr(l->at, '\n', (size_t)(l->end - l->at));

	l->at = newline ? newline + 1 : l->end;
	l->line++;
}

/* Up to the closing quote; in "..." a backslash takes the next character, \n is a newline. */
static bool quoted(struct lines *l, struct buf *out)
{
	char quote = *l->at++;

	while (l->at < l->end && *l->at != quote) {
		char c = *l->at++;

		l->line += c == '\n';
		if (c == '\\' && quote == '"' && l->at < l->end) {
			c = *l->at++;
			l->line += c == '\n';
			c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
			if (c == '$')
				buf_putc(out, '$'); /* \$ is no variable */
		}
		buf_putc(out, c);
	}
	if (l->at == l->end)
		return false;
	l->at++;
	return true;
}

/* Up to the end of the line or " #". */
static void unquoted(struct lines *l, struct buf *out)
{
	const char *start = l->at;

	while (l->at < l->end && *l->at != '\n' &&
		!(*l->at == '#' && (l->at == start || is_blank(l->at[-1]))))
		l->at++;
	buf_add(out, start, (size_t)(l->at - start));
	while (out->len && is_blank(out->data[out->len - 1]))
		out->data[--out->len] = '\0';
}

static void set(struct lines *l, const char *key, struct place at, const char *text, bool literal)
{
	bool blank = false;
	const char *value =
		literal ? arena_strdup(l->ip->notes->arena, text)
			: interpolate(l->ip, arena_strdup(l->ip->notes->arena, text), at, &blank);
	struct node *node = node_text(l->ip->notes->arena, value, at);

	node->blank = blank;
	node_put(l->ip->notes->arena, l->variables, key, at, node);
}

static void read_value(struct lines *l, const char *key, struct place at)
{
	BUF_AUTO value = BUF_INIT;
	bool literal;

	skip_blanks(l);
	literal = l->at < l->end && *l->at == '\'';
	if (l->at < l->end && (*l->at == '"' || *l->at == '\'')) {
		if (!quoted(l, &value)) {
			notes_add(l->ip->notes, NOTE_UNKNOWN, at, "a quote that is not closed");
			return;
		}
	} else {
		unquoted(l, &value);
	}
	set(l, key, at, buf_str(&value), literal);
}

static void read_line(struct lines *l)
{
	struct place at = {.file = l->file, .line = l->line};
	const char *start;
	const char *key;

	skip_blanks(l);
	if (l->end - l->at > 7 && strncmp(l->at, "export ", 7) == 0) {
		l->at += 7;
		skip_blanks(l);
	}
	start = l->at;
	while (l->at < l->end && (isalnum((unsigned char)*l->at) || strchr("_.-", *l->at)) &&
		*l->at)
		l->at++;
	key = arena_strndup(l->ip->notes->arena, start, (size_t)(l->at - start));
	skip_blanks(l);
	if (l->at < l->end && (*l->at == '=' || *l->at == ':') && *key) {
		l->at++;
		read_value(l, key, at);
	} else if (l->at < l->end && *l->at != '\n' && *l->at != '#') {
		notes_add(l->ip->notes, NOTE_UNKNOWN, at, "no line of the form KEY=value");
	} else if (*key && !node_entry(l->variables, key)) {
		struct node *node = node_text(l->ip->notes->arena, "", at);

		node->blank = true; /* KEY alone: from the environment of whoever starts it */
		node_put(l->ip->notes->arena, l->variables, key, at, node);
	}
	skip_line(l);
}

void dotenv_read(struct interpolation *ip, const char *file, const char *text, size_t len,
	struct node *variables)
{
	struct lines l = {.ip = ip,
		.variables = variables,
		.file = file,
		.at = text,
		.end = text + len,
		.line = 1};

	while (l.at < l.end)
		read_line(&l);
}
