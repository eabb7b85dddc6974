/*
 * hostnames.h - every host name on the way to a store: what it resolves to now, how long that may
 * be kept, where it is pinned, who keeps it, and which processes of this host still talk to an
 * address that it had.
 *
 * Names come from the plan (stores, routes) and from what was found before (files, jobs, catalogs).
 * What a name led to earlier is known from the findings that were remembered.
 */
#ifndef AIRLOCK_DISCOVER_HOSTNAMES_H
#define AIRLOCK_DISCOVER_HOSTNAMES_H

#include "discover/dns.h"
#include "discover/lead.h"

#define HOSTNAMES_MAX 64
#define HOSTNAMES_ASK_MS 5000 /* for all of them: the rest is told as not asked */

/*
 * Takes plan, targets and f of `lead`, the latter with everything else already in it.  `chosen`:
 * the operator named the server, which then comes before what this host's applications are told.
 */
void hostnames_look(struct lead *lead, const char *root, struct dns *dns, bool chosen);

#endif
