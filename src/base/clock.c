#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/check.h"

int64_t clock_now_us(void)
{
	struct timespec ts;

	ENSURE(clock_gettime(CLOCK_BOOTTIME, &ts) == 0);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_now_ms(void)
{
	return clock_now_us() / 1000;
}

void clock_stamp(char ret[CLOCK_STAMP_BYTES])
{
	struct timespec ts;
	struct tm tm;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	len = strftime(ret, CLOCK_STAMP_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(ret + len, CLOCK_STAMP_BYTES - len, ".%03dZ", (int)(ts.tv_nsec / 1000000));
}

const char *clock_date(int64_t s, char ret[CLOCK_STAMP_BYTES])
{
	time_t when = (time_t)s;
	struct tm tm;

	ENSURE(gmtime_r(&when, &tm) != NULL);
	strftime(ret, CLOCK_STAMP_BYTES, "%F %TZ", &tm);
	return ret;
}
