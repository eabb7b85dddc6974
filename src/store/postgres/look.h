/*
 * look.h - a replication slot and a link's tables as they stand: for sync, for the checks before a
 * hold and for `status`.
 */
#ifndef AIRLOCK_STORE_POSTGRES_LOOK_H
#define AIRLOCK_STORE_POSTGRES_LOOK_H

#include "store/postgres/driver.h"

/* Who looks again and again ends so long before the deadline: the last look needs time, too, and
 * what it saw says more than that a deadline passed. */
#define LAST_LOOK_MS 2000

struct slot_look {
	bool exists;
	bool lost;	      /* its log is gone: replication must be set up again */
	bool active;	      /* somebody streams from it */
	int64_t unsent_bytes; /* not yet confirmed by the subscriber */
	int64_t kept_bytes;   /* log kept for it; what a reconnect decodes again */
	uint64_t confirmed;   /* position up to which it was consumed, in bytes */
	uint64_t end;	      /* and where the server's log ends */
};

int slot_look(struct store_pg *s, enum side side, const char *slot, int64_t deadline_ms,
	struct slot_look *ret_look, struct err *err) MUST_CHECK;

/* The tables of one link, as its subscription counts them. */
struct tables_look {
	int64_t total;
	int64_t ready;	 /* copied, and streaming ('r') */
	char first[160]; /* by name, of those that are not ready; "" = all are */
};

int tables_look(struct store_pg *s, enum side publisher, int64_t deadline_ms,
	struct tables_look *ret_look, struct err *err) MUST_CHECK;

#endif
