/* crontab.c - crontab(5): the system's table, those of packages, those of users, and run-parts'. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "discover/host.h"
#include "discover/scan.h"
#include "discover/schedule.h"

/* Where a line stands. */
struct table {
	const char *root, *file, *name;
	bool ignored;	/* by its name */
	bool with_user; /* a field behind the schedule says as whom */
	int line;
	bool other_zone;     /* CRON_TZ stands above: cronie's times go by that clock */
	struct buf settings; /* of the lines before: every job has them in its environment */
};

/* Debian's cron and run-parts pass over what an editor or a package left: cron(8), run-parts(8). */
static bool is_passed_over(const char *name)
{
	return name[strspn(name,
		       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")] != '\0';
}

static bool is_setting(const char *line)
{
	size_t len =
		strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");

	return len > 0 && line[len + strspn(line + len, " ")] == '=';
}

/* The first word of a command that is no assignment, without its directory: never an argument. */
static void program_of(const char *command, char *ret, size_t size)
{
	size_t len;
	const char *slash;

	command += strspn(command, " \t");
	while (is_setting(command)) {
		command += strcspn(command, " \t");
		command += strspn(command, " \t");
	}
	len = strcspn(command, " \t;|&<>\n");
	slash = memrchr(command, '/', len);
	if (slash != NULL) {
		len -= (size_t)(slash + 1 - command);
		command = slash + 1;
	}
	field_print(ret, size, "%.*s", len < 60 ? (int)len : 60, command);
}

static bool says_where(const char *command)
{
	struct dsn dsn;

	return dsn_next(command, strlen(command), 0, &dsn) && dsn.hosts_count > 0;
}

static void look_at_job(struct lead *lead, const struct table *t, const char *command)
{
	struct finding *base = &lead->base;
	const char *user = t->name;
	size_t user_len = strlen(user);
	char program[64];
	BUF_AUTO text = BUF_INIT;

	if (t->with_user) {
		user = command;
		user_len = strcspn(command, " \t");
		command += user_len;
		command += strspn(command, " \t");
	}
	program_of(command, program, sizeof program);
	FIELD(base->place, "%s:%d", t->file, t->line);
	FIELD(base->name, "%s",
		t->with_user && strcmp(t->name, "crontab") != 0 ? t->name : program);
	FIELD(base->what,
		t->ignored ? "cron ignores this file by its name; %s as %.*s"
			   : "cron runs %s as %.*s",
		program, user_len < 60 ? (int)user_len : 60, user);
	lead->people = t->ignored;
	lead->told = 0;
	lead->f->jobs++;
	scan_environment(buf_str(&t->settings), t->settings.len, &lead->env);
	lead->line = t->line;
	lead_scan(lead, t->file, command, strlen(command));
	lead->line = 0;
	lead_scan_scripts(lead, t->root, command);
	/* The environment alone leads somewhere too, for who knows what the program does with it.
	 */
	if (lead->told == 0 && !says_where(command)) {
		buf_printf(&text, "%s%s\n", buf_str(&t->settings), command);
		lead->line = t->line;
		lead_scan(lead, t->file, buf_str(&text), text.len);
		lead->line = 0;
	}
	lead->env = (struct dsn){0};
}

/* Five fields that no cron here reads ("H H * * *", cronie's "0~30"): the times are not known, the
 * command is. */
static bool skip_fields(const char *text, size_t *ret_len)
{
	size_t len = 0;

	for (int i = 0; i < 5; i++) {
		len += strcspn(text + len, " \t");
		len += strspn(text + len, " \t");
	}
	*ret_len = len;
	return text[len] != '\0';
}

static void set_times(struct lead *lead, const struct table *t, const struct schedule *schedule)
{
	struct finding *base = &lead->base;

	if (schedule == NULL) {
		runs_unknown(&base->runs, "'%.60s' is not understood here", base->schedule);
		return;
	}
	if (t->other_zone) {
		runs_unknown(&base->runs, "CRON_TZ above it names another clock");
		return;
	}
	base->next_s = schedule_next(schedule, (int64_t)time(NULL));
	runs_add(&base->runs, &lead->f->window, schedule, 0);
}

static void look_at_line(struct lead *lead, struct table *t, const char *text)
{
	struct schedule schedule;
	size_t len, end;
	bool read;

	text += strspn(text, " \t");
	if (*text == '\0' || *text == '#')
		return;
	if (is_setting(text)) {
		buf_printf(&t->settings, "%s\n", text);
		t->other_zone |= strncmp(text, "CRON_TZ", 7) == 0;
		return;
	}
	read = schedule_cron(text, &schedule, &len);
	if (!read && !skip_fields(text, &len))
		return;
	for (end = len; end > 0 && strchr(" \t", text[end - 1]) != NULL; end--)
		;
	FIELD(lead->base.schedule, "%.*s", end < 60 ? (int)end : 60, text);
	set_times(lead, t, read ? &schedule : NULL);
	look_at_job(lead, t, text + len);
}

static void look_at_table(
	struct lead *lead, const char *root, const char *path, const char *name, bool with_user)
{
	struct table t = {.root = root,
		.file = path,
		.name = name,
		.with_user = with_user,
		.ignored = with_user && is_passed_over(name)};
	BUF_AUTO text = BUF_INIT;
	char owner[64];

	if (!lead_read(path, &text, owner))
		return;
	lead->f->files++;
	for (char *at = text.data, *next; at != NULL && *at != '\0'; at = next) {
		next = strchr(at, '\n');
		if (next != NULL)
			*next++ = '\0';
		at[strcspn(at, "\r")] = '\0';
		t.line++;
		lead->base = (struct finding){.kind = FOUND_CRON};
		FIELD(lead->base.owner, "%s", owner);
		look_at_line(lead, &t, at);
	}
	buf_fini(&t.settings);
}

static void look_at_system_table(
	struct lead *lead, const char *root, const char *path, const char *name)
{
	look_at_table(lead, root, path, name, true);
}

static void look_at_user_table(
	struct lead *lead, const char *root, const char *path, const char *name)
{
	look_at_table(lead, root, path, name, false);
}

/* ---- run-parts ------------------------------------------------------------------------------- */

/* When a directory is run: as the line of /etc/crontab says that names it. */
static void part_times(struct lead *lead, const char *root, const char *crontab, const char *dir)
{
	BUF_AUTO anacron = BUF_INIT;
	struct table t = {.root = root};
	size_t len, rest;

	lead->base = (struct finding){.kind = FOUND_CRON};
	buf_printf(&anacron, "%s/usr/sbin/anacron", root);
	for (const char *at = crontab; *at != '\0'; at += len + (at[len] != '\0')) {
		struct schedule schedule;
		BUF_AUTO line = BUF_INIT;

		len = strcspn(at, "\n");
		buf_add(&line, at, len);
		if (strstr(buf_str(&line), dir) == NULL ||
			!schedule_cron(buf_str(&line), &schedule, &rest))
			continue;
		if (strstr(buf_str(&line), "anacron") != NULL && !access(buf_str(&anacron), F_OK))
			runs_unknown(&lead->base.runs, "anacron decides when");
		else
			set_times(lead, &t, &schedule);
		return;
	}
	runs_unknown(&lead->base.runs, "no line of /etc/crontab names its directory");
}

static void look_at_part(struct lead *lead, const char *root, const char *path, const char *name)
{
	struct finding times = lead->base;

	(void)root;
	if (is_passed_over(name))
		return;
	FIELD(lead->base.name, "%s", name);
	FIELD(lead->base.what, "run-parts runs %s as root", name);
	lead->people = false;
	lead->f->jobs += lead_scan_file(lead, path);
	lead->base = times; /* the next file of the directory */
}

void host_crontabs(struct lead *lead, const char *root)
{
	static const char *const parts[] = {
		"/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly"};
	BUF_AUTO path = BUF_INIT;
	BUF_AUTO crontab = BUF_INIT;

	lead->lifetimes = false;
	buf_printf(&path, "%s/etc/crontab", root);
	look_at_table(lead, root, buf_str(&path), "crontab", true);
	host_each(lead, root, "/etc/cron.d", look_at_system_table);
	host_each(lead, root, "/var/spool/cron/crontabs", look_at_user_table);
	lead_read(buf_str(&path), &crontab, NULL);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		part_times(lead, root, buf_str(&crontab), parts[i]);
		host_each(lead, root, parts[i], look_at_part);
	}
}
