#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *kind, const char *what, const char *file, int line, const char *func)
{
	fprintf(stderr, "airlock: bug: %s(%s) failed in %s at %s:%d\n", kind, what, func, file,
		line);
	abort();
}
