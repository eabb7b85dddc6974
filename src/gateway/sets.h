/*
 * sets.h - has a session set what no server shows?
 *
 * A setting of an application's own (`app.tenant`) is not shown to who does not know its name.  A
 * flip loses those that the database itself does not read; who is made again without need (renew.h)
 * is not to.  So SET commands are counted, by their tags, to be held against what a look has found,
 * and a statement that names set_config(), which has no tag, says that there may be more.  Doubt
 * counts as more.  What a function does that is called by another name is not seen.
 *
 * Pure.  Thread: the owner's.
 */
#ifndef AIRLOCK_GATEWAY_SETS_H
#define AIRLOCK_GATEWAY_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/state.h"

/* Zeroed at a session's login. */
struct sets {
	unsigned commands; /* SET, carried out */
	bool more;
	bool in_text; /* private: the next bytes begin a statement */
};

/* The header of a client's message, and then its bytes as they come; `whole`: to its end. */
static inline void sets_head(struct sets *s, uint8_t type)
{
	s->in_text = type == 'Q' || type == 'P';
}
void sets_text(struct sets *s, const uint8_t *bytes, size_t len, bool whole); /* private */
static inline void sets_bytes(struct sets *s, const uint8_t *bytes, size_t len, bool whole)
{
	if (s->in_text && !s->more)
		sets_text(s, bytes, len, whole);
}
/* A CommandComplete's tag, NUL included; `last`: nothing is under way behind it. */
void sets_tag(struct sets *s, const uint8_t *tag, size_t len, bool last);
/* Does what a capture has found account for all of them? */
bool sets_are_shown(const struct sets *s, const struct session_state *state);

#endif
