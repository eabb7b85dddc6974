#include "import/schedule.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "plan/text.h"

#define FIELDS_MAX 8
#define RAW_MAX 256

/* ---- to five fields ---- */

static const struct {
	const char *word, *cron;
} words[] = {
	{"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
	{"@monthly", "0 0 1 * *"},
	{"@weekly", "0 0 * * 0"},
	{"@daily", "0 0 * * *"},
	{"@midnight", "0 0 * * *"},
	{"@hourly", "0 * * * *"},
};

static const char *const months[] = {
	"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

static const char *every(int64_t minutes, struct arena *arena)
{
	if (minutes < 1)
		return NULL;
	if (minutes < 60 && 60 % minutes == 0)
		return minutes == 1 ? "* * * * *"
				    : arena_printf(arena, "*/%" PRId64 " * * * *", minutes);
	if (minutes == 60)
		return "0 * * * *";
	if (minutes % 60 == 0 && minutes / 60 < 24 && 24 % (minutes / 60) == 0)
		return arena_printf(arena, "0 */%" PRId64 " * * *", minutes / 60);
	return minutes == 24 * 60 ? "0 0 * * *" : NULL;
}

/* "1h30m", "90s", "10 minutes" in minutes; 0 when it is no whole number of them. */
static int64_t minutes_of(const char *text)
{
	int64_t seconds = 0;

	while (*text) {
		char *end;
		long value = strtol(text, &end, 10);

		if (end == text || value < 0 || value > 1000000)
			return 0;
		text = end + strspn(end, " ");
		seconds += value * (*text == 'd'	  ? 86400
					   : *text == 'h' ? 3600
					   : *text == 'm' ? 60
							  : 1);
		if (*text && !strchr("dhms", *text))
			return 0;
		text += strspn(text, "abcdefghijklmnopqrstuvwxyz ");
	}
	return seconds % 60 == 0 ? seconds / 60 : 0;
}

static size_t split(const char *text, struct arena *arena, char *ret[FIELDS_MAX])
{
	size_t count = 0;

	for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
		size_t len = strcspn(text, " \t");

		if (count == FIELDS_MAX)
			return FIELDS_MAX + 1;
		ret[count++] = arena_strndup(arena, text, len);
		text += len;
	}
	return count;
}

static bool name_number(
	const char *text, const char *const *names, size_t count, size_t first, size_t *ret)
{
	for (size_t i = 0; i < count; i++)
		if (strncasecmp(text, names[i], 3) == 0) {
			*ret = first + i;
			return true;
		}
	return false;
}

/* Names become numbers, what other schedulers write becomes cron's. */
static const char *field(const char *text, bool month, bool day, struct arena *arena)
{
	BUF_AUTO out = BUF_INIT;

	while (*text) {
		size_t number;

		if (isalpha((unsigned char)*text) &&
			((month && name_number(text, months, ARRAY_LEN(months), 1, &number)) ||
				(day && name_number(text, days, ARRAY_LEN(days), 0, &number)))) {
			/* FRI-SUN ends on the seventh day. */
			bool ends = out.len && out.data[out.len - 1] == '-';

			buf_printf(&out, "%zu", day && ends && number == 0 ? (size_t)7 : number);
			text += 3;
		} else {
			/* Quartz' 0/5 is cron's star with a step. */
			bool from_0 = text[0] == '0' && text[1] == '/' &&
				      (!out.len || out.data[out.len - 1] == ',');

			buf_putc(&out, *text == '?' || from_0 ? '*' : *text);
			text++;
		}
	}
	return arena_strdup(arena, buf_str(&out));
}

/* `first` is the field of the minutes. */
static const char *join(char *fields[FIELDS_MAX], size_t first, struct arena *arena)
{
	const char *cron =
		arena_printf(arena, "%s %s %s %s %s", field(fields[first], false, false, arena),
			field(fields[first + 1], false, false, arena),
			field(fields[first + 2], false, false, arena),
			field(fields[first + 3], true, false, arena),
			field(fields[first + 4], false, true, arena));

	return text_is_cron(cron) ? cron : NULL;
}

/* AWS: minutes first, a year behind, and Sunday is the first day. */
static const char *aws(const char *raw, struct arena *arena)
{
	char *fields[FIELDS_MAX];
	const char *open = strchr(raw, '(');
	const char *inner = open ? arena_strndup(arena, open + 1, strcspn(open + 1, ")")) : "";

	if (strncmp(raw, "rate(", 5) == 0)
		return every(minutes_of(inner), arena);
	if (split(inner, arena, fields) != 6)
		return NULL;
	for (char *c = fields[4]; *c; c++)
		if (*c >= '1' && *c <= '7')
			(*c)--;
	return join(fields, 0, arena);
}

const char *schedule_as_cron(const char *raw, struct arena *arena)
{
	char *fields[FIELDS_MAX];
	size_t count;

	raw += strspn(raw, " \t");
	if (strlen(raw) > RAW_MAX)
		return NULL;
	if (strncmp(raw, "CRON_TZ=", 8) == 0 || strncmp(raw, "TZ=", 3) == 0) {
		raw += strcspn(raw, " ");
		raw += strspn(raw, " ");
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(raw, words[i].word) == 0)
			return words[i].cron;
	if (strncasecmp(raw, "@every ", 7) == 0)
		return every(minutes_of(raw + 7), arena);
	if (strncmp(raw, "cron(", 5) == 0 || strncmp(raw, "rate(", 5) == 0)
		return aws(raw, arena);
	count = split(raw, arena, fields);
	if (count == 5)
		return join(fields, 0, arena);
	return count == 6 || count == 7 ? join(fields, 1, arena) : NULL;
}

/* ---- labels ---- */

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), tail = strlen(end);

	return len > tail && strcmp(text + len - tail, end) == 0;
}

