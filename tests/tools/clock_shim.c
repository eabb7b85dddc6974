/* LD_PRELOAD: the wall clock of a server runs CLOCK_SHIM_MS ahead of the machine's. */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>

int gettimeofday(struct timeval *restrict tv, void *restrict tz);

int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	int (*real)(struct timeval *, void *) =
		(int (*)(struct timeval *, void *))dlsym(RTLD_NEXT, "gettimeofday");
	const char *ahead = getenv("CLOCK_SHIM_MS");
	long long us;

	if (real(tv, tz) != 0)
		return -1;
	us = (long long)tv->tv_sec * 1000000 + tv->tv_usec + (ahead ? atoll(ahead) * 1000 : 0);
	tv->tv_sec = us / 1000000;
	tv->tv_usec = us % 1000000;
	return 0;
}
