#include "discover/window.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "plan/text.h"

#define DAY_S INT64_C(86400)

/* ---- its text -------------------------------------------------------------------------------- */

static bool read_date(const char *text, int64_t *ret)
{
	static const char *const forms[] = {
		"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct tm tm = {.tm_isdst = -1};
		const char *end = strptime(text, forms[i], &tm);

		if (end == NULL || (*end != '\0' && strcmp(end, "Z") != 0))
			continue;
		*ret = (int64_t)(*end == 'Z' ? timegm(&tm) : mktime(&tm));
		return true;
	}
	return false;
}

/* The next time that the clock says so. */
static bool read_clock(const char *text, int64_t after_s, int64_t *ret)
{
	time_t after = (time_t)after_s;
	struct tm day, tm = {0};
	const char *end = strptime(text, "%H:%M", &tm);

	if (end == NULL || *end != '\0' || localtime_r(&after, &day) == NULL)
		return false;
	for (int ahead = 0; ahead < 3; ahead++) {
		struct tm at = {.tm_year = day.tm_year,
			.tm_mon = day.tm_mon,
			.tm_mday = day.tm_mday + ahead,
			.tm_hour = tm.tm_hour,
			.tm_min = tm.tm_min,
			.tm_isdst = -1};

		*ret = (int64_t)mktime(&at);
		if (*ret > after_s)
			return true;
	}
	return false;
}

static bool read_time(const char *text, int64_t after_s, int64_t *ret)
{
	if (strcmp(text, "now") == 0) {
		*ret = after_s;
		return true;
	}
	return read_date(text, ret) || read_clock(text, after_s, ret);
}

static bool read_end(const char *text, int64_t from_s, int64_t *ret)
{
	int64_t ms;

	if (text_time_ms(text, &ms) == TEXT_OK && ms / 1000 <= WINDOW_MAX_S) {
		*ret = from_s + ms / 1000;
		return true;
	}
	return read_time(text, from_s, ret);
}

int window_read(const char *text, int64_t now_s, struct window *ret, struct err *err)
{
	const char *slash = strchr(text, '/');
	struct window w = {.given = true};
	char from[40];

	if (slash == NULL || (size_t)(slash - text) >= sizeof from)
		return err_set(err, ERR_USAGE,
			"--window '%s': FROM/TO is wanted, as in 2026-11-26T01:00Z/2h", text);
	snprintf(from, sizeof from, "%.*s", (int)(slash - text), text);
	if (!read_time(from, now_s, &w.from_s))
		return err_set(err, ERR_USAGE,
			"--window: '%s' is no time: write now, 01:00 or 2026-11-26T01:00Z", from);
	if (!read_end(slash + 1, w.from_s, &w.to_s))
		return err_set(err, ERR_USAGE,
			"--window: '%s' is no end: write 2h, 03:00 or 2026-11-26T03:00Z",
			slash + 1);
	if (w.to_s <= w.from_s || w.to_s - w.from_s > WINDOW_MAX_S)
		return err_set(err, ERR_USAGE,
			"--window '%s' ends before it begins, or after more than 31 days", text);
	*ret = w;
	return 0;
}

struct window window_from_now(int64_t now_s)
{
	return (struct window){.from_s = now_s, .to_s = now_s + WINDOW_DEFAULT_S};
}

/* ---- what happens in it ---------------------------------------------------------------------- */

/* In order of time, each once; of too many the first. */
static void put(struct runs *r, int64_t at_s)
{
	int i = r->count;

	for (int k = 0; k < r->count; k++)
		if (r->at_s[k] == at_s)
			return;
	if (i == RUNS_MAX) {
		r->more = true;
		if (r->at_s[--i] < at_s)
			return;
	} else {
		r->count++;
	}
	for (; i > 0 && r->at_s[i - 1] > at_s; i--)
		r->at_s[i] = r->at_s[i - 1];
	r->at_s[i] = at_s;
}

void runs_add_one(struct runs *r, const struct window *w, int64_t at_s)
{
	if (at_s >= w->from_s && at_s < w->to_s) {
		r->state = RUNS_SOME;
		put(r, at_s);
	} else if (r->state == RUNS_NO_JOB) {
		r->state = RUNS_NONE;
	}
}

void runs_add(struct runs *r, const struct window *w, const struct schedule *s, int64_t late_s)
{
	int64_t at_s = w->from_s - 1 - late_s;

	if (s->at_boot) {
		runs_unknown(r, "it runs when this host starts");
		return;
	}
	if (r->state == RUNS_NO_JOB)
		r->state = RUNS_NONE;
	for (int n = 0; n <= RUNS_MAX; n++) {
		at_s = schedule_next(s, at_s);
		if (at_s == 0 || at_s >= w->to_s)
			return;
		/* What may come late and began before can fall into it as well. */
		runs_add_one(r, w, at_s < w->from_s ? w->from_s : at_s);
	}
}

void runs_unknown(struct runs *r, const char *fmt, ...)
{
	va_list args;

	if (r->state == RUNS_SOME)
		return;
	r->state = RUNS_UNKNOWN;
	va_start(args, fmt);
	vsnprintf(r->why, sizeof r->why, fmt, args);
	va_end(args);
}

const char *runs_word(const struct runs *r)
{
	static const char *const words[] = {
		[RUNS_NONE] = "no", [RUNS_SOME] = "runs", [RUNS_UNKNOWN] = "unknown"};

	return words[r->state];
}
