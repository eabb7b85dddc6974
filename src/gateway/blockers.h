/*
 * blockers.h - who stands in the way of a hold, by name: pid, user, application, what, for how
 * long, and what the plan wants to become of it (control/policy.h).
 *
 * What the gateway knows of a session itself comes from it, as it was when it was last looked at;
 * the age and the text of what is under way are asked of the server it is on, over the control
 * connection.
 */
#ifndef AIRLOCK_GATEWAY_BLOCKERS_H
#define AIRLOCK_GATEWAY_BLOCKERS_H

#include "gateway/controld.h"
#include "gateway/session.h"

/* The policy for what it loses, POLICY_TELL when that is nothing; transactions do not count. */
enum policy blockers_policy(const struct session *s);
/* Its state cannot be carried over, or is not known, and the plan wants no hold then. */
bool blockers_is_stuck(const struct session *s);
/* Adds the session to those of `reply`, as it is; nothing when nothing is in its way, or when there
 * are too many. */
void blockers_add(struct control_reply *reply, const struct session *s);
/* Completes `reply` (owned, malloc) with all blockers, answers `request` with it, and frees it.
 * busy: those too that are not at a boundary; least: nobody whom the plan wants milder. */
void blockers_reply(struct gateway *gateway, struct controld_request *request,
	struct control_reply *reply, bool busy, enum policy least);

#endif
