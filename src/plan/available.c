#include "plan/available.h"

#include <stddef.h>
#include <string.h>

#include "base/check.h"

struct feature {
	bool built;
	const char *where, *value;
};

static const struct feature features[] = {
#define FEATURE(built, where, value) {built, where, value},
#include "plan/available.def"
#undef FEATURE
};

static const struct feature *find(const char *where, const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(features); i++) {
		const struct feature *f = &features[i];

		if (strcmp(f->where, where) == 0 && !f->value == !value &&
			(!value || strcmp(f->value, value) == 0))
			return f;
	}
	return NULL;
}

bool available(const char *where, const char *value)
{
	const struct feature *f = find(where, value);

	return !f || f->built;
}

bool available_listed(const char *where, const char *value)
{
	return find(where, value) != NULL;
}
