/*
 * stale.h - processes of this host that keep a connection to an address which a name had and does
 * not have any more: they ask for the name again only when they connect again.
 *
 * Source: /proc/net/tcp and tcp6 (proc(5)); whose socket it is, as far as it may be seen.
 */
#ifndef AIRLOCK_DISCOVER_STALE_H
#define AIRLOCK_DISCOVER_STALE_H

#include "discover/dns.h"
#include "discover/finding.h"

/*
 * `name` is the finding of the name as it is now, with its addresses `now`.  Former ones are those
 * of remembered findings of the same place, and `also`.  `port` 0 is any.
 */
void stale_look(struct findings *f, const struct finding *name, unsigned port,
	const struct dns_addresses *now, const struct dns_addresses *also);

#endif
