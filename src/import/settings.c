#include "import/settings.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "dsn/dsn.h"
#include "import/connections.h"
#include "import/images.h"

#define DEPTH_MAX 16
#define KEY_MAX 96
#define NAME_MAX_BYTES 200
#define VALUE_BYTES_MAX 2048
#define LINE_MAX_BYTES 8192 /* a longer line is data */

struct level {
	size_t indent;
	char name[KEY_MAX + 1];
};

struct scan {
	struct model *model;
	struct part *part;
	const struct settings *source;
	bool few; /* monitoring: its files are full of expressions and names of what it measures */
	struct place at;
	char section[KEY_MAX + 1];
	struct level levels[DEPTH_MAX];
	size_t depth;
	size_t items[DEPTH_MAX + 1]; /* by depth: how many of the list there were */
};

struct slice {
	const char *at, *end;
};

/* ---- words ---- */

static struct slice trim(struct slice s)
{
	while (s.at < s.end && isspace((unsigned char)*s.at))
		s.at++;
	while (s.end > s.at && isspace((unsigned char)s.end[-1]))
		s.end--;
	return s;
}

static bool starts(struct slice s, const char *with)
{
	size_t len = strlen(with);

	return (size_t)(s.end - s.at) >= len && strncmp(s.at, with, len) == 0;
}

static bool is_comment(struct slice line)
{
	static const char *const signs[] = {"#", "//", ";", "--", "<!--", "/*", "*"};

	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (starts(line, signs[i]))
			return true;
	return false;
}

/* CONF['db']["host"] and :host become conf.db.host, whatever the signs between the words. */
static bool clean_key(struct slice raw, char ret[KEY_MAX + 1])
{
	size_t len = 0;

	for (; raw.at < raw.end; raw.at++) {
		unsigned char c = (unsigned char)*raw.at;

		if (isalnum(c) || c == '_' || c == '-' || c == '.') {
			if (len == KEY_MAX)
				return false;
			ret[len++] = (char)c;
		} else if (c == '[' || c == '/') {
			if (len && ret[len - 1] != '.' && len < KEY_MAX)
				ret[len++] = '.';
		} else if (!strchr(len ? "]\"'" : "\"'$@:", c)) {
			return false; /* also "https://user:token@host": never a name */
		}
	}
	while (len && ret[len - 1] == '.')
		len--;
	ret[len] = '\0';
	return len > 0;
}

/* Where the sign between key and value stands, outside of quotes and brackets; NULL = nowhere. */
static const char *find_sign(struct slice line, size_t *ret_len)
{
	char quote = 0;
	int open = 0;

	for (const char *c = line.at; c < line.end; c++) {
		if (quote) {
			quote = *c == quote ? 0 : quote;
			continue;
		}
		if (*c == '"' || *c == '\'')
			quote = *c;
		open += (*c == '[') - (*c == ']');
		if (open > 0 || (*c != '=' && *c != ':'))
			continue;
		if (*c == ':' && c + 1 < line.end && c[1] != ' ' && c[1] != '=' && c[1] != '"' &&
			c[1] != '\'' && c[1] != '\t')
			continue; /* host:port, http://, :symbol */
		*ret_len = *c == '=' && c + 1 < line.end && c[1] == '>'	  ? 2
			   : *c == ':' && c + 1 < line.end && c[1] == '=' ? 2
									  : 1;
		return c;
	}
	return NULL;
}

/* ---- values that are taken from the environment ---- */

static const struct fact *variable(const struct scan *s, struct slice name)
{
	char text[KEY_MAX + 1];
	size_t len = (size_t)(name.end - name.at);

	if (len == 0 || len > KEY_MAX)
		return NULL;
	memcpy(text, name.at, len);
	text[len] = '\0';
	return facts_get(&s->part->env, text);
}

