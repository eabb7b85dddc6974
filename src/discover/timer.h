/*
 * timer.h - when a timer of systemd elapses (systemd.timer(5)): by its manager's own word, else by
 * what its unit file says.
 */
#ifndef AIRLOCK_DISCOVER_TIMER_H
#define AIRLOCK_DISCOVER_TIMER_H

#include "discover/finding.h"
#include "discover/manager.h"

/* Sets next_s and runs.  `text` is the unit with its drop-ins; `manager` is NULL when none answers,
 * and then `enabled` says whether it is started with the host.  Appends to one->what where the
 * times come from. */
void timer_times(struct finding *one, const struct window *w, const char *unit, const char *text,
	bool enabled, struct manager *manager);

/* The values of "Key=" in a unit, one after the other; *at begins at the text and is moved on. */
struct buf;
bool unit_value(const char **at, const char *key, struct buf *ret);

#endif