/* A job of `tool` that runs in `carrier`, and is told what that is told. */
static struct part *add_job(struct model *model, const struct part *carrier, const char *job,
	const char *tool, struct place at)
{
	bool named = strncmp(job, carrier->name, strlen(carrier->name)) == 0;
	bool same = strcmp(job, carrier->name) == 0;
	const char *name = named && !same ? job
					  : arena_printf(model->arena, "%s-%s", carrier->name,
						    same ? "job" : job);
	struct part *part =
		model_part(model, name, arena_printf(model->arena, "job of %s", tool), at);

	if (!part)
		return NULL;
	part->env = carrier->env;
	part->settings = carrier->settings;
	part->scope = carrier->scope;
	part->schedule_at = at;
	part->inside = carrier;
	return part;
}

static void own_schedule(
	struct part *part, const char *raw, const char *how, struct place at, const char *stop)
{
	part->schedule = raw;
	part->schedule_how = how;
	part->schedule_at = at;
	part->stop = stop;
}

/* "ofelia.job-exec.NAME.schedule", "deck-chores.NAME.cron", "swarm.cronjob.schedule" */
static void read_label(const struct schedule_labels *l, const struct entry *label)
{
	struct arena *arena = l->model->arena;
	bool cron = ends_with(label->key, ".cron");
	size_t len = strlen(label->key) - (cron ? strlen(".cron") : strlen(".schedule"));
	const char *job, *tool;
	struct part *part;

	if ((!cron && !ends_with(label->key, ".schedule")) || label->value->kind != NODE_TEXT)
		return;
	tool = arena_strndup(arena, label->key, strcspn(label->key, "."));
	job = arena_strndup(arena, label->key, len);
	if (strcmp(job, "swarm.cronjob") == 0 || !strchr(job, '.')) {
		own_schedule(l->part, label->value->text, "a label", label->at, l->stop);
		return;
	}
	part = add_job(l->model, l->part, strrchr(job, '.') + 1, tool, label->at);
	if (!part)
		return;
	part->schedule = label->value->text;
	part->schedule_how = arena_printf(arena, "a label of %s on %.80s", tool, l->part->name);
}

void schedule_from_labels(const struct schedule_labels *l)
{
	const struct node *both[] = {l->labels, l->deploy_labels};

	for (size_t k = 0; k < ARRAY_LEN(both); k++)
		for (size_t i = 0; both[k] && both[k]->kind == NODE_MAP && i < both[k]->count; i++)
			read_label(l, &both[k]->entries[i]);
}

/* ---- a scheduler's own file ---- */

