/*
 * sync.h - setting replication up between the two sides of a store, and taking it down.
 *
 * Everything here happens outside any attempt.  Each step looks first and does only what is
 * missing, so an interrupted call is finished by the next one.
 */
#ifndef AIRLOCK_STORE_POSTGRES_SYNC_H
#define AIRLOCK_STORE_POSTGRES_SYNC_H

#include "store/postgres/driver.h"

struct sync_progress {
	const char *step;  /* a sentence; borrowed for the call */
	const char *table; /* being copied, or NULL */
	int64_t rows_done; /* of that table, so far */
	size_t tables_ready, tables_total;
	int64_t lag_bytes; /* -1 = not known yet */
};

struct sync_options {
	int64_t step_ms;	 /* one step that waits for the server */
	int64_t copy_stalled_ms; /* give up when the copy made no progress for so long */
	void (*progress)(void *arg, const struct sync_progress *progress);
	void *arg;
};

/*
 * Writes STANDBY into new's register and shuts it, exactly as a seal does; freezes the schema of
 * both sides; publishes the same tables on both; creates each link once: the active one copies, the
 * way back is idle; audit slots; waits until new follows old within the plan's lag budget.
 * Refuses when a side is not as it should be before, with the remedy.
 */
int store_pg_sync(
	struct store_pg *s, const struct sync_options *options, struct err *err) MUST_CHECK;

/* Drops links and slots, then restores admission as it was saved.  Refused when new is or may
 * become the primary. */
int store_pg_abandon(struct store_pg *s, int64_t deadline_ms, struct err *err) MUST_CHECK;

/* links.c: the parts of the links.  links_drop is what abandon and finalize take away. */
int links_drop(struct store_pg *s, int64_t deadline_ms, struct err *err) MUST_CHECK;
/* Both sides have the same tables, and new's are empty unless an earlier sync filled them. */
int links_check_tables(struct store_pg *s, int64_t deadline_ms, struct err *err) MUST_CHECK;
int links_publish(struct store_pg *s, int64_t deadline_ms, struct err *err) MUST_CHECK;
int links_create_slot(struct store_pg *s, enum side side, const char *slot, const char *plugin,
	int64_t deadline_ms, struct err *err) MUST_CHECK;
/* Creates the subscription of `publisher`'s link on the other side, unless it is there. */
int links_subscribe(struct store_pg *s, enum side publisher, bool active, int64_t deadline_ms,
	struct err *err) MUST_CHECK;

/* How many tables of applications there are on a side. */
int links_count_tables(struct store_pg *s, enum side side, int64_t deadline_ms, size_t *ret_count,
	struct err *err) MUST_CHECK;

#endif
