#include "gateway/params.h"

#include <string.h>

#include "base/check.h"
#include "pgwire/wire.h"

void params_clear(struct params *p)
{
	p->len = 0;
}

bool params_next(const struct params *p, size_t *at, const char **ret_name, const char **ret_value)
{
	INVARIANT(p->len <= PARAMS_BYTES);
	if (*at >= p->len)
		return false;
	*ret_name = p->text + *at;
	*ret_value = *ret_name + strlen(*ret_name) + 1;
	*at = (size_t)(*ret_value - p->text) + strlen(*ret_value) + 1;
	return true;
}

const char *params_get(const struct params *p, const char *name)
{
	const char *n, *v;

	for (size_t at = 0; params_next(p, &at, &n, &v);)
		if (strcmp(n, name) == 0)
			return v;
	return NULL;
}

static void forget(struct params *p, const char *name)
{
	const char *n, *v;

	for (size_t at = 0, from = 0; params_next(p, &at, &n, &v); from = at) {
		if (strcmp(n, name) != 0)
			continue;
		memmove(p->text + from, p->text + at, p->len - at);
		p->len -= at - from;
		return;
	}
}

bool params_set(struct params *p, const char *name, const char *value)
{
	const char *was = params_get(p, name);
	size_t name_bytes = strlen(name) + 1, value_bytes = strlen(value) + 1;
	size_t freed = was ? name_bytes + strlen(was) + 1 : 0;

	if (was && strcmp(was, value) == 0)
		return true;
	if (p->len - freed + name_bytes + value_bytes > PARAMS_BYTES)
		return false;
	forget(p, name);
	memcpy(p->text + p->len, name, name_bytes);
	memcpy(p->text + p->len + name_bytes, value, value_bytes);
	p->len += name_bytes + value_bytes;
	return true;
}

bool params_take(struct params *p, const uint8_t *body, size_t len)
{
	struct wire_in in = wire_in(body, len);
	const char *name = wire_str(&in), *value = wire_str(&in);

	return name && value && params_set(p, name, value);
}