/* "${X}", "${X:-y}", "${X:y}", "$X": the environment's value, else y, else nothing. */
static const char *put_variables(const struct scan *s, const char *value, bool *ret_blank)
{
	BUF_AUTO out = BUF_INIT;
	const char *open;

	for (; (open = strstr(value, "${")) != NULL && out.len < VALUE_BYTES_MAX;) {
		const char *close = strchr(open, '}');
		struct slice name = {open + 2, close};
		const struct fact *fact;
		const char *colon;

		if (!close)
			break;
		buf_add(&out, value, (size_t)(open - value));
		if (starts(name, "env:"))
			name.at += strlen("env:");
		colon = memchr(name.at, ':', (size_t)(close - name.at));
		fact = variable(s, (struct slice){name.at, colon ? colon : close});
		if (fact && fact->value && !fact->blank)
			buf_puts(&out, fact->value);
		else if (colon)
			buf_add(&out, colon + (colon[1] == '-' ? 2 : 1),
				(size_t)(close - colon - (colon[1] == '-' ? 2 : 1)));
		else
			*ret_blank = true;
		value = close + 1;
	}
	buf_puts(&out, value);
	return arena_strdup(s->model->arena, buf_str(&out));
}

/* The next text in quotes at or behind `at`. */
static bool next_quoted(const char *at, struct slice *ret)
{
	const char *open = strpbrk(at, "\"'");
	const char *close = open ? strchr(open + 1, *open) : NULL;

	if (!close)
		return false;
	*ret = (struct slice){open + 1, close};
	return true;
}

/* os.environ.get("X", "y"), env('X', 'y'), ENV["X"] || "y", process.env.X || "y" */
static const char *call_environment(const struct scan *s, const char *value, bool *ret_blank)
{
	const char *member = strstr(value, "process.env.");
	struct slice name, other;
	const struct fact *fact;
	bool named = true;

	if (member) {
		name.at = member + strlen("process.env.");
		name.end = name.at + strspn(name.at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
		named = name.end > name.at;
		other.end = name.end - 1;
	} else {
		named = next_quoted(value, &name);
		other.end = name.end;
	}
	fact = named ? variable(s, name) : NULL;
	if (fact && fact->value && !fact->blank)
		return fact->value;
	if (named && next_quoted(other.end + 1, &other))
		return arena_strndup(s->model->arena, other.at, (size_t)(other.end - other.at));
	*ret_blank = true;
	return "";
}

static bool asks_environment(const char *value)
{
	static const char *const words[] = {"os.environ", "os.getenv", "getenv(", "env(",
		"process.env", "ENV[", "ENV.fetch", "Env."};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strstr(value, words[i]))
			return true;
	return false;
}

/* ---- one setting ---- */

static const char *full_name(const struct scan *s, const char *key)
{
	BUF_AUTO name = BUF_INIT;

	buf_puts(&name, s->section);
	for (size_t i = 0; i < s->depth; i++)
		buf_printf(&name, "%s%s", name.len ? "." : "", s->levels[i].name);
	if (*key)
		buf_printf(&name, "%s%s", name.len ? "." : "", key);
	/* Too deep: the last words say most. */
	return arena_strdup(s->model->arena,
		name.len > NAME_MAX_BYTES ? name.data + name.len - NAME_MAX_BYTES : buf_str(&name));
}

/* nginx' words for where a request goes on to. */
static bool is_passed_on(const char *name)
{
	static const char *const words[] = {
		"proxy_pass", "fastcgi_pass", "uwsgi_pass", "grpc_pass", "scgi_pass"};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(dot ? dot + 1 : name, words[i]) == 0)
			return true;
	return false;
}

/* What schedulers' files say of jobs. */
static bool is_of_job(const char *name)
{
	static const char *const words[] = {"schedule", "cron", "container"};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(dot ? dot + 1 : name, words[i]) == 0)
			return true;
	return false;
}

