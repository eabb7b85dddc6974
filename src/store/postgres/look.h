/*
 * look.h - a replication slot as it stands: for the checks before a hold and for `status`.
 */
#ifndef AIRLOCK_STORE_POSTGRES_LOOK_H
#define AIRLOCK_STORE_POSTGRES_LOOK_H

#include "store/postgres/driver.h"

struct slot_look {
	bool exists;
	bool lost;	      /* its log is gone: replication must be set up again */
	bool active;	      /* somebody streams from it */
	int64_t unsent_bytes; /* not yet confirmed by the subscriber */
	int64_t kept_bytes;   /* log kept for it; what a reconnect decodes again */
};

int slot_look(struct store_pg *s, enum side side, const char *slot, int64_t deadline_ms,
	struct slot_look *ret_look, struct err *err) MUST_CHECK;

#endif
