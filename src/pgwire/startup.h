/*
 * startup.h - the first packet of a client: login, or a request for TLS, GSS or a cancel.
 *
 * A login's parameters are taken by allow-list (startup.def): what is not on it is refused by name,
 * so that nothing reaches a server, today or after a flip, that nobody has thought about.
 */
#ifndef AIRLOCK_PGWIRE_STARTUP_H
#define AIRLOCK_PGWIRE_STARTUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "pgwire/wire.h"

#define STARTUP_PARAMETERS_MAX 48
#define STARTUP_OPTIONS_MAX 8 /* of the protocol; none is known */

enum startup_kind { STARTUP_LOGIN, STARTUP_TLS, STARTUP_GSS, STARTUP_CANCEL };

struct startup {
	enum startup_kind kind;
	uint16_t minor;	      /* of protocol 3 */
	uint32_t pid, secret; /* of a cancel */
	/* Of a login; borrowed from the packet. */
	struct startup_parameter {
		const char *name, *value;
	} parameters[STARTUP_PARAMETERS_MAX];
	size_t count;		     /* without user, database and options of the protocol */
	const char *user, *database; /* database: the user's name when it was not given */
	const char *options[STARTUP_OPTIONS_MAX]; /* names that begin with _pq_. */
	size_t unknown_options;			  /* how many they are */
};

/* How long the packet is, its length word included: WIRE_MORE before four bytes are there. */
enum wire_got startup_size(const uint8_t *at, size_t len, size_t *ret_size);
/* The whole packet.  On failure err says what a client is to be told, with its SQLSTATE. */
int startup_parse(
	const uint8_t *packet, size_t size, struct startup *ret, struct err *err) MUST_CHECK;
bool startup_allows(const char *name);

#endif
