#include "../testing.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "discover/window.h"

#define NOW INT64_C(1795604400) /* 2026-11-25 11:00:00 UTC, 12:00 in Berlin */
#define H INT64_C(3600)

static const struct {
	const char *text;
	int64_t from, to; /* hours from now; both 0 = it is none */
} cases[] = {
	{"now/2h", 0, 2},
	{"now/14:00", 0, 2},
	{"13:00/15:00", 1, 3},
	{"11:00/12:00", 23, 24}, /* that of today has passed */
	{"23:00/01:00", 11, 13}, /* over midnight */
	{"2026-11-25T13:00Z/90m", 2, 3},
	{"2026-11-25 13:00/2026-11-25T13:00:00Z", 1, 2},
	{"2026-11-25T13:00:00/1h", 1, 2},
	{"now/31d", 0, 744},
	{"now/32d", 0, 0},
	{"now/now", 0, 0},
	{"13:00/2026-11-25T11:30Z", 0, 0},
	{"2026-11-25T13:00+01:00/1h", 0, 0},
	{"25:00/1h", 0, 0},
	{"now/2", 0, 0},
	{"/", 0, 0},
	{"", 0, 0},
};

static void windows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		struct window w = {0};
		int rc = window_read(cases[i].text, NOW, &w, &err);
		int64_t to = strcmp(cases[i].text, "2026-11-25T13:00Z/90m") == 0
				     ? NOW + 2 * H + 5400
				     : NOW + cases[i].to * H;

		if (cases[i].to == 0) {
			if (rc == 0 || err.code != ERR_USAGE)
				fail_msg("'%s' is read", cases[i].text);
			continue;
		}
		if (rc != 0 || !w.given || w.from_s != NOW + cases[i].from * H || w.to_s != to)
			fail_msg("'%s': %lld to %lld; %s", cases[i].text,
				(long long)(w.from_s - NOW), (long long)(w.to_s - NOW), err.msg);
	}
}

static struct runs runs_of(const struct window *w, const char *calendar, int64_t late_s)
{
	struct schedule s;
	struct runs r = {0};

	assert_true(schedule_calendar(calendar, &s));
	runs_add(&r, w, &s, late_s);
	return r;
}

static void runs_of_a_schedule(void **state)
{
	struct window w = {.from_s = NOW, .to_s = NOW + 2 * H}; /* 11:00 to 13:00 UTC */
	struct runs r = runs_of(&w, "*-*-* 11:00:00 UTC", 0);

	(void)state;
	assert_true(r.state == RUNS_SOME && r.count == 1 && r.at_s[0] == NOW); /* its begin is in */
	r = runs_of(&w, "*-*-* 11:00:00", 0); /* by the clock of Berlin: 10:00 UTC */
	assert_true(r.state == RUNS_NONE && r.count == 0);
	r = runs_of(&w, "*-*-* 13:00:00 UTC", 0); /* its end is not */
	assert_true(r.state == RUNS_NONE);
	r = runs_of(&w, "*-*-* 10:50:00 UTC", 900); /* at random up to 15 minutes later */
	assert_true(r.state == RUNS_SOME && r.at_s[0] == NOW);
	r = runs_of(&w, "*-*-* 10:40:00 UTC", 900);
	assert_true(r.state == RUNS_NONE);
	r = runs_of(&w, "*:0/30", 0);
	assert_true(r.count == 4 && !r.more && r.at_s[3] == NOW + 5400);
	r = runs_of(&w, "*:0/20", 0);
	assert_true(r.count == RUNS_MAX && r.more && r.at_s[RUNS_MAX - 1] == NOW + 4 * 1200);
}

/* Several schedules of one job, in any order. */
static void runs_together(void **state)
{
	struct window w = {.from_s = NOW, .to_s = NOW + 2 * H};
	struct runs r = {0};

	(void)state;
	assert_null(runs_word(&r));
	runs_unknown(&r, "%s is not read", "this");
	runs_add_one(&r, &w, NOW + 2 * H);
	assert_string_equal(runs_word(&r), "unknown"); /* one that is known does not settle it */
	for (int i = 7; i > 0; i--)
		runs_add_one(&r, &w, NOW + i);
	runs_add_one(&r, &w, NOW + 1);
	runs_unknown(&r, "%s is not read", "this");
	assert_string_equal(runs_word(&r), "runs");
	assert_int_equal(r.count, RUNS_MAX);
	assert_true(r.more);
	for (int i = 0; i < RUNS_MAX; i++)
		assert_int_equal(r.at_s[i], NOW + 1 + i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows),
		cmocka_unit_test(runs_of_a_schedule),
		cmocka_unit_test(runs_together),
	};

	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