static struct part *part_named(const struct model *model, const char *name)
{
	for (size_t i = 0; name && i < model->parts_count; i++)
		if (strcmp(model->parts[i]->name, name) == 0 ||
			facts_get(&model->parts[i]->hosts, name))
			return model->parts[i];
	return NULL;
}

/* "job-exec.nightly.schedule" is in "job-exec.nightly.container" or ".service", or in itself. */
static void add_section(struct model *model, struct part *scheduler, const struct fact *schedule)
{
	static const char *const keys[] = {"container", "service"};
	size_t len = strlen(schedule->name) - strlen(".schedule");
	const char *section = arena_strndup(model->arena, schedule->name, len);
	const char *dot = strrchr(section, '.');
	const struct part *carrier = NULL;
	struct part *part;

	for (size_t i = 0; i < ARRAY_LEN(keys) && !carrier; i++)
		carrier = part_named(
			model, facts_text(&scheduler->settings,
				       arena_printf(model->arena, "%s.%s", section, keys[i])));
	part = add_job(model, carrier ? carrier : scheduler, dot ? dot + 1 : section,
		scheduler->name, schedule->at);
	if (!part)
		return;
	part->schedule = schedule->value;
	part->schedule_how = arena_printf(model->arena, "the file of %.80s", scheduler->name);
}

void schedule_from_settings(struct model *model, struct part *scheduler)
{
	for (const struct fact *s = scheduler->settings.first; s; s = s->next)
		if (strncmp(s->name, "job-", strlen("job-")) == 0 &&
			ends_with(s->name, ".schedule") && s->value)
			add_section(model, scheduler, s);
}

/* ---- environment and command ---- */

static bool is_schedule_name(const char *name)
{
	return strcasestr(name, "cron") || strcasestr(name, "schedule");
}

static bool from_environment(struct model *model, struct part *part)
{
	for (const struct fact *e = part->env.first; e; e = e->next) {
		if (!e->value || e->blank || !is_schedule_name(e->name) ||
			!schedule_as_cron(e->value, model->arena))
			continue;
		own_schedule(part, e->value,
			arena_printf(model->arena, "the variable %.80s", e->name), e->at, NULL);
		return true;
	}
	return false;
}

/* Five fields with something behind them, as a crontab has them: "echo '0 2 * * * backup' | ...".
 */
static const char *find_crontab(const char *command, struct arena *arena)
{
	static const char characters[] = "0123456789*/,- ";

	for (const char *at = command; *at; at++) {
		size_t len = strspn(at, characters);
		const char *end = at;

		if (len == 0 || (at > command && !strchr("'\"\n \\n(", at[-1])))
			continue;
		for (int fields = 0; fields < 5 && (size_t)(end - at) < len; fields++) {
			end += strcspn(end, " ");
			if (fields < 4)
				end += strspn(end, " ");
		}
		if (*end == ' ' && text_is_cron(arena_strndup(arena, at, (size_t)(end - at))))
			return arena_strndup(arena, at, (size_t)(end - at));
		at += len - 1;
	}
	return NULL;
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
		if ((at == text || strchr(" /;&|'\"(\n", at[-1])) &&
			(!at[len] || strchr(" ;&|'\")\n", at[len])))
			return true;
	return false;
}

/* A daemon that starts things by a table that is not in the source. */
static const char *daemon_word(const char *command)
{
	static const char *const daemons[] = {"crond", "cron", "supercronic", "go-cron", "yacron",
		"schedule:work", "schedule:run", "run-cron", "beat"};

	for (size_t i = 0; i < ARRAY_LEN(daemons); i++)
		if (has_word(command, daemons[i]))
			return daemons[i];
	return strstr(command, "while ") && has_word(command, "sleep") ? "sleep" : NULL;
}

void schedule_from_part(struct model *model, struct part *part)
{
	const char *crontab, *daemon;

	if (part->schedule || part->starts_jobs || from_environment(model, part))
		return;
	if (strlen(part->command) > 4096)
		return;
	crontab = find_crontab(part->command, model->arena);
	daemon = daemon_word(part->command);
	if (crontab)
		own_schedule(part, crontab, "a crontab in its command", part->at, NULL);
	else if (daemon)
		own_schedule(part, "", arena_printf(model->arena, "`%s` in its command", daemon),
			part->at, NULL);
}
