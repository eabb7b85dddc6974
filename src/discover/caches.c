#include "discover/caches.h"

#include <ctype.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define VALUE_BYTES 48

/* A setting that keeps names, in whatever file it stands. */
static const struct setting_row {
	const char *key, *who;
} settings[] = {
	{"networkaddress.cache.ttl", "a Java machine"}, {"sun.net.inetaddr.ttl", "a Java machine"},
	{"dns_max_ttl", "PgBouncer"}, {"dns_zone_check_period", "PgBouncer"},
	{"positive-time-to-live", "nscd"}, {"min-cache-ttl", "dnsmasq"},
	{"max-cache-ttl", "dnsmasq"}, {"cache-min-ttl", "unbound"}, {"cache-max-ttl", "unbound"},
	{"hold valid", "HAProxy"}, {"valid=", "nginx"}, /* of its resolver */
};

/* What keeps names on a host: where it is set, and what holds when nothing is set there. */
static const struct cache {
	const char *who, *files, *key;
	const char *runs;  /* what is there while it runs; NULL = it is no daemon */
	const char *unset; /* what holds where the file does not say; NULL = nothing to tell */
} caches[] = {
	{"nscd", "/etc/nscd.conf", "positive-time-to-live", "/run/nscd/socket", "3600 s"},
	{"systemd-resolved", "/etc/systemd/resolved.conf", "Cache", "/run/systemd/resolve",
		"as long as the answer says"},
	{"dnsmasq", "/etc/dnsmasq.conf", "max-cache-ttl", "/run/dnsmasq",
		"as long as the answer says"},
	{"dnsmasq", "/etc/dnsmasq.d/*", "max-cache-ttl", "/run/dnsmasq", NULL},
	{"unbound", "/etc/unbound/unbound.conf", "cache-max-ttl", "/run/unbound.pid", "86400 s"},
	{"unbound", "/etc/unbound/unbound.conf.d/*", "cache-max-ttl", "/run/unbound.pid", NULL},
	{"a Java machine", "/usr/lib/jvm/*/conf/security/java.security", "networkaddress.cache.ttl",
		NULL, "30 s, and for ever with a security manager"},
	{"a Java machine", "/etc/java-*/security/java.security", "networkaddress.cache.ttl", NULL,
		"30 s, and for ever with a security manager"},
	{"PgBouncer", "/etc/pgbouncer/pgbouncer.ini", "dns_max_ttl", NULL, NULL},
};

/* ---- one line -------------------------------------------------------------------------------- */

static bool is_word_char(unsigned char c)
{
	return isalnum(c) || c == '_' || c == '-' || c == '.';
}

static bool is_comment(const char *line, size_t len)
{
	while (len > 0 && isspace((unsigned char)*line))
		line++, len--;
	return len == 0 || *line == '#' || *line == ';' || (len > 1 && memcmp(line, "//", 2) == 0);
}

/* What stands behind a key in a line that is no comment: a word, or two of them ("hosts 600"). */
static bool value_of(const char *line, size_t len, const char *key, char ret[VALUE_BYTES])
{
	size_t key_len = strlen(key), n = 0, at;
	const char *found = memmem(line, len, key, key_len);
	bool whole = is_word_char((unsigned char)key[key_len - 1]);

	if (found == NULL || is_comment(line, len) ||
		(found > line && is_word_char((unsigned char)found[-1]) && found[-1] != 'D'))
		return false;
	at = (size_t)(found - line) + key_len;
	if (whole && at < len && is_word_char((unsigned char)line[at]))
		return false;
	while (at < len && strchr(" \t=:,\"'", line[at]) != NULL)
		at++;
	while (at < len && n + 1 < VALUE_BYTES && strchr("\"';,\r#", line[at]) == NULL) {
		if (isspace((unsigned char)line[at]) && n > 0 && isdigit((unsigned char)ret[n - 1]))
			break; /* what follows a number is another setting */
		if (!isspace((unsigned char)line[at]))
			ret[n++] = line[at];
		else if (n > 0 && ret[n - 1] != ' ')
			ret[n++] = ' ';
		at++;
	}
	while (n > 0 && ret[n - 1] == ' ')
		n--;
	ret[n] = '\0';
	return n > 0;
}

static bool says(const char *text, const char *key, char ret_value[VALUE_BYTES])
{
	for (size_t len; *text != '\0'; text += len + (text[len] != '\0')) {
		len = strcspn(text, "\n");
		if (value_of(text, len, key, ret_value))
			return true;
	}
	return false;
}

/* No secret hides behind these keys, but a line that is misread could hold one. */
static bool is_plain(const char *value)
{
	return value[strspn(value, "0123456789abcdefghijklmnopqrstuvwxyz -")] == '\0' &&
	       strlen(value) < 24;
}

static void tell(struct lead *lead, const char *file, int line, const char *what)
{
	struct finding one = {.kind = FOUND_NAME_CACHE, .how = HOW_CONFIGURED, .line = line};

	FIELD(one.place, line > 0 ? "%s:%d" : "%s", file, line);
	FIELD(one.file, "%s", file);
	FIELD(one.owner, "%s", lead->base.owner);
	FIELD(one.what, "%s", what);
	findings_add(lead->f, &one);
}

/* Words that stand in other files for other things. */
static bool is_meant(const struct setting_row *s, const char *line, size_t len, const char *value)
{
	if (strcmp(s->key, "positive-time-to-live") == 0)
		return strncmp(value, "hosts", 5) == 0;
	if (strcmp(s->key, "valid=") == 0 && memmem(line, len, "resolver", 8) == NULL)
		return false;
	return isdigit((unsigned char)*value) ||
	       (*value == '-' && isdigit((unsigned char)value[1]));
}

