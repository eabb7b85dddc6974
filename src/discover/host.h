/*
 * host.h - what this host does on a schedule or keeps running: crontabs, systemd's timers and
 * services.  Only what leads to a store of the plan is told.
 *
 * Everything is read below `root` ("" for this host itself), so that a container's or a test's tree
 * can be looked at.  A directory that may not be read is told as not observable.
 */
#ifndef AIRLOCK_DISCOVER_HOST_H
#define AIRLOCK_DISCOVER_HOST_H

#include "discover/lead.h"

/* Each takes plan, targets and f of `lead`; the rest of it is theirs. */
void host_crontabs(struct lead *lead, const char *root);
/* Of the system and of users, as far as their homes may be read. */
void host_units(struct lead *lead, const char *root);

/* For each entry of root/dir in order of name: its path.  A missing directory has none; one that
 * may not be read is told. */
typedef void host_entry_fn(struct lead *lead, const char *root, const char *path, const char *name);
void host_each(struct lead *lead, const char *root, const char *dir, host_entry_fn *fn);

#endif
