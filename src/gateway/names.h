/*
 * names.h - the names of applications' settings that the migrated database reads (capture.h, find):
 * found once, on a login of nobody's (scout.h) or else by a session's own capture, asked for in all
 * others, found anew at each arm.
 */
#ifndef AIRLOCK_GATEWAY_NAMES_H
#define AIRLOCK_GATEWAY_NAMES_H

#include <stdbool.h>

#include "gateway/capture.h"
#include "gateway/state.h"

struct setting_names {
	const char **names; /* owned, strings too */
	size_t count;
	bool known;	  /* somebody has looked since they were last forgotten */
	unsigned version; /* another one for other names */
};

void setting_names_fini(struct setting_names *n);
/* Somebody has to look again; what is known is asked for until then. */
void setting_names_forget(struct setting_names *n);
/* Adds what a capture should ask for; borrowed until the next change. */
void setting_names_ask(const struct setting_names *n, struct capture_options *options);
/* A capture that had been asked to find is done. */
void setting_names_learn(struct setting_names *n, const struct session_state *state);

#endif