/* May it lead to something?  No password does; most of a file is about colours and sizes. */
static bool is_worth_keeping(const struct scan *s, const char *name, struct slice value)
{
	size_t len = (size_t)(value.end - value.at), prefix, words = 0, letters = 0, signs = 0;
	enum dsn_role role = dsn_role_of(name, strlen(name), &prefix);

	if (len == 0 || len > VALUE_BYTES_MAX)
		return false;
	if (role == DSN_ROLE_SECRET)
		return is_passed_on(name);
	for (const char *c = value.at; c < value.end; c++) {
		words += isspace((unsigned char)*c) != 0;
		letters += isalpha((unsigned char)*c) != 0;
		signs += strchr(":@=", *c) != NULL;
	}
	if (s->few)
		return role != DSN_ROLE_NONE || memmem(value.at, len, "://", 3) != NULL;
	return role != DSN_ROLE_NONE || (letters && signs) || is_of_job(name) ||
	       (letters && !words && connections_names_host(name));
}

static void add(struct scan *s, const char *key, struct slice raw)
{
	const char *name = full_name(s, key), *value;
	bool blank = false;
	struct fact *fact;

	if (!*name)
		name = "a line";
	if (!is_worth_keeping(s, name, raw))
		return;
	value = arena_strndup(s->model->arena, raw.at, (size_t)(raw.end - raw.at));
	if (asks_environment(value))
		value = call_environment(s, value, &blank);
	else if (strstr(value, "${"))
		value = put_variables(s, value, &blank);
	fact = facts_add(s->model, &s->part->settings, name, value, s->at);
	if (fact) {
		fact->blank = blank;
		fact->file = s->source->file;
	}
}

/* Without the quotes around it and what ends a statement behind it. */
static struct slice bare_value(struct slice value)
{
	static const char *const prefixes[] = {"!!str ", "r\"", "f\"", "@\""};

	value = trim(value);
	while (value.end > value.at && strchr(",;", value.end[-1]))
		value.end--;
	value = trim(value);
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (starts(value, prefixes[i]))
			value.at +=
				strlen(prefixes[i]) - (prefixes[i][strlen(prefixes[i]) - 1] == '"');
	if (value.end - value.at >= 2 && (*value.at == '"' || *value.at == '\'')) {
		const char *close =
			memchr(value.at + 1, *value.at, (size_t)(value.end - value.at - 1));

		if (close)
			return (struct slice){value.at + 1, close};
	}
	/* "value  # comment" */
	for (const char *c = value.at; c + 1 < value.end; c++)
		if (*c == ' ' && (c[1] == '#' || c[1] == ';'))
			return trim((struct slice){value.at, c});
	return value;
}

static void push(struct scan *s, size_t indent, const char *name)
{
	struct level *level;

	if (s->depth == DEPTH_MAX)
		return;
	level = &s->levels[s->depth++];
	level->indent = indent;
	s->items[s->depth] = 0;
	memcpy(level->name, name, strlen(name) + 1);
}

static void read_pair(struct scan *s, size_t indent, struct slice line);

/* {"host": "redis", "port": 6379} on one line, nested too. */
static void read_inline(struct scan *s, size_t indent, const char *key, struct slice value)
{
	size_t depth = s->depth;
	struct slice piece = {value.at + 1, value.at + 1};
	char quote = 0;
	int open = 0;

	push(s, indent, key);
	if (s->depth == depth)
		return;
	for (; piece.end < value.end; piece.end++) {
		char c = *piece.end;

		quote = quote ? (c == quote ? 0 : quote) : (c == '"' || c == '\'' ? c : 0);
		open += quote ? 0 : (c == '{' || c == '[') - (c == '}' || c == ']');
		if (quote || (open > 0) || (open == 0 && c != ','))
			continue;
		read_pair(s, indent, trim(piece));
		if (open < 0)
			break;
		piece.at = piece.end + 1;
	}
	s->depth = depth;
}

