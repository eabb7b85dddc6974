/*
 * gateway.h - what all parts of airlock-gateway share: one store, two sides, one loop.
 *
 * Thread: everything here belongs to the loop's thread.
 */
#ifndef AIRLOCK_GATEWAY_GATEWAY_H
#define AIRLOCK_GATEWAY_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

#include "control/policy.h"
#include "gateway/account.h"
#include "gateway/doors.h"
#include "gateway/leg.h"
#include "gateway/names.h"
#include "gateway/renew.h"
#include "gateway/tls.h"
#include "gateway/verifiers.h"

#define GATEWAY_SESSIONS_MAX 4096u
#define GATEWAY_ADDRESSES_MAX 8u /* of one host */

/* Where a side's server is and how it is spoken to: out of the plan's conninfo. */
struct gateway_side {
	/* In the resolver's order; `at` is the one that answered last, or is to be tried next. */
	struct gateway_address {
		struct sockaddr_storage address;
		socklen_t len;
	} addresses[GATEWAY_ADDRESSES_MAX];
	size_t addresses_count, at;
	bool resolved;	/* from a name, which can come to mean another address */
	char host[256]; /* as it was given: what its certificate must name */
	char port[32];
	char database[64];
	bool tls_try, tls_must, verify_host;
	SSL_CTX *tls; /* NULL when neither */
};

struct session;

struct gateway {
	uv_loop_t loop;
	struct gateway_side side[2]; /* by enum control_side */
	/* Where the next login is tried first; never believed without a look at the register. */
	enum control_side likely;
	SSL_CTX *tls;	     /* of the clients' legs; NULL = plain only */
	int64_t patience_ms; /* how long a session that was carried waits for an open door */
	uint8_t secret[32];  /* for what users that do not exist are told */
	struct pool pool;
	struct legs legs;
	struct doors *doors;
	struct hold *hold;
	struct park *park;
	struct renewals *renewals;
	struct tryouts *tryouts;
	struct policies policies;	     /* of its own plan, until a controller has said */
	struct verifiers *verifiers; /* NULL = the servers are asked */
	struct accounts accounts;
	struct setting_names names;	     /* of applications' settings that the database reads */
	struct session *slab, *free, *first; /* first: of those that live, newest first */
	size_t used, count;
	uint64_t blind_ms; /* uv_now when the log was last told that logins cannot be looked up; 0 =
			      never */
	bool stopping;
};

static inline enum control_side gateway_other(enum control_side side)
{
	return side == CONTROL_OLD ? CONTROL_NEW : CONTROL_OLD;
}

int64_t gateway_now_us(void);
/* Bytes nobody can guess; aborts when there are none. */
void gateway_random(void *ret, size_t len);
/* Printable, without commas, `cap` - 1 characters. */
void gateway_nonce(char *ret, size_t cap);
/* Servers that are opened at a time at least: twice as many as there are processors here, for a
 * server's own are not known. */
size_t gateway_openings_least(void);

#endif