static void scan_line(struct lead *lead, const char *file, int line, const char *at, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		const struct setting_row *s = &settings[i];
		BUF_AUTO what = BUF_INIT;
		char value[VALUE_BYTES];

		if (!value_of(at, len, s->key, value) || !is_plain(value) ||
			!is_meant(s, at, len, value))
			continue;
		buf_printf(&what, "%s keeps names: %s %s%s", s->who, s->key, value,
			*value == '-' ? ", which is for ever" : "");
		tell(lead, file, line, buf_str(&what));
	}
}

void caches_scan(struct lead *lead, const char *file, const char *text, size_t len)
{
	const char *end = text + len;
	char value[VALUE_BYTES];
	int line = 0;

	for (const char *at = text; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t one = (size_t)((newline != NULL ? newline : end) - at);

		scan_line(lead, file, ++line, at, one);
		at += one + 1;
	}
	if (memmem(text, len, "[pgbouncer]", 11) != NULL && !says(text, "dns_max_ttl", value))
		tell(lead, file, 0,
			"PgBouncer keeps names: dns_max_ttl is not set, which means 15 s");
}

/* ---- this host ------------------------------------------------------------------------------- */

static bool is_there(const char *root, const char *path)
{
	BUF_AUTO where = BUF_INIT;

	buf_printf(&where, "%s%s", root, path);
	return access(buf_str(&where), F_OK) == 0;
}

static void add_who(struct buf *who, const char *name)
{
	if (strstr(buf_str(who), name) == NULL)
		buf_printf(who, "%s%s", who->len > 0 ? ", " : "", name);
}

static void look_at_file(
	struct lead *lead, const struct cache *c, const char *root, const char *file)
{
	BUF_AUTO text = BUF_INIT;
	BUF_AUTO what = BUF_INIT;
	char value[VALUE_BYTES];

	if (!lead_read(file, &text, lead->base.owner))
		return;
	lead->f->files++;
	caches_scan(lead, file, buf_str(&text), text.len);
	if (c->unset == NULL)
		return;
	if (says(buf_str(&text), c->key, value)) {
		if (strcmp(c->key, "Cache") != 0 || !is_plain(value))
			return; /* told with its line */
		buf_printf(&what, "%s keeps names: %s is %s", c->who, c->key, value);
		tell(lead, file, 0, buf_str(&what));
		return;
	}
	buf_printf(&what, "%s keeps names: %s is not set, which means %s%s", c->who, c->key,
		c->unset,
		c->runs == NULL		  ? ""
		: is_there(root, c->runs) ? "; it runs"
					  : "; it does not run now");
	tell(lead, file, 0, buf_str(&what));
}

/* Files that were read, by their real names: installations of Java are full of links. */
struct real_files {
	struct {
		dev_t dev;
		ino_t ino;
	} rows[64];
	size_t count;
};

static bool is_new(struct real_files *files, const char *path)
{
	struct stat st;

	if (stat(path, &st) || files->count == ARRAY_LEN(files->rows))
		return false;
	for (size_t i = 0; i < files->count; i++)
		if (files->rows[i].dev == st.st_dev && files->rows[i].ino == st.st_ino)
			return false;
	files->rows[files->count].dev = st.st_dev;
	files->rows[files->count++].ino = st.st_ino;
	return true;
}

static void look_for(struct lead *lead, const struct cache *c, const char *root,
	struct real_files *files, struct buf *who)
{
	BUF_AUTO pattern = BUF_INIT;
	glob_t found = {0};

	buf_printf(&pattern, "%s%s", root, c->files);
	if (glob(buf_str(&pattern), 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			if (is_new(files, found.gl_pathv[i]))
				look_at_file(lead, c, root, found.gl_pathv[i]);
	if (c->runs == NULL ? found.gl_pathc > 0 : is_there(root, c->runs))
		add_who(who, c->who);
	globfree(&found);
}

/* Lines of resolv.conf(5) and nsswitch.conf(5) that decide whom a name is asked from, and how. */
static void look_at_lines(struct lead *lead, const char *root, const char *file,
	const char *const *words, size_t count)
{
	BUF_AUTO path = BUF_INIT;
	BUF_AUTO text = BUF_INIT;
	int line = 0;

	buf_printf(&path, "%s%s", root, file);
	if (!lead_read(buf_str(&path), &text, lead->base.owner))
		return;
	lead->f->files++;
	for (char *at = text.data, *next; at != NULL && *at != '\0'; at = next) {
		BUF_AUTO what = BUF_INIT;

		next = strchr(at, '\n');
		if (next != NULL)
			*next++ = '\0';
		line++;
		at[strcspn(at, "\r#")] = '\0';
		for (size_t i = 0; i < count; i++)
			if (strncmp(at, words[i], strlen(words[i])) == 0)
				buf_printf(&what, "how names are asked for: %.100s", at);
		if (what.len > 0)
			tell(lead, buf_str(&path), line, buf_str(&what));
	}
}

void caches_look(struct lead *lead, const char *root, struct buf *ret_who)
{
	static const char *const resolv[] = {"nameserver", "options"}, *const nsswitch[] = {
									       "hosts:"};
	struct real_files files = {.count = 0};

	for (size_t i = 0; i < ARRAY_LEN(caches); i++)
		look_for(lead, &caches[i], root, &files, ret_who);
	look_at_lines(lead, root, "/etc/resolv.conf", resolv, ARRAY_LEN(resolv));
	look_at_lines(lead, root, "/etc/nsswitch.conf", nsswitch, ARRAY_LEN(nsswitch));
}
