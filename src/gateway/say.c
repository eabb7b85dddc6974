#include "gateway/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

void say(const char *fmt, ...)
{
	char stamp[CLOCK_STAMP_BYTES], line[1024];
	va_list ap;
	int at;

	clock_stamp(stamp);
	at = snprintf(line, sizeof line, "%s airlock-gateway: ", stamp);
	va_start(ap, fmt);
	at += vsnprintf(line + at, sizeof line - (size_t)at - 1, fmt, ap);
	va_end(ap);
	if (at > (int)sizeof line - 2)
		at = (int)sizeof line - 2;
	line[at] = '\n';
	/* One write, so that lines stay whole; a log that cannot be written stops nothing. */
	if (write(STDERR_FILENO, line, (size_t)at + 1) < 0)
		return;
}
