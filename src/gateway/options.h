/*
 * options.h - the command line of airlock-gateway.
 */
#ifndef AIRLOCK_GATEWAY_OPTIONS_H
#define AIRLOCK_GATEWAY_OPTIONS_H

#include <stdbool.h>

#include "base/err.h"

struct gateway_options {
	const char *plan, *route; /* borrowed from argv */
	bool help, version;
};

/* ERR_USAGE says what is wrong with which word. */
int gateway_options_parse(
	int argc, char **argv, struct gateway_options *ret, struct err *err) MUST_CHECK;
const char *gateway_options_help(void);

#endif
