#include "import/crontab.h"

#include <ctype.h>
#include <string.h>

#include "base/check.h"
#include "import/schedule.h"
#include "import/settings.h"

struct job {
	const char *when, *command;
	struct place at;
};

struct jobs {
	struct job *rows;
	size_t count, cap;
};

static const char *next_word(const char *at, const char **ret_end)
{
	at += strspn(at, " \t");
	*ret_end = at + strcspn(at, " \t");
	return at;
}

/* "@daily command", "*\/5 * * * * command": where the command begins, NULL when it is none. */
static const char *split(struct arena *arena, const char *line, const char **ret_when)
{
	const char *end = line, *start = line;
	bool word = *line == '@';

	if (strncmp(line, "@reboot", strlen("@reboot")) == 0)
		return NULL;
	for (int fields = 0; fields < (word ? 1 : 5); fields++) {
		start = next_word(end, &end);
		if (start == end)
			return NULL;
	}
	*ret_when = arena_strndup(arena, line, (size_t)(end - line));
	end += strspn(end, " \t");
	return *end && schedule_as_cron(*ret_when, arena) ? end : NULL;
}

/* Tables of the system have a user before the command: a word of a name's letters alone. */
static const char *skip_user(const char *command)
{
	static const char *const users[] = {
		"root", "www-data", "nobody", "postgres", "app", "node"};
	const char *end, *start = next_word(command, &end);

	for (size_t i = 0; i < ARRAY_LEN(users); i++)
		if ((size_t)(end - start) == strlen(users[i]) &&
			strncmp(start, users[i], strlen(users[i])) == 0 && *end)
			return end + strspn(end, " \t");
	return command;
}

static void add(struct model *model, struct jobs *jobs, const char *line, struct place at)
{
	const char *when, *command;

	if (jobs->count == CRONTAB_JOBS_MAX || *line == '#' || !*line)
		return;
	command = split(model->arena, line, &when);
	if (!command)
		return;
	jobs->rows =
		arena_grow(model->arena, jobs->rows, jobs->count, &jobs->cap, sizeof *jobs->rows);
	jobs->rows[jobs->count++] = (struct job){when, skip_user(command), at};
}

/* "PGHOST=db" before the jobs is their environment. */
static void add_variable(struct model *model, struct part *part, const struct fact *table,
	const char *line, struct place at)
{
	size_t len = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

	if (len && line[len + strspn(line + len, " ")] == '=')
		settings_read(model, part,
			&(struct settings){.file = table->name,
				.text = line,
				.len = strlen(line),
				.first = at});
}

static void read_table(
	struct model *model, struct part *part, const struct fact *table, struct jobs *jobs)
{
	struct place at = table->at;
	const char *text = table->value;

	for (; *text; text += *text == '\n') {
		const char *line;
		size_t len;

		text += strspn(text, " \t\r");
		len = strcspn(text, "\r\n");
		line = arena_strndup(model->arena, text, len);
		add(model, jobs, line, at);
		add_variable(model, part, table, line, at);
		text += strcspn(text, "\n");
		at.line += at.address ? 0 : 1;
	}
}

/* The name of what a command runs: "cd /app && php artisan bill:all" is artisan's bill. */
static const char *job_name(struct arena *arena, const char *command)
{
	static const char *const passed[] = {"cd", "sh", "bash", "env", "php", "python", "python3",
		"ruby", "bundle", "exec", "node", "npm", "run", "nice", "ionice", "timeout",
		"flock", "sudo", "su", "gosu", "test", "root", "docker", "compose", "psql", "curl",
		"wget", "rake", "bin", "rails", "artisan", "manage.py"};
	const char *best = NULL;
	const char *end;

	for (const char *at = next_word(command, &end); at < end; at = next_word(end, &end)) {
		const char *word = arena_strndup(arena, at, (size_t)(end - at));
		const char *slash;
		bool pass = !isalpha((unsigned char)*word) && *word != '/' && *word != '.';

		slash = strrchr(word, '/');
		word = slash ? slash + 1 : word;
		pass |= strchr(word, '=') != NULL || !*word;
		if (strcmp(word, "cd") == 0) {
			next_word(end, &end);
			continue;
		}
		for (size_t i = 0; i < ARRAY_LEN(passed) && !pass; i++)
			pass = strcmp(word, passed[i]) == 0;
		if (!best || !pass)
			best = word;
		if (!pass)
			break;
	}
	return best && *best ? arena_strndup(arena, best, strcspn(best, ".;|&>\"'")) : "job";
}

static void set(struct model *model, struct part *part, const struct job *job, const char *how,
	const char *stop)
{
	part->schedule = job->when;
	part->schedule_how = how;
	part->schedule_at = job->at;
	part->stop = stop;
	if (!*part->command)
		part->command = job->command;
	else
		part->command = arena_printf(model->arena, "%s\n%s", part->command, job->command);
}

static void add_part(
	struct model *model, struct part *carrier, const struct job *job, const char *stop)
{
	const char *name = arena_printf(
		model->arena, "%s-%s", carrier->name, job_name(model->arena, job->command));
	struct part *part = model_part(model, name, "job of cron", job->at);

	if (!part)
		return;
	part->env = carrier->env;
	part->settings = carrier->settings;
	part->scope = carrier->scope;
	set(model, part, job, arena_printf(model->arena, "a crontab of %.80s", carrier->name),
		stop);
	part->inside = carrier;
}

void crontab_read(struct model *model, struct part *part, const char *stop)
{
	struct jobs jobs = {0};

	for (const struct fact *table = part->tables.first; table; table = table->next)
		read_table(model, part, table, &jobs);
	if (jobs.count == 1)
		set(model, part, &jobs.rows[0], "a crontab", stop);
	for (size_t i = 0; jobs.count > 1 && i < jobs.count; i++)
		add_part(model, part, &jobs.rows[i], stop);
	part->starts_jobs = jobs.count > 1;
}
