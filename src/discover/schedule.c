#include "discover/schedule.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/check.h"

#define DAYS_AHEAD (5 * 366)

static const char *const month_names[] = {
	"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

/* One field: which numbers it may hold and by what names. */
struct field {
	int low, high;
	const char *const *names; /* of low, low + 1, ...; NULL = none */
	int names_count;
	const char *range; /* "-" or ".." */
};

static const struct field cron_fields[] = {
	{0, 59, NULL, 0, "-"},
	{0, 23, NULL, 0, "-"},
	{1, 31, NULL, 0, "-"},
	{1, 12, month_names, 12, "-"},
	{0, 7, day_names, 7, "-"},
};

/* A number or a name at *at. */
static bool read_value(const char **at, const char *end, const struct field *f, int *ret)
{
	if (*at < end && isdigit((unsigned char)**at)) {
		int value = 0;

		for (; *at < end && isdigit((unsigned char)**at); ++*at)
			value = value < 1000 ? value * 10 + (**at - '0') : value;
		*ret = value;
		return value >= f->low && value <= f->high;
	}
	for (int i = 0; i < f->names_count; i++)
		if (end - *at >= 3 && strncasecmp(*at, f->names[i], 3) == 0) {
			*at += 3;
			while (*at < end && isalpha((unsigned char)**at))
				++*at; /* "Monday" */
			*ret = f->low + i;
			return true;
		}
	return false;
}

static bool skip(const char **at, const char *end, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(end - *at) < len || strncmp(*at, word, len) != 0)
		return false;
	*at += len;
	return true;
}

/* "5", "1-5", "*", each with "/2" behind it. */
static bool read_item(const char **at, const char *end, const struct field *f, uint64_t *bits)
{
	int first = f->low, last = f->high, step = 1;

	if (!skip(at, end, "*")) {
		if (!read_value(at, end, f, &first))
			return false;
		last = first;
		if (skip(at, end, f->range)) {
			if (!read_value(at, end, f, &last))
				return false;
		} else if (*at < end && **at == '/') {
			last = f->high; /* "5/15" */
		}
	}
	if (skip(at, end, "/")) {
		const char *digits = *at;

		step = atoi(digits);
		while (*at < end && isdigit((unsigned char)**at))
			++*at;
		if (*at == digits || step < 1)
			return false;
	}
	if (last < first)
		last += f->high - f->low + 1; /* "Fri..Mon" */
	for (int v = first; v <= last; v += step)
		*bits |= UINT64_C(1) << (v > f->high ? v - (f->high - f->low + 1) : v);
	return true;
}

static bool read_field(const char *at, const char *end, const struct field *f, uint64_t *ret)
{
	*ret = 0;
	do
		if (!read_item(&at, end, f, ret))
			return false;
	while (skip(&at, end, ","));
	return at == end;
}

static uint64_t with_sunday(uint64_t weekdays)
{
	return (weekdays | (weekdays >> 7 & 1)) & 0x7f;
}

/* ---- cron ------------------------------------------------------------------------------------ */

static bool read_nickname(const char *text, struct schedule *ret, size_t *ret_len)
{
	static const struct {
		const char *name, *expression;
	} nicknames[] = {
		{"@hourly", "0 * * * *"},
		{"@daily", "0 0 * * *"},
		{"@midnight", "0 0 * * *"},
		{"@weekly", "0 0 * * 0"},
		{"@monthly", "0 0 1 * *"},
		{"@yearly", "0 0 1 1 *"},
		{"@annually", "0 0 1 1 *"},
	};
	size_t len = strcspn(text, " \t");
	size_t unused;

	*ret_len = len + strspn(text + len, " \t");
	if (len == 7 && strncmp(text, "@reboot", 7) == 0) {
		*ret = (struct schedule){.at_boot = true};
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(nicknames); i++)
		if (strlen(nicknames[i].name) == len && strncmp(text, nicknames[i].name, len) == 0)
			return schedule_cron(nicknames[i].expression, ret, &unused);
	return false;
}

bool schedule_cron(const char *text, struct schedule *ret, size_t *ret_len)
{
	uint64_t bits[5];
	bool star[5];
	const char *at = text;

	if (*text == '@')
		return read_nickname(text, ret, ret_len);
	for (int i = 0; i < 5; i++) {
		size_t len = strcspn(at, " \t");

		star[i] = *at == '*';
		if (!read_field(at, at + len, &cron_fields[i], &bits[i]))
			return false;
		at += len;
		at += strspn(at, " \t");
	}
	*ret = (struct schedule){bits[0], bits[1], bits[2], bits[3], with_sunday(bits[4]),
		.either_day = !star[2] && !star[4]};
	*ret_len = (size_t)(at - text);
	return true;
}

/* ---- systemd --------------------------------------------------------------------------------- */

