/*
 * scout.h - finds the names of applications' settings that the database reads (capture.h, find) on
 * a login of nobody's: reading the text of every function takes as long as it takes, and no client
 * is to wait for it.
 *
 * Thread: the loop's.
 */
#ifndef AIRLOCK_GATEWAY_SCOUT_H
#define AIRLOCK_GATEWAY_SCOUT_H

#include "gateway/session.h"

struct scout;
/* The gateway's names are known now, or they could not be found (`found` false).  The login is
 * idle, and its leg is `done`'s to take; never called from inside scout_begin. */
typedef void (*scout_cb)(struct session *s, bool found);

struct scout *scout_new(void);
void scout_free(struct scout *scout); /* accepts NULL */
/* On the second login of `s`, which is in.  One at a time. */
void scout_begin(struct scout *scout, struct session *s, scout_cb done);
bool scout_is_busy(const struct scout *scout);
/* That login is closed: `done` is not called any more.  Nothing happens when it is another's. */
void scout_leave(struct scout *scout, const struct session *s);

#endif
