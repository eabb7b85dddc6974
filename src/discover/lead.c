#include "discover/lead.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "discover/caches.h"
#include "discover/scan.h"
#include "plan/text.h"

#define NAMES_MAX 5   /* mentions of hosts that are told of one file */
#define LINES_MAX 256 /* lines whose findings make a mention of the host superfluous */
#define SCRIPTS_MAX 8
#define SAME_MAX 3 /* lines of one file that lead to the same place: a log has thousands */
#define TEXT_BEGINS 8192

struct pass {
	struct lead *lead;
	const char *file;
	int lines[LINES_MAX];
	size_t lines_count;
	struct {
		int line;
		const char *name;
	} names[NAMES_MAX];
	size_t names_count;
	struct {
		char target[256];
		int count;
	} same[16];
	size_t same_count;
};

static struct finding begun(const struct pass *pass, int line)
{
	struct finding one = pass->lead->base;

	if (one.place[0] == '\0')
		FIELD(one.place, "%s:%d", pass->file, line);
	FIELD(one.file, "%s", pass->file);
	one.line = pass->lead->line > 0 ? pass->lead->line : line;
	return one;
}

/* Airlock's own: the plan lies among the files. */
static bool is_own_role(const char *user)
{
	return strcmp(user, "airlock") == 0 || strncmp(user, "airlock_", 8) == 0;
}

/* Has the file enough lines of this target? */
static bool is_one_too_many(struct pass *pass, const struct finding *one)
{
	for (size_t i = 0; i < pass->same_count; i++)
		if (strcmp(pass->same[i].target, one->target) == 0)
			return ++pass->same[i].count > SAME_MAX;
	if (pass->same_count == ARRAY_LEN(pass->same))
		return true;
	FIELD(pass->same[pass->same_count].target, "%s", one->target);
	pass->same[pass->same_count++].count = 1;
	return false;
}

static void hit_dsn(struct pass *pass, const struct scan_hit *hit)
{
	struct lead *lead = pass->lead;
	struct finding one = begun(pass, hit->line);
	BUF_AUTO shown = BUF_INIT;
	struct target target;

	if (is_own_role(hit->dsn->user) || !targets_find(lead->targets, hit->dsn, &target))
		return;
	dsn_show(hit->dsn, &shown);
	FIELD(one.target, "%s", buf_str(&shown));
	FIELD(one.store, "%s", lead->plan->stores[target.store].name);
	one.side = target.side;
	one.how = lead->people || hit->comment ? HOW_MENTIONED : HOW_CONFIGURED;
	FIELD(one.user, "%s", hit->dsn->user);
	FIELD(one.what, "%s%s%s%s%s", lead->base.what, lead->base.what[0] ? ", " : "",
		hit->parts ? "settings" : dsn_form_name(hit->dsn->form),
		hit->dsn->has_secret ? " with a password" : "",
		target.by_name	  ? ""
		: target.database ? ", the same address by another name"
				  : ", the same address, which database is not said");
	lead->told++;
	if (!is_one_too_many(pass, &one))
		findings_add(lead->f, &one);
	if (pass->lines_count < LINES_MAX)
		pass->lines[pass->lines_count++] = hit->line;
}

static void hit_name(struct pass *pass, const struct scan_hit *hit)
{
	if (pass->names_count == NAMES_MAX)
		return;
	pass->names[pass->names_count].line = hit->line;
	pass->names[pass->names_count++].name = hit->name;
}

/* Only where the unit is written. */
static bool is_shorter(const char *value, const struct window *w)
{
	int64_t ms;

	return text_time_ms(value, &ms) == TEXT_OK && ms / 1000 < w->to_s - w->from_s;
}

static void hit_lifetime(struct pass *pass, const struct scan_hit *hit)
{
	struct finding one = begun(pass, hit->line);

	if (!pass->lead->lifetimes || hit->comment || strstr(hit->name, "addr") != NULL)
		return; /* of host names: caches.h */
	one.kind = FOUND_TOKEN;
	one.how = HOW_CONFIGURED;
	FIELD(one.what, "%s = %s%s", hit->name, hit->value,
		is_shorter(hit->value, &pass->lead->f->window)
			? ", shorter than the window: it has to be renewed within it"
			: "");
	findings_add(pass->lead->f, &one);
}

