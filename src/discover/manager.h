/*
 * manager.h - systemd's own word about a timer: whether it is started, and when it elapses next
 * (org.freedesktop.systemd1(5)).
 *
 * Asked is the manager behind root/run/systemd/private, which its owner may open, else the system
 * bus where `root` is this host itself.  Each question ends within MANAGER_ASK_MS.
 */
#ifndef AIRLOCK_DISCOVER_MANAGER_H
#define AIRLOCK_DISCOVER_MANAGER_H

#include <stdbool.h>
#include <stdint.h>

#define MANAGER_ASK_MS 1000

struct manager; /* owned; not thread-safe */

struct manager_timer {
	bool active;	/* started */
	int64_t next_s; /* wall clock; 0 = it has none */
};

/* NULL when no manager answers there. */
struct manager *manager_open(const char *root);
void manager_close(struct manager *m); /* accepts NULL */

/* False when the manager did not answer.  A unit that it has not loaded is not active. */
bool manager_timer(struct manager *m, const char *unit, struct manager_timer *ret);

#endif
