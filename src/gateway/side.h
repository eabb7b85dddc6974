/*
 * side.h - where a side's server is and how it is spoken to, out of a libpq connection string.
 *
 * libpq itself reads the string (PQconninfoParse with the defaults it would take), so that it means
 * here what it means to every other program.  One host for each side: which of several would be the
 * one whose door was read?
 */
#ifndef AIRLOCK_GATEWAY_SIDE_H
#define AIRLOCK_GATEWAY_SIDE_H

#include "gateway/gateway.h"

/* Resolves the host; blocks while it does.  What it holds is freed by side_fini. */
int side_init(struct gateway_side *side, const char *conninfo, struct err *err) MUST_CHECK;
/* Resolves it again, off the loop's thread; where that fails, what was known stays. */
void side_refresh(struct gateway *gateway, enum control_side side);
/* Its present address did not answer: the next one is tried next. */
void side_next_address(struct gateway_side *side);
void side_fini(struct gateway_side *side);

#endif
