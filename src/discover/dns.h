/*
 * dns.h - what a name server says of a name now, and how long that may be kept: the resolver of the
 * C library (resolver(3)), with the servers, search domains and options of resolv.conf(5).
 *
 * A question that is not answered is given up after DNS_ASK_S for each server.
 */
#ifndef AIRLOCK_DISCOVER_DNS_H
#define AIRLOCK_DISCOVER_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define DNS_ASK_S 1
#define DNS_ADDRESSES_MAX 8
#define DNS_ADDRESS_BYTES 46

struct dns; /* owned; not thread-safe */

/* Addresses of one name as text, sorted, each once. */
struct dns_addresses {
	char text[DNS_ADDRESSES_MAX][DNS_ADDRESS_BYTES];
	size_t count;
};

struct dns_answer {
	enum { DNS_FOUND, DNS_NO_SUCH_NAME, DNS_NO_ANSWER } state;
	struct dns_addresses addresses;
	int64_t ttl_s;	    /* the shortest of those on the way, aliases too */
	bool authoritative; /* the server's own; otherwise a cache's, which counts down */
	char server[64];    /* that was asked first: "192.0.2.53", "127.0.0.1:5353" */
};

/* `nameserver` is an IPv4 address with or without ":port"; NULL = those of resolv.conf.  ERR_USAGE
 * when it is none. */
int dns_open(const char *nameserver, struct dns **ret, struct err *err) MUST_CHECK;
void dns_close(struct dns *dns); /* accepts NULL */
void dns_ask(struct dns *dns, const char *name, struct dns_answer *ret);

void dns_add_address(struct dns_addresses *a, const char *text);
bool dns_has_address(const struct dns_addresses *a, const char *text);

#endif