static bool opens(struct slice value)
{
	static const char *const words[] = {"{", "[", "(", "dict(", "array(", "|", ">", "{{", "do"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if ((size_t)(value.end - value.at) == strlen(words[i]) && starts(value, words[i]))
			return true;
	/* An anchor, or a tag of YAML. */
	if (value.at < value.end && (*value.at == '&' || *value.at == '!'))
		return !memchr(value.at, ' ', (size_t)(value.end - value.at));
	return value.at == value.end;
}

/* "proxy_pass http://web:8000", "server one db-1:5432 check": a word, and what it is set to. */
static void read_words(struct scan *s, size_t indent, struct slice line)
{
	struct slice key = {line.at, line.at};
	char name[KEY_MAX + 1];

	while (key.end < line.end && !isspace((unsigned char)*key.end))
		key.end++;
	if (key.end == line.end || !clean_key(key, name)) {
		add(s, "", bare_value(line));
		return;
	}
	if (line.end[-1] == '{')
		push(s, indent, name);
	else
		add(s, name, bare_value((struct slice){key.end, line.end}));
}

/* "<host>db</host>"; "<database>" alone opens a level. */
static void read_element(struct scan *s, size_t indent, struct slice line)
{
	const char *close = memchr(line.at, '>', (size_t)(line.end - line.at));
	struct slice key = {line.at + 1, line.at + 1};
	char name[KEY_MAX + 1];

	while (key.end < line.end && !strchr(" \t>/", *key.end))
		key.end++;
	if (!close || !clean_key(key, name)) {
		add(s, "", line);
	} else if (close + 1 == line.end) {
		if (close[-1] != '/' && key.end == close)
			push(s, indent, name);
		else
			add(s, name, line);
	} else {
		const char *end = memchr(close, '<', (size_t)(line.end - close));

		add(s, name, trim((struct slice){close + 1, end ? end : line.end}));
	}
}

static void read_pair(struct scan *s, size_t indent, struct slice line)
{
	static const char *const before[] = {"export ", "set ", "const ", "let ", "var ", "ENV "};
	size_t len;
	const char *sign;
	struct slice value;
	char name[KEY_MAX + 1];

	for (size_t i = 0; i < ARRAY_LEN(before); i++)
		if (starts(line, before[i]))
			line.at += strlen(before[i]);
	sign = find_sign(line, &len);
	if (!sign || !clean_key(trim((struct slice){line.at, sign}), name)) {
		if (line.at < line.end && *line.at == '<')
			read_element(s, indent, line);
		else if (line.at < line.end)
			read_words(s, indent, line);
		return;
	}
	value = trim((struct slice){sign + len, line.end});
	if (opens(value))
		push(s, indent, name);
	else if (*value.at == '{' && value.end - value.at > 1 && value.at[1] != '{')
		read_inline(s, indent, name, value);
	else
		add(s, name, bare_value(value));
}

/* ---- lines ---- */

static bool read_section(struct scan *s, struct slice line)
{
	struct slice name = line;

	if (*line.at != '[' || line.end[-1] != ']' ||
		memchr(line.at, '=', (size_t)(line.end - line.at)) ||
		memchr(line.at, ',', (size_t)(line.end - line.at)))
		return false;
	if (memchr(line.at, '@', (size_t)(line.end - line.at)))
		name.end = name.at; /* [url "https://user:token@host"] has no name to show */
	while (name.at < name.end && *name.at == '[')
		name.at++;
	while (name.end > name.at && name.end[-1] == ']')
		name.end--;
	s->section[0] = '\0';
	/* [job-exec "nightly"] */
	for (size_t len = 0; name.at < name.end; name.at++) {
		if (len < KEY_MAX && *name.at != '"' && *name.at != '\'')
			s->section[len++] = *name.at == ' ' ? '.' : *name.at;
		s->section[len] = '\0';
	}
	s->depth = 0;
	return true;
}

static void read_line(struct scan *s, struct slice whole)
{
	struct slice line = trim(whole);
	size_t indent = (size_t)(line.at - whole.at);

	if (line.at == line.end || is_comment(line) || whole.end - whole.at > LINE_MAX_BYTES ||
		read_section(s, line))
		return;
	if (strchr("}])", *line.at) && (size_t)(line.end - line.at) <= 2) {
		while (s->depth && s->levels[s->depth - 1].indent >= indent)
			s->depth--;
		return;
	}
	while (s->depth && s->levels[s->depth - 1].indent >= indent)
		s->depth--;
	/* Each item of a list has its own name. */
	while (starts(line, "- ")) {
		char number[KEY_MAX + 1];

		snprintf(number, sizeof number, "%zu", s->items[s->depth]++);
		push(s, indent, number);
		line = trim((struct slice){line.at + 2, line.end});
		indent = (size_t)(line.at - whole.at);
	}
	if (line.at < line.end)
		read_pair(s, indent, line);
}

static bool is_text(const struct settings *source)
{
	return source->len <= SETTINGS_BYTES_MAX && !memchr(source->text, '\0', source->len);
}

void settings_read(struct model *model, struct part *part, const struct settings *source)
{
	struct scan s = {.model = model,
		.part = part,
		.source = source,
		.few = image_look(part->image, model->arena).role == IMAGE_SUPPORT,
		.at = source->first};
	const char *at = source->text, *end = source->text + source->len;

	if (!is_text(source))
		return;
	if (model->settings_bytes > SETTINGS_TOTAL_MAX) {
		notes_add(model->notes, NOTE_ERROR, (struct place){.file = source->first.file},
			"more than 32 MB of settings: the rest is left out");
		return;
	}
	model->settings_bytes += source->len;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;

		read_line(&s, (struct slice){at, stop});
		at = stop + 1;
		s.at.line += s.at.address ? 0 : 1;
	}
}

