/*
 * writers_behind.h - who comes through a gateway: a server takes the gateway for its client, and the
 * gateway knows better (route_accounts).
 *
 * The accounts are read when a session is seen that was not seen before, from where they were read
 * last, and all of them once at the end: a crowd that comes and goes costs the gateway little.  What
 * they tell of writes is evidence too: a server's own word, of every transaction however short, and
 * of sessions that came and went between two looks.
 *
 * A gateway that cannot be asked is noted (writers_gateway), and not asked again in this watch.
 *
 * Thread: the store's.
 */
#ifndef AIRLOCK_DISCOVER_WRITERS_BEHIND_H
#define AIRLOCK_DISCOVER_WRITERS_BEHIND_H

#include "discover/writers.h"
#include "port/route.h"

struct behind {
	struct route *route; /* NULL, or one that cannot hold: nobody comes through it */
	struct writers *w;
	const char *store;
	enum side side;
	int64_t deadline_ms;
	bool silent, asked;
	int64_t ended_before; /* the last reading */
	int64_t all_us, all_at_ms; /* what it took to read all of them, and when that was */
	struct route_accounts accounts;
};

struct behind behind_init(struct route *route, struct writers *w, const char *store, enum side side,
	int64_t deadline_ms);
void behind_fini(struct behind *b);

/* A session as the server shows it; address "local" and port 0 for the file system. */
struct behind_session {
	int64_t pid;
	const char *user, *address;
	unsigned port;
};

/* Reads what is new of the accounts, or all of them. */
void behind_ask(struct behind *b, bool all);
/* Reads all of them instead of what was read last, as if that had not been read. */
void behind_ask_again(struct behind *b);
/* May somebody who is not found among the new ones be an old one with a new server, and is it time
 * to ask for all again?  (A fraction of it, at most, goes into that.) */
bool behind_may_ask_all(const struct behind *b, const struct behind_session *session);
/* Of a session that was not seen before: reads what is new, once a look (*asked, false at its
 * begin), and all of them where that may help. */
void behind_meet(struct behind *b, const struct behind_session *session, bool *asked);
/* Whose session that is; NULL when it is not one of the gateway's, or is not known. */
const struct route_account *behind_find(
	const struct behind *b, const struct behind_session *session);
/* Notes on its row how a session came that has not been noted before: through the gateway, or past
 * it.  client: what behind_find says. */
void behind_note(
	const struct behind *b, const struct route_account *client, struct writer *row);
/* Of a kind's first session, after behind_note: its process, or why there is none; where that is a
 * gateway, the session is somebody's behind it. */
void behind_process(struct writer *row, const struct process *found);

/* Which row the watch has for the server process of an account; SIZE_MAX = none. */
typedef size_t (*behind_row_cb)(void *ctx, int64_t pid);
/* Takes from the accounts what they tell of writes, into rows that are there or new ones; `last`:
 * the watch ends, and sums are drawn.  Returns how many sessions it told of that nobody saw, of
 * those that came within `watched_ms`. */
int64_t behind_tell(struct behind *b, behind_row_cb row_of, void *ctx, bool last,
	int64_t watched_ms);

#endif
