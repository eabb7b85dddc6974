#include "discover/timer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/buf.h"
#include "base/check.h"

/* ---- the unit's text ------------------------------------------------------------------------- */

bool unit_value(const char **at, const char *key, struct buf *ret)
{
	size_t len = strlen(key);

	while (**at != '\0') {
		const char *line = *at + strspn(*at, " \t");
		size_t rest = strcspn(line, "\r\n");

		*at = line + rest;
		*at += strspn(*at, "\r\n");
		if (strncmp(line, key, len) != 0 || line[len] != '=')
			continue;
		buf_clear(ret);
		buf_add(ret, line + len + 1, rest - len - 1);
		return true;
	}
	return false;
}

/* "90", "15min", "1h 30min" (systemd.time(7)); 0 where it says anything else. */
static int64_t read_span(const char *text)
{
	static const struct {
		const char *name;
		int64_t s;
	} units[] = {{"", 1}, {"s", 1}, {"sec", 1}, {"second", 1}, {"seconds", 1}, {"m", 60},
		{"min", 60}, {"minute", 60}, {"minutes", 60}, {"h", 3600}, {"hr", 3600},
		{"hour", 3600}, {"hours", 3600}, {"d", 86400}, {"day", 86400}, {"days", 86400}};
	int64_t sum = 0;

	while (*(text += strspn(text, " \t")) != '\0') {
		char *end;
		long n = strtol(text, &end, 10);
		size_t len, i = 0;

		if (end == text || n < 0 || n > 1000000)
			return 0;
		end += strspn(end, " ");
		len = 0;
		while (isalpha((unsigned char)end[len]))
			len++;
		while (i < ARRAY_LEN(units) &&
			(strlen(units[i].name) != len || strncmp(units[i].name, end, len) != 0))
			i++;
		if (i == ARRAY_LEN(units))
			return 0;
		sum += n * units[i].s;
		text = end + len;
	}
	return sum;
}

/* The newest of a setting that may stand once. */
static int64_t span_of(const char *text, const char *key)
{
	BUF_AUTO value = BUF_INIT;
	int64_t s = 0;

	while (unit_value(&text, key, &value))
		s = read_span(buf_str(&value));
	return s;
}

static bool has_interval(const char *text)
{
	static const char *const keys[] = {
		"OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec"};
	BUF_AUTO value = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *at = text;

		if (unit_value(&at, keys[i], &value))
			return true;
	}
	return false;
}

/* ---- its times ------------------------------------------------------------------------------- */

/* All its OnCalendar lines; those before an empty one do not count. */
static void by_calendar(struct finding *one, const struct window *w, const char *text)
{
	int64_t late_s = span_of(text, "RandomizedDelaySec"), now_s = (int64_t)time(NULL);
	BUF_AUTO value = BUF_INIT;
	bool all = true;

	while (unit_value(&text, "OnCalendar", &value)) {
		struct schedule schedule;
		int64_t next;

		if (*buf_str(&value) == '\0') {
			one->runs = (struct runs){0};
			one->next_s = 0;
			all = true;
			continue;
		}
		if (!schedule_calendar(buf_str(&value), &schedule)) {
			runs_unknown(&one->runs, "'%.60s' is not understood here", buf_str(&value));
			all = false;
			continue;
		}
		next = schedule_next(&schedule, now_s);
		if (one->next_s == 0 || (next > 0 && next < one->next_s))
			one->next_s = next;
		runs_add(&one->runs, w, &schedule, late_s);
	}
	one->next_s = all ? one->next_s : 0;
}

static void by_file(struct finding *one, const struct window *w, const char *text, bool enabled)
{
	by_calendar(one, w, text);
	if (has_interval(text))
		runs_unknown(&one->runs, "it counts from when it, its unit or this host started");
	if (enabled)
		return;
	one->next_s = 0;
	one->runs = (struct runs){0};
	runs_unknown(&one->runs, "it is not enabled; whether somebody started it is not known");
}

/* The manager knows the next time only: what follows it in the window is reckoned. */
static void by_manager(struct finding *one, const struct window *w, const char *text,
	const struct manager_timer *timer)
{
	struct window rest = *w;

	if (timer->next_s > rest.from_s)
		rest.from_s = timer->next_s; /* it elapses no sooner */
	by_calendar(one, &rest, text);
	one->next_s = timer->next_s;
	if (timer->next_s == 0) {
		one->runs = (struct runs){.state = RUNS_NONE};
		return;
	}
	runs_add_one(&one->runs, w, timer->next_s);
	if (timer->next_s >= w->to_s)
		one->runs = (struct runs){.state = RUNS_NONE};
	else if (timer->next_s < w->from_s && has_interval(text))
		runs_unknown(&one->runs, "it runs before the window, and then by an interval");
}

void timer_times(struct finding *one, const struct window *w, const char *unit, const char *text,
	bool enabled, struct manager *manager)
{
	struct manager_timer timer;
	size_t len = strlen(one->what);

	if (manager == NULL || !manager_timer(manager, unit, &timer)) {
		by_file(one, w, text, enabled);
		return;
	}
	by_manager(one, w, text, &timer);
	field_print(one->what + len, sizeof one->what - len, ", by systemd's own word %s",
		timer.active ? "started" : "not started");
}