void settings_from_variables(struct model *model)
{
	for (size_t i = 0; i < model->parts_count; i++)
		for (const struct fact *fact = model->parts[i]->env.first; fact;
			fact = fact->next) {
			const char *newline = fact->value ? strchr(fact->value, '\n') : NULL;
			struct settings source = {
				.file = fact->name, .text = fact->value, .first = fact->at};

			if (!newline || !newline[1])
				continue;
			source.len = strlen(fact->value);
			source.first.line += !fact->at.address;
			settings_read(model, model->parts[i], &source);
		}
}

/* ---- names of files ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool settings_is_secret(const char *path)
{
	static const char *const words[] = {"secret", "passw", "pgpass", "credential", "htpasswd",
		"id_rsa", "id_ed25519", "private"};
	static const char *const ends[] = {".pem", ".key", ".crt", ".cert", ".cer", ".p12", ".pfx",
		".jks", ".keystore", ".gpg", ".asc"};
	const char *base = base_name(path);
	size_t len = strlen(base);

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasestr(base, words[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (len >= strlen(ends[i]) &&
			strcasecmp(base + len - strlen(ends[i]), ends[i]) == 0)
			return true;
	return strncmp(path, "/run/secrets", strlen("/run/secrets")) == 0;
}

bool settings_is_crontab(const char *path, const char *target)
{
	static const char *const places[] = {
		"/etc/cron.d/", "/etc/crontabs/", "/var/spool/cron/", "/etc/crontab"};
	const char *dot = strrchr(base_name(path), '.');

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (strncmp(target, places[i], strlen(places[i])) == 0)
			return true;
	/* "cronicle.yml" and "run-cron.sh" are none. */
	return (strcasestr(base_name(path), "cron") || strcasestr(base_name(target), "cron")) &&
	       (!dot || strcasestr(dot, "cron") || strcmp(dot, ".txt") == 0 ||
		       strcmp(dot, ".conf") == 0 || strcmp(dot, ".tab") == 0);
}
