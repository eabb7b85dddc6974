/*
 * params.h - what a server reports of its settings (ParameterStatus), name and value.
 *
 * Two of these tell what a client must be told after its session has moved: what the new server
 * reports and the client has not heard.  Pure, of a fixed size.
 */
#ifndef AIRLOCK_GATEWAY_PARAMS_H
#define AIRLOCK_GATEWAY_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARAMS_BYTES 2048u

struct params {
	size_t len;
	char text[PARAMS_BYTES]; /* name NUL value NUL, in the order in which they came */
};

void params_clear(struct params *p);
/* False, and nothing changed, when it does not fit. */
bool params_set(struct params *p, const char *name, const char *value);
/* Of the body of a ParameterStatus; false when it is malformed too. */
bool params_take(struct params *p, const uint8_t *body, size_t len);
/* NULL when it was never set. */
const char *params_get(const struct params *p, const char *name);
/* Goes through them: `at` is 0 at first; false at the end. */
bool params_next(const struct params *p, size_t *at, const char **ret_name, const char **ret_value);

#endif
