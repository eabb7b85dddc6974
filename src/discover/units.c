/*
 * units.c - systemd's unit files (systemd.unit(5)): every service, and the timer that starts it.  A
 * unit of a directory that comes first hides those of the same name behind it.
 */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "discover/host.h"
#include "discover/scan.h"
#include "discover/timer.h"

#define HOMES_MAX 257 /* root has one too */

/* Where the units of one manager lie, the first directory first. */
struct units {
	const char *root;
	const char *dirs[8];
	size_t count;
	const char *own; /* of the dirs: where units are enabled and changed */
	const char *of;	 /* " of user shop's manager"; "" = the system's */
};

static const struct units system_units = {
	.dirs = {"/etc/systemd/system", "/run/systemd/transient", "/run/systemd/system",
		"/run/systemd/generator", "/usr/local/lib/systemd/system",
		"/usr/lib/systemd/system", "/lib/systemd/system"},
	.count = 7,
	.own = "/etc/systemd/system",
	.of = ""};

/* Which directory has the unit; u->count when none has. */
static size_t place_of(const struct units *u, const char *unit, struct buf *ret_path)
{
	size_t i;

	for (i = 0; i < u->count; i++) {
		buf_clear(ret_path);
		buf_printf(ret_path, "%s%s/%s", u->root, u->dirs[i], unit);
		if (access(buf_str(ret_path), F_OK) == 0)
			break;
	}
	return i;
}

static size_t matches(const char *pattern, glob_t *ret)
{
	return glob(pattern, 0, NULL, ret) == 0 ? ret->gl_pathc : 0;
}

static bool is_enabled(const struct units *u, const char *unit)
{
	BUF_AUTO pattern = BUF_INIT;
	glob_t found = {0};
	bool enabled;

	buf_printf(&pattern, "%s%s/*.wants/%s", u->root, u->own, unit);
	enabled = matches(buf_str(&pattern), &found) > 0;
	globfree(&found);
	return enabled;
}

/* Calls for the unit's file, and for each of its drop-ins; false when there is no such unit. */
typedef void part_fn(void *arg, const char *path, struct buf *text);

static bool each_part(const struct units *u, const char *unit, part_fn *fn, void *arg)
{
	BUF_AUTO path = BUF_INIT;
	BUF_AUTO text = BUF_INIT;
	BUF_AUTO pattern = BUF_INIT;
	glob_t found = {0};
	size_t count;

	if (place_of(u, unit, &path) == u->count || !lead_read(buf_str(&path), &text, NULL))
		return false;
	fn(arg, buf_str(&path), &text);
	buf_printf(&pattern, "%s%s/%s.d/*.conf", u->root, u->own, unit);
	count = matches(buf_str(&pattern), &found);
	for (size_t i = 0; i < count; i++) {
		buf_clear(&text);
		if (lead_read(found.gl_pathv[i], &text, NULL))
			fn(arg, found.gl_pathv[i], &text);
	}
	globfree(&found);
	return true;
}

static void append(void *arg, const char *path, struct buf *text)
{
	(void)path;
	buf_printf(arg, "%s\n", buf_str(text));
}

/* The unit with its drop-ins, lines that end in '\' joined. */
static bool read_unit(const struct units *u, const char *unit, struct buf *out)
{
	if (!each_part(u, unit, append, out))
		return false;
	for (char *at = out->data; at != NULL && (at = strstr(at, "\\\n")) != NULL;)
		at[0] = at[1] = ' ';
	return true;
}

static void scan_part(void *arg, const char *path, struct buf *text)
{
	lead_scan(arg, path, buf_str(text), text->len);
}

/* Everything that the service's commands and environment say. */
static void look_at_service(struct lead *lead, const char *unit)
{
	const struct units *u = lead->units;
	BUF_AUTO text = BUF_INIT;
	BUF_AUTO path = BUF_INIT;
	BUF_AUTO value = BUF_INIT;
	const char *at;

	if (!read_unit(u, unit, &text))
		return;
	lead->f->jobs++;
	lead->people = false;
	lead->told = 0;
	each_part(u, unit, scan_part, lead);
	place_of(u, unit, &path);
	if (lead->told == 0) /* a command may go over several lines, and then has no line */
		lead_scan(lead, buf_str(&path), buf_str(&text), text.len);
	at = buf_str(&text);
	while (unit_value(&at, "EnvironmentFile", &value)) {
		BUF_AUTO file = BUF_INIT;

		buf_printf(&file, "%s%s", u->root, buf_str(&value) + (*buf_str(&value) == '-'));
		lead_scan_file(lead, buf_str(&file));
	}
	scan_environment(buf_str(&text), text.len, &lead->env);
	at = buf_str(&text);
	while (unit_value(&at, "ExecStart", &value))
		lead_scan_scripts(lead, u->root, buf_str(&value));
	lead->env = (struct dsn){0};
}

static void strip(const char *unit, char ret[64])
{
	const char *dot = strrchr(unit, '.');

	field_print(ret, 64, "%.*s", dot != NULL ? (int)(dot - unit) : 60, unit);
}

static bool ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len > n && strcmp(name + len - n, end) == 0;
}

static bool is_first(const struct units *u, const char *path, const char *name)
{
	BUF_AUTO first = BUF_INIT;

	place_of(u, name, &first);
	return strcmp(buf_str(&first), path) == 0;
}

