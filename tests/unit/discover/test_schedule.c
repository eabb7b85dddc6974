#include "../testing.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "discover/schedule.h"

static int64_t at(const char *stamp)
{
	struct tm tm = {0};

	assert_non_null(strptime(stamp, "%Y-%m-%d %H:%M", &tm));
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm);
}

static const struct {
	bool calendar;
	const char *text, *after, *next;
} cases[] = {
	{false, "15 2 * * *", "2026-11-25 01:00", "2026-11-25 02:15"},
	{false, "15 2 * * *", "2026-11-25 02:15", "2026-11-26 02:15"},
	{false, "*/20 * * * *", "2026-11-25 23:41", "2026-11-26 00:00"},
	{false, "5-10/5,30 4 * * *", "2026-11-25 04:05", "2026-11-25 04:10"},
	{false, "0 0 1 jan *", "2026-11-25 00:00", "2027-01-01 00:00"},
	{false, "0 12 * * mon-fri", "2026-11-27 12:00", "2026-11-30 12:00"}, /* a Friday */
	{false, "0 12 * * 7", "2026-11-25 00:00", "2026-11-29 12:00"},
	{false, "0 0 13 * 5", "2026-11-25 00:00", "2026-11-27 00:00"},	/* either day */
	{false, "0 0 */2 * 5", "2026-11-25 00:00", "2026-11-27 00:00"}, /* both */
	{false, "0 0 29 2 *", "2026-11-25 00:00", "2028-02-29 00:00"},
	{false, "@daily", "2026-11-25 00:00", "2026-11-26 00:00"},
	{false, "@weekly", "2026-11-25 00:00", "2026-11-29 00:00"},
	{false, "0 0 30 2 *", "2026-11-25 00:00", NULL},
	{false, "@reboot", "2026-11-25 00:00", NULL},
	{true, "daily", "2026-11-25 00:00", "2026-11-26 00:00"},
	{true, "weekly", "2026-11-25 00:00", "2026-11-30 00:00"}, /* a Monday, not cron's Sunday */
	{true, "02:30", "2026-11-25 02:30", "2026-11-26 02:30"},
	{true, "*-*-* 04:00:00", "2026-11-25 05:00", "2026-11-26 04:00"},
	{true, "Mon..Fri 22:00", "2026-11-27 22:00", "2026-11-30 22:00"},
	{true, "Sat,Sun *-*-* 06:00", "2026-11-25 00:00", "2026-11-28 06:00"},
	{true, "*:0/15", "2026-11-25 10:16", "2026-11-25 10:30"},
	{true, "*-*-01 00:10", "2026-11-25 00:00", "2026-12-01 00:10"},
	{true, "Fri..Mon 01:00", "2026-11-25 00:00", "2026-11-27 01:00"},
};

static void next_runs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct schedule s;
		size_t len;
		int64_t next, wanted = cases[i].next != NULL ? at(cases[i].next) : 0;

		if (!(cases[i].calendar ? schedule_calendar(cases[i].text, &s)
					: schedule_cron(cases[i].text, &s, &len)))
			fail_msg("'%s' is not read", cases[i].text);
		next = schedule_next(&s, at(cases[i].after));
		if (next != wanted)
			fail_msg("'%s' after %s: %lld, not %s", cases[i].text, cases[i].after,
				(long long)next, cases[i].next);
	}
}

static void what_follows_a_schedule(void **state)
{
	struct schedule s;
	size_t len;

	(void)state;
	assert_true(schedule_cron("15 2 * * 1-5\troot /x", &s, &len));
	assert_int_equal(len, strlen("15 2 * * 1-5\t"));
	assert_true(schedule_cron("@daily  root /x", &s, &len));
	assert_int_equal(len, strlen("@daily  "));
}

static void what_is_no_schedule(void **state)
{
	static const char *const bad[] = {"", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *",
		"a b c d e", "*/0 * * * *", "@never x", "1- * * * *", "SHELL=/bin/sh",
		"99999999999999999999 * * * *"};
	static const char *const bad_calendars[] = {
		"", "2026-01-01 00:00", "whenever", "*-*-~3", "25:00"};
	struct schedule s;
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (schedule_cron(bad[i], &s, &len))
			fail_msg("'%s' is read", bad[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad_calendars); i++)
		if (schedule_calendar(bad_calendars[i], &s))
			fail_msg("'%s' is read", bad_calendars[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(next_runs),
		cmocka_unit_test(what_follows_a_schedule),
		cmocka_unit_test(what_is_no_schedule),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
