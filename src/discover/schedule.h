/*
 * schedule.h - when does a job run next?  crontab(5) and the common forms of systemd.time(7).
 *
 * Cron: five fields of numbers, names, lists, ranges and steps, and @hourly to @yearly; a day runs
 * when either day field fits, if neither begins with '*' (crontab(5)).  systemd: "hourly" to
 * "yearly", and "[DAYS] [YEAR-MONTH-DAY] HOUR:MINUTE[:SECOND]" with lists, ranges ("..") and steps;
 * years and seconds only as '*' and one number, "UTC" behind it.  Anything else is "not known",
 * never guessed.
 *
 * Pure but for the time zone of the process.
 */
#ifndef AIRLOCK_DISCOVER_SCHEDULE_H
#define AIRLOCK_DISCOVER_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct schedule {
	uint64_t minutes, hours, days, months, weekdays; /* bit n = n; Sunday is 0 */
	bool either_day; /* a day of the month or a day of the week is enough */
	bool at_boot;	 /* @reboot: no time at all */
	bool utc;	 /* by UTC, not by the time zone of the process */
};

/* `text` begins with the expression; *ret_len is its length with the blanks behind it. */
bool schedule_cron(const char *text, struct schedule *ret, size_t *ret_len);
bool schedule_calendar(const char *text, struct schedule *ret);
/* The first minute after `after_s` that fits, within five years; 0 when there is none. */
int64_t schedule_next(const struct schedule *s, int64_t after_s);

#endif