static bool read_shorthand(const char *text, struct schedule *ret)
{
	static const struct {
		const char *name, *expression;
	} shorthands[] = {
		{"minutely", "* * * * *"},
		{"hourly", "0 * * * *"},
		{"daily", "0 0 * * *"},
		{"weekly", "0 0 * * 1"},
		{"monthly", "0 0 1 * *"},
		{"quarterly", "0 0 1 1,4,7,10 *"},
		{"semiannually", "0 0 1 1,7 *"},
		{"yearly", "0 0 1 1 *"},
		{"annually", "0 0 1 1 *"},
	};
	size_t unused;

	for (size_t i = 0; i < ARRAY_LEN(shorthands); i++)
		if (strcasecmp(text, shorthands[i].name) == 0)
			return schedule_cron(shorthands[i].expression, ret, &unused);
	return false;
}

/* "*-*-1" or "*-1". */
static bool read_date(const char *at, const char *end, struct schedule *s)
{
	static const struct field months = {1, 12, NULL, 0, ".."}, days = {1, 31, NULL, 0, ".."};
	const char *last = memrchr(at, '-', (size_t)(end - at)), *first;

	if (last == NULL)
		return false;
	first = memchr(at, '-', (size_t)(end - at));
	if (first != last) {
		if (first != at + 1 || *at != '*')
			return false; /* a year */
		at = first + 1;
	}
	return read_field(at, last, &months, &s->months) &&
	       read_field(last + 1, end, &days, &s->days);
}

static bool read_time(const char *at, const char *end, struct schedule *s)
{
	static const struct field hours = {0, 23, NULL, 0, ".."}, minutes = {0, 59, NULL, 0, ".."};
	const char *colon = memchr(at, ':', (size_t)(end - at)), *second;

	if (colon == NULL)
		return false;
	second = memchr(colon + 1, ':', (size_t)(end - colon - 1));
	return read_field(at, colon, &hours, &s->hours) &&
	       read_field(colon + 1, second != NULL ? second : end, &minutes, &s->minutes);
}

bool schedule_calendar(const char *text, struct schedule *ret)
{
	static const struct field weekdays = {0, 7, day_names, 7, ".."};
	struct schedule s = {.minutes = 1, .hours = 1};

	memset(&s.days, 0xff, sizeof s.days);
	s.months = s.weekdays = s.days;
	text += strspn(text, " \t");
	if (read_shorthand(text, ret))
		return true;
	if (*text == '\0')
		return false;
	while (*text != '\0') {
		size_t len = strcspn(text, " \t");
		const char *end = text + len;

		if (memchr(text, ':', len) != NULL) {
			if (!read_time(text, end, &s))
				return false;
		} else if (len == 3 && strncmp(text, "UTC", 3) == 0) {
			s.utc = true;
		} else if (isalpha((unsigned char)*text)) {
			if (!read_field(text, end, &weekdays, &s.weekdays))
				return false;
			s.weekdays = with_sunday(s.weekdays);
		} else if (!read_date(text, end, &s)) {
			return false;
		}
		text = end + strspn(end, " \t");
	}
	*ret = s;
	return true;
}

/* ---- next ------------------------------------------------------------------------------------ */

static bool has(uint64_t bits, int n)
{
	return bits >> n & 1;
}

static bool day_fits(const struct schedule *s, const struct tm *day)
{
	bool date = has(s->days, day->tm_mday), weekday = has(s->weekdays, day->tm_wday);

	return has(s->months, day->tm_mon + 1) &&
	       (s->either_day ? date || weekday : date && weekday);
}

static time_t instant(const struct schedule *s, struct tm *tm)
{
	return s->utc ? timegm(tm) : mktime(tm);
}

/* The first fitting minute of a day after `after_s`; 0 when there is none. */
static int64_t next_of_day(const struct schedule *s, const struct tm *day, int64_t after_s)
{
	for (int hour = 0; hour < 24; hour++)
		for (int minute = 0; has(s->hours, hour) && minute < 60; minute++) {
			struct tm at = *day;
			int64_t when;

			if (!has(s->minutes, minute))
				continue;
			at.tm_hour = hour;
			at.tm_min = minute;
			at.tm_isdst = -1;
			when = (int64_t)instant(s, &at);
			if (when > after_s)
				return when;
		}
	return 0;
}

int64_t schedule_next(const struct schedule *s, int64_t after_s)
{
	time_t start = (time_t)after_s;
	struct tm first;

	if (s->at_boot || (s->utc ? gmtime_r(&start, &first) : localtime_r(&start, &first)) == NULL)
		return 0;
	for (int ahead = 0; ahead < DAYS_AHEAD; ahead++) {
		struct tm day = {.tm_year = first.tm_year,
			.tm_mon = first.tm_mon,
			.tm_mday = first.tm_mday + ahead,
			.tm_hour = 12,
			.tm_isdst = -1};
		int64_t next;

		if (instant(s, &day) == (time_t)-1 || !day_fits(s, &day))
			continue;
		day.tm_sec = day.tm_min = day.tm_hour = 0;
		next = next_of_day(s, &day, after_s);
		if (next > 0)
			return next;
	}
	return 0;
}
