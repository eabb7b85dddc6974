#include "base/grow.h"

#include <stdlib.h>

#include "base/check.h"

#define FIRST 16

void *grow(void *array, size_t count, size_t *cap, size_t size)
{
	REQUIRE(count <= *cap);
	if (count < *cap)
		return array;
	*cap = *cap ? *cap * 2 : FIRST;
	array = reallocarray(array, *cap, size);
	ENSURE(array != NULL);
	return array;
}
