/*
 * caches.h - who keeps host names, and for how long: this host's resolver and its daemons, and the
 * programs that keep names themselves (a Java machine, PgBouncer, proxies).
 */
#ifndef AIRLOCK_DISCOVER_CACHES_H
#define AIRLOCK_DISCOVER_CACHES_H

#include "discover/lead.h"

/* Settings of caches in a text that ends in NUL: each line that has one is told. */
void caches_scan(struct lead *lead, const char *file, const char *text, size_t len);
/* Those of the host below `root`; their names go to `ret_who` ("nscd, dnsmasq"). */
void caches_look(struct lead *lead, const char *root, struct buf *ret_who);

#endif