static void look_at_timer(struct lead *lead, const char *root, const char *path, const char *name)
{
	const struct units *u = lead->units;
	BUF_AUTO text = BUF_INIT;
	BUF_AUTO calendar = BUF_INIT;
	BUF_AUTO service = BUF_INIT;
	const char *at;
	bool enabled;

	(void)root;
	if (!ends_in(name, ".timer") || !is_first(u, path, name) || !read_unit(u, name, &text))
		return;
	enabled = is_enabled(u, name);
	lead->base = (struct finding){.kind = FOUND_TIMER};
	strip(name, lead->base.name);
	at = buf_str(&text);
	if (!unit_value(&at, "OnCalendar", &calendar))
		buf_puts(&calendar, "by an interval");
	at = buf_str(&text);
	if (!unit_value(&at, "Unit", &service))
		buf_printf(&service, "%s.service", lead->base.name);
	FIELD(lead->base.place, "unit %s%s", name, u->of);
	FIELD(lead->base.what, "%s starts %s%s", buf_str(&calendar), buf_str(&service),
		enabled ? "" : ", not enabled");
	timer_times(&lead->base, &lead->f->window, name, buf_str(&text), enabled, lead->manager);
	look_at_service(lead, buf_str(&service));
}

/* Has it a timer of its own name?  Then it was told with that. */
static bool has_timer(const struct units *u, const char *name)
{
	BUF_AUTO timer = BUF_INIT;
	BUF_AUTO path = BUF_INIT;
	const char *dot = strrchr(name, '.');

	buf_printf(&timer, "%.*s.timer", (int)(dot - name), name);
	return place_of(u, buf_str(&timer), &path) < u->count;
}

static void look_at_unit(struct lead *lead, const char *root, const char *path, const char *name)
{
	const struct units *u = lead->units;

	(void)root;
	if (!ends_in(name, ".service") || !is_first(u, path, name) || has_timer(u, name))
		return;
	lead->base = (struct finding){.kind = FOUND_TIMER};
	strip(name, lead->base.name);
	FIELD(lead->base.place, "unit %s%s", name, u->of);
	FIELD(lead->base.what, "a service%s", is_enabled(u, name) ? "" : ", not enabled by itself");
	look_at_service(lead, name);
}

static void look_into(struct lead *lead, const struct units *u)
{
	lead->units = u;
	for (size_t i = 0; i < u->count; i++) {
		host_each(lead, u->root, u->dirs[i], look_at_timer);
		host_each(lead, u->root, u->dirs[i], look_at_unit);
	}
	lead->units = NULL;
}

/* A user's units run while that user is logged in, or lingers; his manager is not asked. */
static void look_at_home(struct lead *lead, const char *root, const char *dir)
{
	static const char below[] = "/.config/systemd/user";
	BUF_AUTO of = BUF_INIT;
	size_t home = strlen(dir) - (sizeof below - 1), user = home;

	while (user > 0 && dir[user - 1] != '/')
		user--;
	buf_printf(&of, " of user %.*s's manager", (int)(home - user), dir + user);
	look_into(lead, &(struct units){.root = root,
				.dirs = {dir + strlen(root)},
				.count = 1,
				.own = dir + strlen(root),
				.of = buf_str(&of)});
}

/* What there is below the homes of this host. */
static size_t in_homes(const char *root, const char *below, glob_t *ret)
{
	static const char *const homes[] = {"/root", "/home/*"};

	for (size_t i = 0; i < ARRAY_LEN(homes); i++) {
		BUF_AUTO pattern = BUF_INIT;

		buf_printf(&pattern, "%s%s%s", root, homes[i], below);
		glob(buf_str(&pattern), i > 0 ? GLOB_APPEND : 0, NULL, ret);
	}
	return ret->gl_pathc;
}

/* Homes that this user may not enter. */
static size_t closed_homes(const char *root)
{
	glob_t found = {0};
	size_t closed = 0, count = in_homes(root, "", &found);

	for (size_t n = 0; n < count; n++)
		closed += access(found.gl_pathv[n], X_OK) != 0 && errno == EACCES;
	globfree(&found);
	return closed;
}

static void look_at_users(struct lead *lead, const char *root)
{
	glob_t found = {0};
	size_t count = in_homes(root, "/.config/systemd/user", &found);
	size_t closed = closed_homes(root);

	for (size_t n = 0; n < count && n < HOMES_MAX; n++)
		look_at_home(lead, root, found.gl_pathv[n]);
	globfree(&found);
	if (closed > 0) {
		struct finding one = {.kind = FOUND_HIDDEN, .how = HOW_UNOBSERVABLE};

		FIELD(one.place, "systemd's units in homes");
		FIELD(one.what,
			"%zu homes may not be entered by this user: run discover on this "
			"host as root",
			closed);
		findings_add(lead->f, &one);
	}
}

void host_units(struct lead *lead, const char *root)
{
	struct units of_system = system_units, of_all_users = {.root = root,
						       .dirs = {"/etc/systemd/user"},
						       .count = 1,
						       .own = "/etc/systemd/user",
						       .of = " of every user's manager"};

	of_system.root = root;
	lead->lifetimes = false;
	lead->manager = manager_open(root);
	look_into(lead, &of_system);
	manager_close(lead->manager);
	lead->manager = NULL;
	look_into(lead, &of_all_users);
	look_at_users(lead, root);
}
