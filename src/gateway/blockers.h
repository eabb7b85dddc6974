/*
 * blockers.h - who stands in the way of a hold, by name: pid, user, application, what, for how
 * long.
 *
 * What the gateway knows of a session itself comes from it; the age and the text of what is under
 * way are asked of the server it is on, over the control connection.
 */
#ifndef AIRLOCK_GATEWAY_BLOCKERS_H
#define AIRLOCK_GATEWAY_BLOCKERS_H

#include "gateway/controld.h"
#include "gateway/session.h"

/* Why the session could not be held, as control_blocker.cls; NULL when nothing is in the way. */
const char *blockers_class(const struct session *s);
/* Its state cannot be carried over, or is not known: waiting will not help. */
bool blockers_is_stuck(const struct session *s);
/* Completes `reply` (owned, malloc) with all blockers, answers `request` with it, and frees it. */
void blockers_reply(
	struct gateway *gateway, struct controld_request *request, struct control_reply *reply);

#endif
