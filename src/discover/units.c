/*
 * units.c - systemd's unit files (systemd.unit(5)): every service, and the timer that starts it.  A
 * unit of a directory that comes first hides those of the same name behind it.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "discover/host.h"
#include "discover/scan.h"
#include "discover/timer.h"

static const char *const unit_dirs[] = {"/etc/systemd/system", "/run/systemd/transient",
	"/run/systemd/system", "/run/systemd/generator", "/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system", "/lib/systemd/system"};

/* The directory that has the unit: 0 to ARRAY_LEN - 1, or ARRAY_LEN when none has. */
static size_t place_of(const char *root, const char *unit, struct buf *ret_path)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(unit_dirs); i++) {
		buf_clear(ret_path);
		buf_printf(ret_path, "%s%s/%s", root, unit_dirs[i], unit);
		if (access(buf_str(ret_path), F_OK) == 0)
			break;
	}
	return i;
}

static size_t matches(const char *pattern, glob_t *ret)
{
	return glob(pattern, 0, NULL, ret) == 0 ? ret->gl_pathc : 0;
}

static bool is_enabled(const char *root, const char *unit)
{
	BUF_AUTO pattern = BUF_INIT;
	glob_t found = {0};
	bool enabled;

	buf_printf(&pattern, "%s/etc/systemd/system/*.wants/%s", root, unit);
	enabled = matches(buf_str(&pattern), &found) > 0;
	globfree(&found);
	return enabled;
}

/* The unit with its drop-ins, lines that end in '\' joined. */
static bool read_unit(const char *root, const char *unit, struct buf *out, struct buf *ret_path)
{
	BUF_AUTO pattern = BUF_INIT;
	glob_t found = {0};
	size_t count;

	if (place_of(root, unit, ret_path) == ARRAY_LEN(unit_dirs) ||
		!lead_read(buf_str(ret_path), out, NULL))
		return false;
	buf_printf(&pattern, "%s/etc/systemd/system/%s.d/*.conf", root, unit);
	count = matches(buf_str(&pattern), &found);
	for (size_t i = 0; i < count; i++) {
		BUF_AUTO more = BUF_INIT;

		if (lead_read(found.gl_pathv[i], &more, NULL))
			buf_printf(out, "\n%s", buf_str(&more));
	}
	globfree(&found);
	for (char *at = out->data; at != NULL && (at = strstr(at, "\\\n")) != NULL;)
		at[0] = at[1] = ' ';
	return true;
}

/* Everything that the service's commands and environment say. */
static void look_at_service(struct lead *lead, const char *root, const char *unit)
{
	BUF_AUTO text = BUF_INIT;
	BUF_AUTO path = BUF_INIT;
	BUF_AUTO value = BUF_INIT;
	const char *at;

	if (!read_unit(root, unit, &text, &path))
		return;
	lead->f->jobs++;
	lead->people = false;
	lead_scan(lead, buf_str(&path), buf_str(&text), text.len);
	at = buf_str(&text);
	while (unit_value(&at, "EnvironmentFile", &value)) {
		BUF_AUTO file = BUF_INIT;

		buf_printf(&file, "%s%s", root, buf_str(&value) + (*buf_str(&value) == '-'));
		lead_scan_file(lead, buf_str(&file));
	}
	scan_environment(buf_str(&text), text.len, &lead->env);
	at = buf_str(&text);
	while (unit_value(&at, "ExecStart", &value))
		lead_scan_scripts(lead, root, buf_str(&value));
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

static bool is_first(const char *root, const char *path, const char *name)
{
	BUF_AUTO first = BUF_INIT;

	place_of(root, name, &first);
	return strcmp(buf_str(&first), path) == 0;
}

static void look_at_timer(struct lead *lead, const char *root, const char *path, const char *name)
{
	BUF_AUTO text = BUF_INIT;
	BUF_AUTO where = BUF_INIT;
	BUF_AUTO calendar = BUF_INIT;
	BUF_AUTO service = BUF_INIT;
	const char *at;
	bool enabled = is_enabled(root, name);

	if (!ends_in(name, ".timer") || !is_first(root, path, name) ||
		!read_unit(root, name, &text, &where))
		return;
	lead->base = (struct finding){.kind = FOUND_TIMER};
	strip(name, lead->base.name);
	at = buf_str(&text);
	if (!unit_value(&at, "OnCalendar", &calendar))
		buf_puts(&calendar, "by an interval");
	at = buf_str(&text);
	if (!unit_value(&at, "Unit", &service))
		buf_printf(&service, "%s.service", lead->base.name);
	FIELD(lead->base.place, "unit %s", name);
	FIELD(lead->base.what, "%s starts %s%s", buf_str(&calendar), buf_str(&service),
		enabled ? "" : ", not enabled");
	timer_times(&lead->base, &lead->f->window, name, buf_str(&text), enabled, lead->manager);
	look_at_service(lead, root, buf_str(&service));
}

/* Has it a timer of its own name?  Then it was told with that. */
static bool has_timer(const char *root, const char *name)
{
	BUF_AUTO timer = BUF_INIT;
	BUF_AUTO path = BUF_INIT;
	const char *dot = strrchr(name, '.');

	buf_printf(&timer, "%.*s.timer", (int)(dot - name), name);
	return place_of(root, buf_str(&timer), &path) < ARRAY_LEN(unit_dirs);
}

static void look_at_unit(struct lead *lead, const char *root, const char *path, const char *name)
{
	if (!ends_in(name, ".service") || !is_first(root, path, name) || has_timer(root, name))
		return;
	lead->base = (struct finding){.kind = FOUND_TIMER};
	strip(name, lead->base.name);
	FIELD(lead->base.place, "unit %s", name);
	FIELD(lead->base.what, "a service%s",
		is_enabled(root, name) ? "" : ", not enabled by itself");
	look_at_service(lead, root, name);
}

void host_units(struct lead *lead, const char *root)
{
	lead->lifetimes = false;
	lead->manager = manager_open(root);
	for (size_t i = 0; i < ARRAY_LEN(unit_dirs); i++) {
		host_each(lead, root, unit_dirs[i], look_at_timer);
		host_each(lead, root, unit_dirs[i], look_at_unit);
	}
	manager_close(lead->manager);
	lead->manager = NULL;
}
