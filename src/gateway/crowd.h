/*
 * crowd.h - what is asked of, or done to, all sessions at once, whatever a hold is doing.
 *
 * Thread: the loop's.
 */
#ifndef AIRLOCK_GATEWAY_CROWD_H
#define AIRLOCK_GATEWAY_CROWD_H

#include "gateway/session.h"

/* Has this gateway itself seen a session let in at another side than src? */
bool crowd_is_elsewhere(const struct gateway *gateway, enum control_side src);
/* What has been idle for longer than a hold lasts will hardly be missed in the window, which then
 * pays for active sessions alone. */
void crowd_detach_idle(struct gateway *gateway);

#endif
