/*
 * impatience.h - our own look at a session (capture.h) is given up when its client has waited for it
 * too long.  Describe of a prepared statement waits for whoever holds that table's lock; what the
 * client asks may have nothing to do with that table, and without a gateway it would be answered.
 *
 * The look is cancelled as a client would, and is then one that failed.  Nothing of the client's is
 * handed on before the server has hung up on the cancel: one that came later would hit that.  In a
 * hold nobody is impatient, for all wait there, up to the drain's deadline.
 */
#ifndef AIRLOCK_GATEWAY_IMPATIENCE_H
#define AIRLOCK_GATEWAY_IMPATIENCE_H

#include <stdbool.h>

struct session;

/* A look begins; uses the session's timer until impatience_end. */
void impatience_begin(struct session *s);
/* Has a cancel been sent, and not been delivered yet?  Then carry_look_over comes later. */
bool impatience_cancels(const struct session *s);
void impatience_end(struct session *s);

#endif