static void take(void *arg, const struct scan_hit *hit)
{
	switch (hit->kind) {
	case SCAN_DSN:
		hit_dsn(arg, hit);
		break;
	case SCAN_NAME:
		hit_name(arg, hit);
		break;
	case SCAN_LIFETIME:
		hit_lifetime(arg, hit);
		break;
	}
}

static bool is_told(const struct pass *pass, int line)
{
	for (size_t i = 0; i < pass->lines_count; i++)
		if (pass->lines[i] == line)
			return true;
	return false;
}

void lead_scan(struct lead *lead, const char *file, const char *text, size_t len)
{
	struct pass pass = {.lead = lead, .file = file};
	struct scan scan = {.file = file, .hit = take, .arg = &pass, .env = &lead->env};

	if (lead->lifetimes)
		scan.names_count = targets_names(lead->targets, &scan.names);
	scan_text(&scan, text, len);
	if (lead->lifetimes || lead->told > 0)
		caches_scan(lead, file, text, len);
	for (size_t i = 0; i < pass.names_count; i++) {
		struct finding one = begun(&pass, pass.names[i].line);

		if (is_told(&pass, pass.names[i].line))
			continue;
		one.how = HOW_MENTIONED;
		FIELD(one.what, "names the host %s", pass.names[i].name);
		findings_add(lead->f, &one);
	}
}

/* ---- files ----------------------------------------------------------------------------------- */

static void owner_of(uid_t uid, char ret[64])
{
	char text[1024];
	struct passwd entry, *found = NULL;

	if (getpwuid_r(uid, &entry, text, sizeof text, &found) == 0 && found != NULL)
		snprintf(ret, 64, "%s", found->pw_name);
	else
		snprintf(ret, 64, "uid %u", (unsigned)uid);
}

/* Programs are given up after their first block. */
static bool read_all(int fd, size_t size, struct buf *out)
{
	char block[TEXT_BEGINS];
	ssize_t n;

	while (out->len < size && (n = read(fd, block, sizeof block)) > 0) {
		if (out->len == 0 && memchr(block, '\0', (size_t)n) != NULL)
			return false;
		buf_add(out, block, (size_t)n);
	}
	return true;
}

bool lead_read(const char *path, struct buf *out, char *ret_owner)
{
	/* A pipe or a device must not stop us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	bool text = false;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= (off_t)LEAD_FILE_MAX)
		text = read_all(fd, LEAD_FILE_MAX, out);
	if (text && ret_owner != NULL)
		owner_of(st.st_uid, ret_owner);
	close(fd);
	return text;
}

static bool is_for_people(const char *path)
{
	static const char *const ends[] = {
		".md", ".markdown", ".rst", ".adoc", ".txt", ".html", ".htm", ".org", ".log"};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot != NULL && i < ARRAY_LEN(ends); i++)
		if (strcasecmp(dot, ends[i]) == 0)
			return true;
	return false;
}

bool lead_scan_file(struct lead *lead, const char *path)
{
	BUF_AUTO text = BUF_INIT;
	bool people;

	if (!lead_read(path, &text, lead->base.owner))
		return false;
	lead->f->files++;
	people = lead->people;
	lead->people = people || is_for_people(path);
	lead_scan(lead, path, buf_str(&text), text.len);
	lead->people = people;
	return true;
}

void lead_scan_scripts(struct lead *lead, const char *root, const char *command)
{
	const char *at = command;

	for (int n = 0; n < SCRIPTS_MAX && (at = strchr(at, '/')) != NULL; n++) {
		size_t len = strcspn(at, " \t\n\r;|&<>()'\"`");
		BUF_AUTO path = BUF_INIT;

		if (at == command || strchr(" \t='\"(;&|@-+!:", at[-1]) != NULL) {
			buf_printf(&path, "%s%.*s", root, (int)len, at);
			lead_scan_file(lead, buf_str(&path));
		}
		at += len ? len : 1;
	}
}
